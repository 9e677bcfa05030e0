using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Svd.Cli;

/// <summary><c>svd devices</c>: lists the devices that kernels can run on.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Option<int?> threads = Options.Threads();
        Option<bool> withoutGenericAddressSpace = DeviceOptions.WithoutGenericAddressSpace();
        Option<bool> json = Options.Json();
        Command command = new(
            "devices",
            "Lists the devices that kernels can run on, measures the processor's peak, and says why a device cannot be used.\n\n"
            + "Example:\n  svd devices --threads 1")
        {
            threads, withoutGenericAddressSpace, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetValue(threads) ?? Environment.ProcessorCount, parsed.GetValue(withoutGenericAddressSpace), parsed.GetValue(json)));
        return command;
    }

    private static int Run(int threads, bool withoutGenericAddressSpace, bool json)
    {
        VectorWidth width = VectorSupport.Widest;
        Report report = new(
            "cpu", Processor.Name, RuntimeInformation.RuntimeIdentifier, RuntimeInformation.FrameworkDescription, Environment.ProcessorCount, threads,
            Processor.InstructionSets, (int)width, MachinePeak.MeasureGflops(threads, width), MachinePeak.MeasureBandwidth(threads, width),
            [.. Backends.ListGpus(withoutGenericAddressSpace).Select(gpu => new GpuReport(
                NameOf(gpu.Interface), gpu.Index, gpu.Name, gpu.Driver, gpu.IsGpu, gpu.MemoryBytes, gpu.Multiprocessors, gpu.SharedMemoryBytes,
                gpu.GroupSize, RefusalOf(gpu)))]);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
            return 0;
        }

        Console.WriteLine($"cpu        {report.Processor} ({report.System}, {report.Runtime})");
        Console.WriteLine($"           instruction sets  {string.Join(' ', report.InstructionSets)}");
        Console.WriteLine($"           vector width      {report.VectorBits} bits in use");
        Console.WriteLine($"           threads           {report.Threads} of {report.Processors} processors");
        Console.WriteLine($"           float32 peak      {report.PeakGflops:F0} GFLOP/s measured ({report.PeakGflops / threads:F0} a thread)");
        Console.WriteLine($"           memory bandwidth  {report.BandwidthGbs:F1} GB/s measured");
        Print(report, NameOf(GpuInterface.Cuda));
        Print(report, NameOf(GpuInterface.OpenCl));
        Console.WriteLine("reference  the kernels' definitions in plain loops: slow, on one thread; the other backends are tested against them");
        return 0;
    }

    private static void Print(Report report, string device)
    {
        GpuReport[] gpus = [.. report.Gpus.Where(gpu => gpu.Device == device)];
        if (gpus.Length == 0) Console.WriteLine($"{device,-9}  no device: there is no driver, or the driver lists none");
        foreach (GpuReport gpu in gpus)
        {
            Console.WriteLine($"{device,-9}  {gpu.Index}: {gpu.Name} ({gpu.Driver}{(gpu.IsGpu ? "" : "; not a GPU")})");
            Console.WriteLine($"           memory            {gpu.MemoryBytes >> 20} MiB");
            Console.WriteLine($"           multiprocessors   {gpu.Multiprocessors}");
            Console.WriteLine($"           groups            up to {gpu.GroupSize} threads, {gpu.SharedMemoryBytes >> 10} KiB of shared memory");
            Console.WriteLine($"           {(gpu.Refusal is null ? "can be used" : $"cannot be used: {gpu.Refusal}")}");
        }
    }

    private static string? RefusalOf(GpuDevice gpu) =>
        gpu.LacksOnlyGenericAddressSpace ? $"{gpu.Refusal}; {DeviceAdvice.For(DeviceProblem.NoGenericAddressSpace)}" : gpu.Refusal;

    private static string NameOf(GpuInterface @interface) => @interface == GpuInterface.Cuda ? "cuda" : "opencl";

    internal sealed record Report(
        string Device, string Processor, string System, string Runtime, int Processors, int Threads, IReadOnlyList<string> InstructionSets,
        int VectorBits, double PeakGflops, double BandwidthGbs, IReadOnlyList<GpuReport> Gpus);

    internal sealed record GpuReport(
        string Device, int Index, string Name, string Driver, bool IsGpu, long MemoryBytes, int Multiprocessors, int SharedMemoryBytes, int GroupSize,
        string? Refusal);
}
