using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Engine.Tensors;

namespace Engine.Svd.Train;

/// <summary>Tells whether files are those of before: a number that a checkpoint can keep.</summary>
internal static class Digest
{
    // What float64 holds exactly.
    private const int Bits = 53;

    /// <summary>53 bits of the SHA-256 of the files' contents, one after the other.</summary>
    /// <exception cref="Kernels.EngineException">A file cannot be read.</exception>
    public static double OfFiles(params IEnumerable<string> paths) => Of("", paths);

    /// <summary>The same of a text and the files' contents.</summary>
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
