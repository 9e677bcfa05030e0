using System.IO.Compression;
using System.Text;
using Engine.Tensors;

namespace Engine.Svd.Tests.Cli;

/// <summary>Weight files and statistics that are none.</summary>
public sealed class BadFileTests : CommandTest
{
    private const float Large = 1e30f;

    private static readonly string Weights = Path.Combine(AppContext.BaseDirectory, "weights");
    private static readonly NpyArray[] Classifier = Zeros("svdnet.npz"), Inverter = Zeros("inverter.npz");

    /// <summary>Every command with every option that names a file.</summary>
    public static TheoryData<string, string> EveryOption => new()
    {
        { "explain", "--classifier" }, { "explain", "--inverter" }, { "explain", "--stats" }, { "predict", "--classifier" },
        { "predict", "--stats" }, { "logmel", "--stats" },
    };

    public static TheoryData<string, string> EveryWeightOption => new()
    {
        { "explain", "--classifier" }, { "explain", "--inverter" }, { "predict", "--classifier" },
    };

    public static TheoryData<string> EveryCommand => ["explain", "predict", "logmel"];

    [Theory]
    [MemberData(nameof(EveryOption))]
    public void IsNoNpz(string command, string option)
    {
        string song = Song();
        byte[] whole = File.ReadAllBytes(Path.Combine(Weights, "meanstd.npz"));
        void Says(string path, params string[] words) => Fails(1, Arguments(command, song, option, path), [path, .. words]);
        Says(PathOf("missing.npz"), "does not exist", "check the name");
        Says(Out, "is a folder");
        Says(Put("empty.npz", []), "is empty");
        Says(Put("text.npz", [.. "not a zip archive"u8]), "is not a .npz file");
        Says(Put("truncated.npz", whole[..(whole.Length / 2)]), "is truncated or damaged", "copy or save it again");
        Says(Zip(("../../param0.npy", Npy("(1,)", 4))), "'../../param0.npy'", "leaves the archive");
        Says(Zip(("notes.txt", [1])), "'notes.txt'", "not a .npy array");
        Says(Zip(), "no array");
    }

    [Theory]
    [MemberData(nameof(EveryOption))]
    public void ClaimsPetabytes(string command, string option)
    {
        string name = option == "--stats" ? "mean" : "param0";
        string npz = Zip(($"{name}.npy", Npy("(1125899906842624,)", 4)));
        Fails(1, Arguments(command, Song(), option, npz), npz, name, "1125899906842624");
        npz = Zip(($"{name}.npy", Npy("(2000000000,)", 4)));
        Fails(1, Arguments(command, Song(), option, npz), npz, name, "is truncated");
    }

    [Theory]
    [MemberData(nameof(EveryWeightOption))]
    public void DoesNotHoldTheNetwork(string command, string option)
    {
        string song = Song();
        NpyArray[] right = option == "--classifier" ? Classifier : Inverter;
        void Says(NpyArray[] arrays, params string[] words)
        {
            string path = Npz([.. arrays.Select((array, i) => ($"param{i}", array))]);
            Fails(1, Arguments(command, song, option, path), [path, .. words]);
        }

        NpyArray first = right[0];
        string network = option == "--classifier" ? "SVDNet" : "the inversion network";

        // An inversion network may be one of many; the message is about the one with the same number of arrays.
        bool isOne = option == "--classifier";
        Says([first], $"does not hold {network}", isOne ? "it has 1 arrays, not" : "not");
        Says([.. right, first], $"does not hold {network}", isOne ? $"it has {right.Length + 1} arrays, not {right.Length}" : "not");
        Says([new NpyArray([3], new float[3]), .. right[1..]], $"does not hold {network}", "param0 is 3, not");
        Says([new NpyArray([], [1f]), .. right[1..]], $"does not hold {network}", "param0 is a single number, not");
        Says([new NpyArray(first.Shape.ToArray(), first.ToDouble()), .. right[1..]], "param0 is float64", "float32");
        Says([.. right[..^1], Filled(right[^1], float.NaN)], $"param{right.Length - 1} holds NaN or infinite values");
        Says([Filled(first, float.PositiveInfinity), .. right[1..]], "param0 holds NaN or infinite values");

        string unnamed = Npz(("weight", first), ("bias", right[1]));
        Fails(1, Arguments(command, song, option, unnamed), unnamed, "is not a weight file", "no param0");
    }

    [Theory]
    [MemberData(nameof(EveryWeightOption))]
    public void WeightsGiveNoNumbers(string command, string option)
    {
        NpyArray[] arrays = option == "--classifier" ? Classifier : Inverter;
        string path = Npz([.. arrays.Select((array, i) => ($"param{i}", Filled(array, Large)))]);
        ProgramResult result = SvdProgram.Call(Arguments(command, Song(), option, path, "--force"));
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("NaN or infinite", result.Errors.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public void AreNoStatistics(string command)
    {
        string song = Song();
        NpyArray ones = Bands(1);
        void Says(string path, params string[] words) => Fails(1, Arguments(command, song, "--stats", path), [path, .. words]);
        Says(Npz(("mean", ones)), "no array 'std'", "it has mean");
        Says(Npz(("std", ones)), "no array 'mean'", "it has std");
        Says(Npz(("mean", new NpyArray([79], new float[79])), ("std", ones)), "mean has shape (79), not (80,)");
        Says(Npz(("mean", ones), ("std", new NpyArray([80, 1], new float[80]))), "std has shape (80, 1), not (80,)");
        Says(Npz(("mean", Bands(double.NaN)), ("std", ones)), "mean holds NaN or infinite values");
        Says(Npz(("mean", ones), ("std", Bands(double.PositiveInfinity))), "std holds NaN or infinite values");
        Says(Npz(("mean", ones), ("std", Bands(0))), "std", "not positive");
        Says(Npz(("mean", ones), ("std", Bands(-1))), "std", "not positive");
        Says(Npz(("mean", ones), ("std", Bands(1e-300))), "too small for float32");
        Says(Npz(("mean", Bands(1e300)), ("std", ones)), "too large");
    }

    // A double in one band only: what is wrong is found wherever it is.
    private static NpyArray Bands(double last) => new([80], [.. Enumerable.Repeat(1.0, 79), last]);

    private static NpyArray Filled(NpyArray array, float value) =>
        new(array.Shape.ToArray(), [.. Enumerable.Repeat(value, array.Length)]);

    /// <summary>Arrays of the shapes in a bundled file.</summary>
    private static NpyArray[] Zeros(string name)
    {
        using NpzFile file = NpzFile.Open(Path.Combine(Weights, name));
        return [.. file.Names.Select((_, i) => Filled(file.Read($"param{i}"), 0))];
    }

    /// <summary>A .npy file with a shape that may lie about the bytes behind it.</summary>
    private static byte[] Npy(string shape, int bytes)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. new byte[bytes]];
    }

    private string Zip(params (string Name, byte[] Content)[] entries)
    {
        using MemoryStream bytes = new();
        using (ZipArchive archive = new(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return Put("bad.npz", bytes.ToArray());
    }

    private string Npz(params (string Name, NpyArray Array)[] arrays)
    {
        NpzFile.Write(PathOf("bad.npz"), arrays);
        return PathOf("bad.npz");
    }
}
