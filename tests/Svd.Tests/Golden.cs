using System.IO.Compression;
using System.Runtime.InteropServices;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Nn;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Svd.Tests;

/// <summary>The reference arrays, and how results are held against them.</summary>
internal static class Golden
{
    /// <summary>
    /// Every backend: the CPU kernels at each width, those the processor lacks in software, the definitions, and the GPUs that there are.
    /// </summary>
    public static TheoryData<string> Devices => ["512", "256", "128", "32", "reference", .. Gpu.Present];

    public static IBackend Create(string device) => device switch
    {
        "reference" => Backends.CreateReference(),
        Gpu.Cuda or Gpu.OpenCl => Gpu.Open(device),
        _ => Backends.CreateCpu(2, (VectorWidth)int.Parse(device)),
    };

    /// <summary>The class threshold that was tuned for the bundled detector.</summary>
    public static double BundledThreshold { get; } = WeightNotes.Of(WeightFile.Read(BundledFiles.Classifier))!.ClassThreshold!.Value;

    public static double[] Read(string file, string name)
    {
        using NpzFile npz = NpzFile.Open(ReferenceData.PathOf($"reference/{file}"));
        return npz.Read(name).ToDouble();
    }

    public static float[] ReadSingle(string file, string name) => Array.ConvertAll(Read(file, name), value => (float)value);

    /// <summary>An array of bytes (NumPy's <c>u1</c>), which the engine's own reader declines.</summary>
    public static byte[] ReadBytes(string file, string name)
    {
        using ZipArchive zip = ZipFile.OpenRead(ReferenceData.PathOf($"reference/{file}"));
        using MemoryStream content = new();
        zip.GetEntry($"{name}.npy")!.Open().CopyTo(content);
        byte[] bytes = content.ToArray();
        const int headerLengthAt = 8, headerAt = 10;
        return bytes[(headerAt + BitConverter.ToUInt16(bytes, headerLengthAt))..];
    }

    /// <summary>An array of 64-bit integers, which the engine's own reader declines as well.</summary>
    public static long[] ReadInt64(string file, string name) => MemoryMarshal.Cast<byte, long>(ReadBytes(file, name)).ToArray();

    /// <summary>Asserts |actual − expected| ≤ tolerance · the largest |expected|, everywhere.</summary>
    public static void AssertRelative(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        double scale = 0;
        foreach (double value in expected) scale = Math.Max(scale, Math.Abs(value));
        AssertAbsolute(expected, actual, tolerance * scale, what);
    }

    /// <summary>Asserts |actual − expected| ≤ tolerance everywhere.</summary>
    public static void AssertAbsolute(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(float.IsFinite(actual[i]), $"{what}: {actual[i]} at {i}");
            if (Math.Abs(actual[i] - expected[i]) > Math.Abs(actual[worst] - expected[worst])) worst = i;
        }

        double error = Math.Abs(actual[worst] - expected[worst]);
        Assert.True(
            error <= tolerance,
            $"{what}: off by {error:E3} (tolerance {tolerance:E3}), relative {error / Math.Abs(expected[worst]):E3}, at {worst}: "
            + $"{actual[worst]:R} for {expected[worst]:R}");
    }
}
