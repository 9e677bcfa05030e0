using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>A NumPy .npz file: a zip archive of .npy arrays, stored or deflated. Each array is read when it is asked for.</summary>
public sealed class NpzFile : IDisposable
{
    private const string Extension = ".npy";
    private const long LargestEntry = 4L << 30;

    // Deflated zeros take a thousandth of their size, so without a limit a small file could fill all memory. The largest checkpoint has a sixth of this.
    private const long LargestSum = 64 << 20;
    private const int NamesShown = 8;

    // The first date that a zip file can hold, not the time of writing, so that the same arrays give the same bytes.
    private static readonly DateTimeOffset timestamp = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string path;
    private readonly ZipArchive archive;
    private readonly OrderedDictionary<string, ZipArchiveEntry> entries = [];
    private long bytesRead;

    private NpzFile(string path, ZipArchive archive)
    {
        this.path = path;
        this.archive = archive;
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            // Nothing is unpacked to a folder, but NumPy does not write a name that would leave it.
            string? problem = !entry.FullName.EndsWith(Extension, StringComparison.Ordinal) ? "which is not a .npy array"
                : !IsSafe(entry.FullName[..^Extension.Length]) ? "whose name leaves the archive or is malformed"
                : !entries.TryAdd(entry.FullName[..^Extension.Length], entry) ? "which is there twice"
                : null;
            if (problem is null) continue;
            throw new EngineException($"{path} holds an entry {MessageText.Quote(entry.FullName)} {problem}; save it again with numpy.savez.");
        }
    }

    /// <summary>The names of the arrays, without <c>.npy</c>, in the order of the file.</summary>
    public IReadOnlyList<string> Names => entries.Keys;

    /// <summary>The archive's comment, which NumPy does not notice; empty where there is none.</summary>
    public string Comment => archive.Comment;

    /// <summary>Opens a .npz file.</summary>
    /// <exception cref="EngineException">The file cannot be read, is not a complete zip archive, or holds entries that are not arrays.</exception>
    public static NpzFile Open(string path)
    {
        FileStream stream = InputFile.Open(path);
        try
        {
            Span<byte> start = stackalloc byte[64];
            start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
            stream.Position = 0;
            if (!start.StartsWith("PK"u8))
            {
                throw new EngineException(
                    $"{path} {InputFile.Mistake(start) ?? "is not a .npz file (a zip archive); save it with numpy.savez."}");
            }

            return new NpzFile(path, new ZipArchive(stream, ZipArchiveMode.Read));
        }
        catch (Exception e)
        {
            // The archive's reader answers damage with exceptions of many types.
            stream.Dispose();
            if (e is EngineException or OutOfMemoryException) throw;
            throw new EngineException($"{path} is truncated or damaged ({e.Message}); copy or save it again.", e);
        }
    }

    /// <summary>Writes a deflated .npz file, whole or not at all. The same arrays give the same bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="arrays">The arrays and their names.</param>
    /// <param name="comment">The archive's comment, see <see cref="Comment"/>; ASCII, fewer than 65 536 characters.</param>
    /// <exception cref="ArgumentException">A name is repeated, blank or leaves the archive.</exception>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<(string Name, NpyArray Array)> arrays, string comment = "") =>
        AtomicFile.Write(path, stream => Write(stream, arrays, comment));

    /// <summary>The bytes of the file that <see cref="Write(string, IEnumerable{ValueTuple{string, NpyArray}}, string)"/> writes, without a comment.</summary>
    /// <exception cref="ArgumentException">A name is repeated, blank or leaves the archive.</exception>
    public static byte[] Encode(IEnumerable<(string Name, NpyArray Array)> arrays)
    {
        using MemoryStream stream = new();
        Write(stream, arrays, "");
        return stream.ToArray();
    }

    /// <summary>Replaces the comment of a file; its arrays stay as they are, byte for byte.</summary>
    /// <param name="path">The file.</param>
    /// <param name="comment">As <see cref="Write(string, IEnumerable{ValueTuple{string, NpyArray}}, string)"/> takes it.</param>
    /// <exception cref="EngineException">It is not a complete .npz file, or cannot be written.</exception>
    public static void WriteComment(string path, string comment)
    {
        int old;
        using (NpzFile file = Open(path)) old = file.archive.Comment.Length;

        // An archive ends with the comment's length in two bytes, and the comment.
        byte[] whole = File.ReadAllBytes(path), text = Encoding.ASCII.GetBytes(comment), length = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(length, checked((ushort)text.Length));
        int end = whole.Length - old;
        if (end < length.Length || BinaryPrimitives.ReadUInt16LittleEndian(whole.AsSpan(end - length.Length)) != old)
        {
            throw new EngineException($"{path} has data behind its end or a comment in other letters than ASCII; save it again with numpy.savez.");
        }

        AtomicFile.Write(path, stream =>
        {
            stream.Write(whole.AsSpan(0, end - length.Length));
            stream.Write(length);
            stream.Write(text);
        });
    }

    /// <summary>Whether the file holds an array of this name.</summary>
    public bool Contains(string name) => entries.ContainsKey(name);

    /// <summary>Whether an array is float64, and the sizes of its axes: what its header says, its values unread.</summary>
    /// <exception cref="EngineException">There is no such array, its header is damaged, or it has a type or size that cannot be read.</exception>
    public (bool IsDouble, int[] Shape) Describe(string name) => Read(name, (content, title, length) =>
    {
        NpyHeader header = NpyFile.ReadHeader(content, title, length, out _);
        return (header.Type == NpyType.Double, header.Shape);
    });

    /// <summary>Reads one array. Of one file at most 64 MiB are read.</summary>
    /// <exception cref="EngineException">There is no such array, it is damaged, or it has a type or size that cannot be read.</exception>
    public NpyArray Read(string name) => ReadWhole(name, NpyFile.Read);

    /// <summary>Reads one array of bytes (NumPy's <c>uint8</c>).</summary>
    /// <inheritdoc cref="Read(string)"/>
    public byte[] ReadBytes(string name) => ReadWhole(name, NpyFile.ReadBytes);

    /// <summary>Reads one array that must have <paramref name="length"/> values; if its header says otherwise, nothing is read.</summary>
    /// <exception cref="EngineException">There is no such array, it is damaged, or it has another type or size than asked for.</exception>
    public NpyArray Read(string name, int length)
    {
        int claimed = NpyArray.CountOf(Describe(name).Shape);
        return claimed == length ? Read(name) : throw new EngineException($"{path}: array '{name}' has {claimed} values, not {length}.");
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => archive.Dispose();

    private T ReadWhole<T>(string name, Func<Stream, string, long, T> read) => Read(name, (content, title, length) =>
    {
        if (length > LargestSum - bytesRead)
        {
            throw new EngineException($"{title} and those before it hold more than {LargestSum >> 20} MiB; save smaller arrays.");
        }

        bytesRead += length;
        uint expected = entries[name].Crc32;
        T values = read(content, title, length);
        return content.Checksum == expected
            ? values
            : throw new EngineException($"{title} is damaged: its checksum does not match; copy or save the file again.");
    });

    private T Read<T>(string name, Func<Crc32Stream, string, long, T> read)
    {
        if (!entries.TryGetValue(name, out ZipArchiveEntry? entry))
        {
            string rest = Names.Count > NamesShown ? $" and {Names.Count - NamesShown} more" : "";
            string there = Names.Count == 0 ? "nothing" : string.Join(", ", Names.Take(NamesShown)) + rest;
            throw new EngineException($"{path} has no array '{name}'; it holds {there}.");
        }

        string title = $"{path}: array '{name}'";
        if (entry.IsEncrypted) throw new EngineException($"{title} is encrypted; save the file without a password.");
        if (entry.Length > LargestEntry)
        {
            throw new EngineException($"{title} claims {entry.Length} bytes; at most {LargestEntry} are read: save a smaller array.");
        }

        try
        {
            using Crc32Stream content = new(entry.Open());
            return read(content, title, entry.Length);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or ArgumentException or IOException or OverflowException)
        {
            throw new EngineException($"{title} is damaged or compressed by another method than stored or deflated; save it again with "
                + "numpy.savez.", e);
        }
    }

    private static void Write(Stream stream, IEnumerable<(string Name, NpyArray Array)> arrays, string comment)
    {
        HashSet<string> names = [];
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true) { Comment = comment };
        foreach ((string name, NpyArray array) in arrays)
        {
            if (!IsSafe(name) || !names.Add(name)) throw new ArgumentException($"'{name}' is repeated or no array's name", nameof(arrays));
            ZipArchiveEntry entry = archive.CreateEntry(name + Extension);
            entry.LastWriteTime = timestamp;
            using Stream content = entry.Open();
            NpyFile.Write(content, array);
        }
    }

    /// <summary>Whether the name as a path stays in its folder: no empty or dotted part, no root or drive, no odd character.</summary>
    private static bool IsSafe(string name) =>
        !name.Split('/').Any(part => part is "" or "." or "..")
        && !name.Any(letter => letter == '\\' || char.IsControl(letter))
        && !(name.Length > 1 && name[1] == ':');
}
