using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// Reads and writes NumPy's .npy format: a magic string, the version, a header (a Python dictionary as text), the values. It reads versions
/// 1.0, 2.0 and 3.0, little-endian float32 and float64, C and Fortran order; it writes version 1.0 in C order.
/// </summary>
public static class NpyFile
{
    private const int Alignment = 64;
    private const int LongestHeader = ushort.MaxValue;
    private const int ChunkLength = 1 << 16;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads the array in a .npy file.</summary>
    /// <exception cref="EngineException">The file cannot be read, is damaged, or holds an array of another type.</exception>
    public static NpyArray Read(string path)
    {
        using FileStream stream = InputFile.Open(path);
        return Read(stream, path, stream.Length);
    }

    /// <summary>Reads an array from a stream that holds it and nothing else. Memory grows only with the data that arrive.</summary>
    /// <param name="stream">The stream, at the first byte of the magic string.</param>
    /// <param name="name">What messages call the array.</param>
    /// <param name="availableBytes">The number of bytes from there to the stream's end; a header that disagrees is refused.</param>
    /// <exception cref="EngineException">The stream cannot be read, is damaged, or holds an array of another type.</exception>
    public static NpyArray Read(Stream stream, string name, long availableBytes) => Read(
        stream, name, availableBytes, bytes: false, (header, count) => header.Type == NpyType.Double
            ? NpyArray.Adopt(header.Shape, ReadValues<double>(stream, header, count, name))
            : NpyArray.Adopt(header.Shape, ReadValues<float>(stream, header, count, name)));

    /// <summary>Writes the array to a .npy file, whole or not at all.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void Write(string path, NpyArray array) => AtomicFile.Write(path, stream => Write(stream, array));

