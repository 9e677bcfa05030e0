using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Svd.Cli;

/// <summary><c>svd devices</c>: what the kernels run on and what it can do.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json("them");
        Command command = new("devices", "Lists what kernels can run on and measures its limits.\n\nExample:\n  svd devices --threads 1") { threads, json };
        command.SetAction(parsed => Run(parsed.GetValue(threads) ?? Environment.ProcessorCount, parsed.GetValue(json)));
        return command;
    }

    private static int Run(int threads, bool json)
    {
        VectorWidth width = VectorSupport.Widest;
        Report report = new(
            "cpu", Processor.Name, RuntimeInformation.RuntimeIdentifier, RuntimeInformation.FrameworkDescription, Environment.ProcessorCount, threads,
            Processor.InstructionSets, (int)width, MachinePeak.MeasureGflops(threads, width), MachinePeak.MeasureBandwidth(threads, width));
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
        Console.WriteLine("reference  the kernels' definitions in plain loops: one thread, slow, what the others are tested against");
        return 0;
    }

    private sealed record Report(
        string Device, string Processor, string System, string Runtime, int Processors, int Threads, IReadOnlyList<string> InstructionSets,
        int VectorBits, double PeakGflops, double BandwidthGbs);
}
