using System.Diagnostics;
using System.Text.RegularExpressions;
using Engine.Tests;

namespace Engine.Kernels.Tests;

/// <summary>What NVIDIA's assembler says that a kernel takes.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="Shared">Bytes of shared memory of a group.</param>
/// <param name="Spilled">Bytes of stack and of registers that are stored in memory and read back.</param>
internal readonly record struct KernelCost(int Registers, int Shared, int Spilled);

/// <summary>NVIDIA's assembler, which turns PTX into a card's own code, as its driver does.</summary>
internal static partial class Ptxas
{
    /// <summary>Where it is; null if it is not on the PATH.</summary>
    public static string? Path { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
        .SelectMany(folder => (string[])[System.IO.Path.Combine(folder, "ptxas"), System.IO.Path.Combine(folder, "ptxas.exe")]).FirstOrDefault(File.Exists);

    /// <summary>Assembles the PTX of a kernel for an architecture such as <c>sm_80</c>.</summary>
    public static KernelCost Assemble(string ptx, string architecture)
    {
        using TempFolder temp = new();
        File.WriteAllText(temp.PathOf("kernel.ptx"), ptx);
        ProcessStartInfo start = new(Path!, ["-v", $"-arch={architecture}", temp.PathOf("kernel.ptx"), "-o", temp.PathOf("kernel.cubin")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        string said = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && !said.Contains("warning", StringComparison.Ordinal), said);
        return new(Sum(Registers(), said), Sum(Shared(), said), Sum(Stack(), said) + Sum(Spills(), said));
    }

    private static int Sum(Regex pattern, string text) => pattern.Matches(text).Sum(match => int.Parse(match.Groups[1].Value));

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"(\d+) bytes spill (?:stores|loads)")]
    private static partial Regex Spills();
}

/// <summary>A fact that NVIDIA's assembler tells, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PtxasFactAttribute : FactAttribute
{
    public PtxasFactAttribute() => Skip = Ptxas.Path is null ? "needs ptxas on the PATH" : null;
}