    /// <summary>Writes the array to a stream in the .npy format.</summary>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, NpyArray array)
    {
        string text = new NpyHeader(array.IsDouble ? NpyType.Double : NpyType.Single, IsFortranOrder: false, array.Shape.ToArray()).ToString();
        int unpadded = Magic.Length + 4 + text.Length + 1;
        int padded = (unpadded + Alignment - 1) / Alignment * Alignment;

        Span<byte> preamble = [.. Magic, 1, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(preamble[^2..], (ushort)(padded - preamble.Length));
        stream.Write(preamble);
        stream.Write(Encoding.ASCII.GetBytes(text.PadRight(text.Length + padded - unpadded) + "\n"));

        if (array.IsDouble) WriteValues<double>(stream, array.Doubles);
        else WriteValues<float>(stream, array.Singles);
    }

    /// <summary>Reads an array of bytes (<c>|u1</c>) from a stream that holds it and nothing else.</summary>
    /// <exception cref="EngineException">The stream cannot be read, is damaged, or holds an array of another type.</exception>
    internal static byte[] ReadBytes(Stream stream, string name, long availableBytes) =>
        Read(stream, name, availableBytes, bytes: true, (header, count) => ReadValues<byte>(stream, header, count, name));

    /// <summary>Reads the header alone and holds the size that it claims against the number of bytes there.</summary>
    /// <exception cref="EngineException">The header is damaged, or the array has a type or size that cannot be read.</exception>
    internal static NpyHeader ReadHeader(Stream stream, string name, long availableBytes, out int count, bool bytes = false)
    {
        NpyHeader header = ReadHeader(stream, name, bytes, out int headerBytes);
        count = NpyArray.CountOf(header.Shape);
        string shape = string.Join(" × ", header.Shape);
        if (count < 0) throw new EngineException($"{name} has more values ({shape}) than can be held; save a smaller array.");

        long claimed = headerBytes + ((long)count * header.ElementSize);
        if (claimed > availableBytes)
        {
            throw new EngineException(
                $"{name} is truncated: its header ({shape}) asks for {claimed} bytes, {availableBytes} are there; copy or save it again.");
        }

        return claimed == availableBytes ? header : throw Trailing(name);
    }

    private static T Read<T>(Stream stream, string name, long availableBytes, bool bytes, Func<NpyHeader, int, T> readValues)
    {
        try
        {
            NpyHeader header = ReadHeader(stream, name, availableBytes, out int count, bytes);
            T values = readValues(header, count);
            return stream.ReadByte() < 0 ? values : throw Trailing(name);
        }
        catch (IOException e)
        {
            throw new EngineException($"{name} cannot be read: {e.Message}", e);
        }
    }

    private static NpyHeader ReadHeader(Stream stream, string name, bool bytes, out int headerBytes)
    {
        Span<byte> preamble = stackalloc byte[Magic.Length + 6];
        Span<byte> magicAndVersion = preamble[..(Magic.Length + 2)];
        Fill(stream, magicAndVersion, name);
        if (!magicAndVersion.StartsWith(Magic))
        {
            throw new EngineException($"{name} {InputFile.Mistake(magicAndVersion) ?? "is not a .npy array; save it with numpy.save."}");
        }

        (int major, int minor) = (magicAndVersion[^2], magicAndVersion[^1]);
        if (major is < 1 or > 3 || minor != 0)
        {
            throw new EngineException($"{name} is of .npy version {major}.{minor}; versions 1.0, 2.0 and 3.0 are read.");
        }

        Span<byte> size = preamble[magicAndVersion.Length..][..(major == 1 ? 2 : 4)];
        Fill(stream, size, name);
        uint length = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(size) : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (length > LongestHeader)
        {
            throw new EngineException($"{name} claims a .npy header of {length} bytes; it is damaged: copy or save it again.");
        }

        byte[] text = new byte[length];
        Fill(stream, text, name);
        headerBytes = magicAndVersion.Length + size.Length + text.Length;

        // Version 3.0 is UTF-8, but only the field names of structured types, which are refused, reach beyond ASCII.
        return NpyHeader.Parse(Encoding.Latin1.GetString(text), name, bytes);
    }

    private static T[] ReadValues<T>(Stream stream, NpyHeader header, int count, string name)
        where T : unmanaged
    {
        // A zip entry's length is a claim too, so the array grows with what has been read.
        T[] values = new T[Math.Min(count, ChunkLength)];
        for (int done = 0; done < count;)
        {
            int chunk = Math.Min(count - done, ChunkLength);
            if (done + chunk > values.Length) Array.Resize(ref values, (int)Math.Min(count, 2L * values.Length));
            Fill(stream, MemoryMarshal.AsBytes(values.AsSpan(done, chunk)), name);
            done += chunk;
        }

        return header.IsFortranOrder ? ToCOrder(values, header.Shape) : values;
    }

    private static T[] ToCOrder<T>(T[] fortran, int[] shape)
    {
        T[] ordered = new T[fortran.Length];
        int[] index = new int[shape.Length];
        int[] stride = new int[shape.Length];
        for (int axis = 0, size = 1; axis < shape.Length; size *= shape[axis++]) stride[axis] = size;

        for (int target = 0, source = 0; target < ordered.Length; target++)
        {
            ordered[target] = fortran[source];
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                source += stride[axis];
                if (++index[axis] < shape[axis]) break;
                source -= stride[axis] * shape[axis];
                index[axis] = 0;
            }
        }

        return ordered;
    }

    private static void WriteValues<T>(Stream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        // The bytes of a large array are more than one span can count.
        for (; !values.IsEmpty; values = values[Math.Min(values.Length, ChunkLength)..])
        {
            stream.Write(MemoryMarshal.AsBytes(values[..Math.Min(values.Length, ChunkLength)]));
        }
    }

    private static void Fill(Stream stream, Span<byte> buffer, string name)
    {
        if (stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw new EngineException($"{name} is truncated: its data end early; copy or save it again.");
        }
    }

    private static EngineException Trailing(string name) =>
        new($"{name} holds more data than its header says; it is damaged: copy or save it again.");
}
