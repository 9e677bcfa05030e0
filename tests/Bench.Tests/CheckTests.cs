using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Engine.Bench.Golden;
using Engine.Kernels;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Bench.Tests;

public class CheckTests
{
    private static readonly string Golden = Path.Combine(ReferenceData.Repository, "tests", "golden");

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void EveryCaseIsWithinItsTolerance(string device) => Assert.Equal(0, CheckCommand.Run(["check", "--device", device]));

    [OpenClFact]
    public void SoIsItOnOpenCl() => Assert.Equal(0, CheckCommand.Run(["check", "--device", "opencl"]));

    [Fact]
    public void EveryKernelHasCases()
    {
        HashSet<string> there = [.. GoldenFile.ReadAll(Golden).Select(@case => @case.Op)];
        Assert.Superset(OpTable.All.Keys.ToHashSet(), there);
        Assert.Superset(new HashSet<string> { "SvdNet", "SvdNetStep", "InversionNetwork", "InversionNetworkStep" }, there);
    }

    [Fact]
    public void TheFilesAreSmall() => Assert.InRange(Directory.GetFiles(Golden, "*.npz").Sum(file => new FileInfo(file).Length), 1, 2_200_000);

    [NumPyFact]
    public void TheScriptMakesTheFilesToTheByte()
    {
        using Process script = Process.Start(NumPyFactAttribute.Python!, [Path.Combine(Golden, "make_golden.py"), "--check"]);
        script.WaitForExit();
        Assert.Equal(0, script.ExitCode);
    }

    /// <summary>The last value of an array is off by a hundredth, a sum by 1.</summary>
    [Theory]
    [InlineData("Conv2d", "case1/out/y")]
    [InlineData("Conv2d", "case19/sum/y")]
    [InlineData("Conv2d", "case1/in/w")]
    [InlineData("Adam", "case0/out/m")]
    [InlineData("Dropout", "case1/out/y")]
    [InlineData("MaxPool2d", "case1/out/y")]
    [InlineData("Networks", "case0/sample/conv1")]
    [InlineData("Networks", "case1/out/gradient13")]
    [InlineData("Networks", "case3/sample/updated0")]
    public void AWrongValueIsCaught(string op, string array)
    {
        using TempFolder temp = new();
        Assert.Equal(0, CheckAfter(temp, op, _ => false, content => content));
        Assert.Equal(1, CheckAfter(temp, op, name => name == array, content =>
        {
            double change = array.Contains("/sum/", StringComparison.Ordinal) ? 1 : 1e-2;
            bool isInput = array.Contains("/in/", StringComparison.Ordinal);
            if (isInput) Write(content, BitConverter.GetBytes(BitConverter.ToSingle(content.AsSpan()[^4..]) + (float)change));
            else Write(content, BitConverter.GetBytes(BitConverter.ToDouble(content.AsSpan()[^8..]) + change));
            return content;
        }));
    }

    [Theory]
    [InlineData("{", "malformed description")]
    [InlineData("""{"op":"Transpose"}""", "op, settings or tolerance is missing")]
    [InlineData("""{"op":"Turn","settings":{},"tolerance":{"y":0}}""", "the kernel 'Turn'")]
    [InlineData("""{"op":"Transpose","settings":{"rows":7},"tolerance":{"y":0}}""", "columns is missing")]
    [InlineData("""{"op":"Transpose","settings":{"rows":7,"columns":-1},"tolerance":{"y":0}}""", "does not describe a call of Transpose")]
    [InlineData("""{"op":"Transpose","settings":{"rows":7,"columns":2},"tolerance":{"y":0}}""", "7 values of x; with its settings there are 14")]
    [InlineData("""{"op":"Transpose","settings":{"rows":7,"columns":1},"tolerance":{}}""", "no tolerance of 'y'")]
    [InlineData("""{"op":"Fill","settings":{"value":1,"length":7},"tolerance":{"y":0}}""", "'x', which Fill does not read")]
    [InlineData("""{"op":"SvdNet","settings":{},"tolerance":{"y":0}}""", "has no setting weights")]
    [InlineData("""{"op":"SvdNet","settings":{"weights":"a.npz"},"tolerance":{"y":0}}""", "'a.npz', which is not among the weights")]
    [InlineData("""{"op":"SvdNet","settings":{"weights":"svdnet.npz","sha256":"0"},"tolerance":{"y":0}}""", "another svdnet.npz")]
    public void AWrongDescriptionIsExplained(string text, string words)
    {
        using TempFolder temp = new();
        Rewrite(temp, "Transpose", name => name == "case1/description", _ => [.. Header(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)]);
        Failure.Says(() => Run(temp), "Transpose.npz", "'case1'", words);
        Assert.Equal(1, CheckCommand.Run(["check", "--device", "reference", "--golden", temp.Folder]));
    }

    [Fact]
    public void AFolderWithoutArraysIsExplained()
    {
        using TempFolder temp = new();
        Failure.Says(() => GoldenFile.ReadAll(temp.PathOf("absent")), "absent", "is not a folder");
        Failure.Says(() => GoldenFile.ReadAll(temp.Folder), "holds no .npz file");
        File.WriteAllText(temp.PathOf("a.npz"), "text");
        Failure.Says(() => GoldenFile.ReadAll(temp.Folder), "a.npz");
        NpzFile.Write(temp.PathOf("a.npz"), [("x", new NpyArray([1], [1f]))]);
        Failure.Says(() => GoldenFile.ReadAll(temp.Folder), "a.npz", "holds no cases");
        NpzFile.Write(temp.PathOf("a.npz"), [("case0/in/x", new NpyArray([1], [1f]))]);
        Failure.Says(() => GoldenFile.ReadAll(temp.Folder), "a.npz", "'case0'", "has no description");
        Assert.Equal(1, CheckCommand.Run(["check", "--golden", temp.Folder]));
    }

