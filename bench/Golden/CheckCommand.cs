using System.CommandLine;
using System.Globalization;
using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Golden;

/// <summary>
/// <c>check</c>: holds every kernel, the networks and their training steps against reference arrays, on every device that there is. Exit codes: 0 all within
/// their tolerances, 1 not, 2 used wrongly.
/// </summary>
public static class CheckCommand
{
    private const string Reference = "reference";
    private const string Cpu = "cpu";
    private const string OpenCl = "opencl";
    private const string Cuda = "cuda";

    private static readonly string Bundled = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>Runs the command line, from <c>check</c> on, and returns the exit code.</summary>
    public static int Run(string[] args)
    {
        Option<string?> device = new("--device")
        {
            Description = "Only the definitions, the processor at every vector width, or the OpenCL or CUDA devices; without it all that there are.",
        };
        device.AcceptOnlyFromAmong(Reference, Cpu, OpenCl, Cuda);
        Option<string> golden = new("--golden")
        {
            Description = "A folder of .npz files of reference arrays, as tests/golden/README.md describes them; without it those that come with the program.",
            HelpName = "DIR", DefaultValueFactory = _ => Bundled,
        };
        Command check = new("check", "Compares every kernel, the networks and their training steps with reference arrays in float64, on every device.")
        {
            device, golden,
        };
        check.SetAction(parsed => Run(parsed.GetValue(device), parsed.GetValue(golden)!));
        return CommandLine.Run(check, args);
    }

    private static int Run(string? kind, string folder)
    {
        IReadOnlyList<GoldenCase> cases = GoldenFile.ReadAll(folder);
        List<Func<IBackend>> devices = DevicesOf(kind);
        if (devices.Count == 0) throw new EngineException($"there is no device that --device {kind} can use");
        int failures = 0;
        foreach (Func<IBackend> open in devices)
        {
            using IBackend backend = open();
            Console.WriteLine(backend.Name);
            failures += CheckOn(backend, cases);
            Console.WriteLine();
        }

        Console.WriteLine(failures == 0 ? $"all {cases.Count} cases are within their tolerances on {Count(devices.Count, "device")}"
            : $"{Count(failures, "row")} exceeded the tolerance");
        return failures == 0 ? 0 : CommandLine.Failed;
    }

    // One line for each kernel and each case of a network: its worst error. Returns how many are too large.
    private static int CheckOn(IBackend backend, IReadOnlyList<GoldenCase> cases)
    {
        int width = cases.Max(@case => @case.Title.Length), failures = 0;
        Console.WriteLine($"  {"".PadRight(width)}  cases  largest error  relative  tolerance  used");
        foreach (IGrouping<string, GoldenCase> group in cases.GroupBy(@case => @case.Title))
        {
            GoldenError error = group.Select(@case => @case.Compare(Outputs(@case, backend))).Aggregate(GoldenError.Worse);
            bool failed = !(error.Used <= 1);
            if (failed) failures++;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {group.Key.PadRight(width)}  {group.Count(),5}  {error.Absolute,13:0.0e-00}  {error.Relative,8:0.0e-00}  {error.Tolerance,9:0.0e-00}"
                + $"  {error.Used,4:0 %}{(failed ? "  TOO LARGE" : "")}"));
        }

        return failures;
    }

    private static IReadOnlyDictionary<string, float[]> Outputs(GoldenCase @case, IBackend backend) =>
        NetworkCheck.Knows(@case) ? NetworkCheck.Run(@case, backend) : KernelCheck.Run(@case, backend);

    private static List<Func<IBackend>> DevicesOf(string? kind)
    {
        List<Func<IBackend>> devices = [];
        if (kind is null or Reference) devices.Add(Backends.CreateReference);

        // Those that the processor lacks are carried out in software.
        if (kind is null or Cpu) devices.AddRange(Enum.GetValues<VectorWidth>().OrderDescending().Select<VectorWidth, Func<IBackend>>(
            width => () => Backends.CreateCpu(width: width)));
        if (kind is Reference or Cpu) return devices;
        foreach (GpuDevice gpu in Backends.ListGpus(withoutGenericAddressSpace: true).Where(gpu => kind is null || gpu.Interface == InterfaceOf(kind)))
        {
            if (gpu.Refusal is not null) Console.Error.WriteLine($"bench: {gpu.Interface} {gpu.Name} is left out: {gpu.Refusal}");
            else devices.Add(() => Backends.CreateGpu(gpu.Interface, gpu.Index, withoutGenericAddressSpace: true));
        }

        return devices;
    }

    private static GpuInterface InterfaceOf(string kind) => kind == Cuda ? GpuInterface.Cuda : GpuInterface.OpenCl;

    private static string Count(int number, string what) => $"{number} {what}{(number == 1 ? "" : "s")}";
}
