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
    public static double OfFiles(params IEnumerable<string> paths) => Of("", paths);

    /// <summary>The same for a text and the files' contents.</summary>
    /// <exception cref="Kernels.EngineException">A file cannot be read.</exception>
    public static double Of(string text, params IEnumerable<string> paths)
    {
        using IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        all.AppendData(Encoding.UTF8.GetBytes(text));
        foreach (string path in paths)
        {
            using FileStream file = InputFile.Open(path);
            all.AppendData(SHA256.HashData(file));
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(all.GetHashAndReset()) >> (64 - Bits);
    }
}
