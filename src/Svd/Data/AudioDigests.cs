using System.Security.Cryptography;
using System.Text;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Data;

/// <summary>
/// The SHA-256 of audio files. A small file notes each together with the audio file's path, size and modification time, so that an unchanged file is read
/// only once and not at every start.
/// </summary>
/// <param name="folder">The folder of the notes.</param>
internal sealed class AudioDigests(string folder)
{
    private const int LongestNote = 1 << 16;

    // File systems round times to as much as 2 s, so a file that was just written may change again and keep its time.
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(3);

    /// <summary>An audio file's SHA-256.</summary>
    /// <exception cref="EngineException">The file cannot be read, or the note cannot be written.</exception>
    public byte[] Of(string audioPath)
    {
        using FileStream audio = InputFile.Open(audioPath);
        try
        {
            DateTime modified = File.GetLastWriteTimeUtc(audio.SafeFileHandle);
            string subject = $"svd audio digest 1\n{Path.GetFullPath(audioPath)}\n{audio.Length} bytes, modified {modified.Ticks}\n";
            string note = Path.Combine(folder, $"{Hex(Path.GetFullPath(audioPath))}.digest");
            if (Noted(note, subject) is { } noted) return noted;

            byte[] digest = SHA256.HashData(audio);
            if (DateTime.UtcNow - modified > _settled) AtomicFile.Write(note, stream => stream.Write(Encoding.UTF8.GetBytes(Note(subject, digest))));
            return digest;
        }
        catch (IOException e)
        {
            throw new EngineException($"{audioPath} cannot be read: {e.Message}", e);
        }
    }

    private static byte[]? Noted(string note, string subject)
    {
        try
        {
            if (!File.Exists(note)) return null;
            using FileStream file = InputFile.Open(note);
            if (file.Length > LongestNote) return null;
            using StreamReader reader = new(file);
            string text = reader.ReadToEnd();
            if (text.Length < subject.Length + 2 * SHA256.HashSizeInBytes) return null;

            byte[] digest = Convert.FromHexString(text.AsSpan(subject.Length, 2 * SHA256.HashSizeInBytes));
            return text == Note(subject, digest) ? digest : null;
        }
        catch (Exception failure) when (failure is EngineException or IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    // The last line is a checksum of the others.
    private static string Note(string subject, byte[] digest)
    {
        string known = $"{subject}{Convert.ToHexStringLower(digest)}\n";
        return $"{known}{Hex(known)}\n";
    }

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
