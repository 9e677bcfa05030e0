using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Engine.Kernels;
using Engine.Kernels.Tests;
using ILGPU.Runtime.Cuda;

namespace Engine.Bench.GpuModel;

/// <summary>What a product's kernel is made of.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="PerMultiplyAdd">Instructions of the inner loop for each multiply-add.</param>
/// <param name="PerElement">Instructions of the loops that fill shared memory, for each element.</param>
/// <param name="Measured">Whether this was counted now, and not taken from what was counted before.</param>
internal sealed record KernelCode(int Registers, int SharedBytes, double PerMultiplyAdd, double PerElement, bool Measured)
{
    /// <summary>Counted in the code that ptxas 11.8 makes for sm_90, for machines without NVIDIA's tools.</summary>
    public static KernelCode Known(bool large) => large ? new(127, 32768, 1.17, 16.1, false) : new(71, 13440, 1.56, 16.6, false);

    /// <summary>Assembles the kernel and counts, if <c>ptxas</c> and <c>cuobjdump</c> are on the PATH; else what is known.</summary>
    public static KernelCode Of(GpuDescription device, bool large)
    {
        string name = large ? nameof(GpuProductKernel.Large) : nameof(GpuProductKernel.Small);
        string folder = Directory.CreateTempSubdirectory("gpu-model").FullName;
        try
        {
            string ptx = Path.Combine(folder, "kernel.ptx"), cubin = Path.Combine(folder, "kernel.cubin");
            MethodInfo method = GpuKernels.All.Single(kernel => kernel.Name.EndsWith($".{name}", StringComparison.Ordinal)).Method;
            File.WriteAllText(ptx, GpuKernels.Ptx(CudaArchitecture.SM_80, [method]).Single());
            string? said = Output("ptxas", "-v", $"-arch={device.Architecture}", ptx, "-o", cubin), sass = Output("cuobjdump", "-sass", cubin);
            if (said is null || sass is null) return Known(large);
            (double perMultiplyAdd, double perElement) = Sass.Count(sass);
            return new(Number(said, @"Used (\d+) registers"), Number(said, @"(\d+) bytes smem"), perMultiplyAdd, perElement, true);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Groups that a multiprocessor holds at a time.</summary>
    public int GroupsAtATime(GpuDescription device)
    {
        int registers = (Registers + 7) / 8 * 8 * GpuContext.GroupSize, shared = SharedBytes + 1024;
        return Math.Min(device.Registers / registers, Math.Min(device.SharedBytes / shared, device.Threads / GpuContext.GroupSize));
    }

    private static int Number(string text, string pattern) => int.Parse(Regex.Match(text, pattern).Groups[1].Value, CultureInfo.InvariantCulture);

    private static string? Output(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + errors.Result;
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
