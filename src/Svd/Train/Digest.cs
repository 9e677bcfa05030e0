using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Engine.Tensors;

namespace Engine.Svd.Train;

/// <summary>A number for the contents of files, which a checkpoint can keep and which tells whether the files are the same.</summary>
internal static class Digest
{
    // As many as float64 holds exactly.
    private const int Bits = 53;

    /// <summary>53 bits of the SHA-256 of the files' contents, in this order.</summary>
    /// <exception cref="Kernels.EngineException">A file cannot be read.</exception>
    public static double OfFiles(params IEnumerable<string> paths) => Of("", paths.Select(OfFile));

    /// <summary>The SHA-256 of a file's content.</summary>
    /// <exception cref="Kernels.EngineException">The file cannot be read.</exception>
    public static byte[] OfFile(string path)
    {
        using FileStream file = InputFile.Open(path);
        return SHA256.HashData(file);
    }

    /// <summary>The same for a text and the SHA-256 of files' contents.</summary>
    public static double Of(string text, IEnumerable<byte[]> digests)
    {
        using IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        all.AppendData(Encoding.UTF8.GetBytes(text));
        foreach (byte[] digest in digests) all.AppendData(digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(all.GetHashAndReset()) >> (64 - Bits);
    }
}