    [Theory]
    [InlineData("--device", "abacus")]
    [InlineData("--golden")]
    [InlineData("--whatever")]
    public void WrongOptionsEndWithTwo(params string[] options) => Assert.Equal(2, CheckCommand.Run(["check", .. options]));

    /// <summary>One object: a row for each kernel, and where a number is not finite, null.</summary>
    [Fact]
    public void PrintsJson()
    {
        using TempFolder temp = new();
        Rewrite(temp, "Transpose", name => name == "case0/in/x", content =>
        {
            Write(content, BitConverter.GetBytes(float.NaN));
            return content;
        });
        using StringWriter output = new();
        Assert.Equal(1, CheckCommand.Run(["check", "--device", "reference", "--golden", temp.Folder, "--json"], output));
        JsonElement result = JsonDocument.Parse(output.ToString()).RootElement, device = Assert.Single(result.GetProperty("devices").EnumerateArray());
        Assert.Equal(1, result.GetProperty("failures").GetInt32());
        Assert.StartsWith("reference", device.GetProperty("name").GetString(), StringComparison.Ordinal);
        JsonElement row = Assert.Single(device.GetProperty("rows").EnumerateArray());
        Assert.Equal(("Transpose", 4), (row.GetProperty("name").GetString(), row.GetProperty("cases").GetInt32()));
        Assert.False(row.GetProperty("within_tolerance").GetBoolean());
        Assert.Equal(JsonValueKind.Null, row.GetProperty("largest_error").ValueKind);
    }

    [Fact]
    public void ErrorsAreMeasured()
    {
        GoldenOutput whole = new("y", 3, 4, 0.5, null, [1, -4, 2], []);
        Assert.Equal(new GoldenError(1, 0.25, 0.5), whole.ErrorOf([1, -3, 2]));
        Assert.Equal(double.PositiveInfinity, whole.ErrorOf([1, float.NaN, 2]).Used);

        // One value of four is known, and the sums of both halves.
        GoldenOutput sampled = new("y", 4, 4, 0.5, [1], [-4], [-3, 3]);
        Assert.Equal(0, sampled.ErrorOf([1, -4, 2, 1]).Used);
        Assert.Equal(new GoldenError(2, 0.5, 0.5), sampled.ErrorOf([3, -2, 2, 1]));
        Assert.Equal(new GoldenError(2, 0.5, 0.5), sampled.ErrorOf([1, -4, 2, 5]));
        Assert.Equal(double.PositiveInfinity, sampled.ErrorOf([1, -4, 2, float.NaN]).Used);
        Assert.Equal(double.PositiveInfinity, new GoldenOutput("y", 1, 1, 0, null, [1], []).ErrorOf([1.0000001f]).Used);
    }

    private static void Run(TempFolder temp)
    {
        using IBackend backend = Backends.CreateReference();
        foreach (GoldenCase @case in GoldenFile.ReadAll(temp.Folder))
        {
            @case.Compare(NetworkCheck.Knows(@case) ? NetworkCheck.Run(@case, backend) : KernelCheck.Run(@case, backend));
        }
    }

    private static int CheckAfter(TempFolder temp, string op, Func<string, bool> picks, Func<byte[], byte[]> change)
    {
        Rewrite(temp, op, picks, change);
        return CheckCommand.Run(["check", "--device", op == "Networks" ? "cpu" : "reference", "--golden", temp.Folder]);
    }

    // A copy of a file in which the arrays that are picked have other bytes.
    private static void Rewrite(TempFolder temp, string op, Func<string, bool> picks, Func<byte[], byte[]> change)
    {
        string path = temp.PathOf($"{op}.npz");
        using ZipArchive source = ZipFile.OpenRead(Path.Combine(Golden, $"{op}.npz")), target = new(File.Create(path), ZipArchiveMode.Create);
        foreach (ZipArchiveEntry entry in source.Entries)
        {
            using MemoryStream content = new();
            using (Stream stream = entry.Open()) stream.CopyTo(content);
            using Stream copy = target.CreateEntry(entry.FullName).Open();
            copy.Write(picks(entry.FullName[..^".npy".Length]) ? change(content.ToArray()) : content.ToArray());
        }
    }

    private static void Write(byte[] content, byte[] last) => last.CopyTo(content.AsSpan(content.Length - last.Length));

    private static byte[] Header(int length)
    {
        string text = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({length},), }}".PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(text)];
    }
}

/// <summary>A fact that needs a Python with NumPy, and is skipped, saying so, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NumPyFactAttribute : FactAttribute
{
    public NumPyFactAttribute() => Skip = Python is null ? "needs a python3 that can import numpy" : null;

    /// <summary>That Python; null where there is none.</summary>
    public static string? Python { get; } = new[] { "python3", "/usr/bin/python3", "python" }.FirstOrDefault(HasNumPy);

    private static bool HasNumPy(string python)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python, ["-c", "import numpy"]) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
