using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Svd.Cli;

namespace Engine.Bench.Golden;

/// <summary>
/// <c>check</c>: compares every kernel, the networks and their training steps with reference arrays, on every device of the machine. Exit codes: 0 if all are
/// within their tolerances, 1 if not, 2 for wrong usage.
/// </summary>
public static class CheckCommand
{
    private const string Reference = "reference";
    private const string Cpu = "cpu";
    private const string OpenCl = "opencl";
    private const string Cuda = "cuda";

    private static readonly string Bundled = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>Runs the command line, from <c>check</c> on, and returns the exit code.</summary>
    public static int Run(string[] args) => Run(args, Console.Out);

    /// <summary>The same, with the results written elsewhere than to standard output.</summary>
    internal static int Run(string[] args, TextWriter to)
    {
        Option<string?> device = new("--device")
        {
            Description = "Check only this: the references, the processor at every vector width, or the OpenCL or CUDA devices.",
        };
        device.AcceptOnlyFromAmong(Reference, Cpu, OpenCl, Cuda);
        Option<string> golden = new("--golden")
        {
            Description = "A folder of .npz files of reference arrays, as tests/golden/README.md describes them. "
                + "Without it, the arrays that come with the program.",
            HelpName = "DIR", DefaultValueFactory = _ => Bundled,
        };
        Option<bool> json = Options.Json("the results");
        Command check = new("check", "Compares every kernel, the networks and their training steps with reference arrays in float64, on every device.")
        {
            device, golden, json,
        };
        check.SetAction(parsed => Run(parsed.GetValue(device), parsed.GetValue(golden)!, parsed.GetValue(json), to));
        return CommandLine.Run(check, args);
    }

    private static int Run(string? kind, string folder, bool json, TextWriter to)
    {
        IReadOnlyList<GoldenCase> cases = GoldenFile.ReadAll(folder);
        List<Func<IBackend>> open = DevicesOf(kind);
        if (open.Count == 0) throw new EngineException($"there is no device that --device {kind} can use");
        List<CheckedDevice> devices = [];
        foreach (Func<IBackend> create in open)
        {
            using IBackend backend = create();
            devices.Add(new CheckedDevice(backend.Name, RowsOf(backend, cases)));
            if (!json) Print(devices[^1], to);
        }

        int failures = devices.Sum(device => device.Rows.Count(row => !row.WithinTolerance));
        if (json) to.WriteLine(JsonSerializer.Serialize(new { cases = cases.Count, failures, devices }, Json.Indented));
        else to.WriteLine(failures == 0 ? $"all {cases.Count} cases are within their tolerances on {Count(open.Count, "device")}"
            : $"{Count(failures, "row")} exceeded the tolerance");
        return failures == 0 ? 0 : CommandLine.Failed;
    }

    // A row for each kernel and each case of a network: its worst error.
    private static CheckRow[] RowsOf(IBackend backend, IReadOnlyList<GoldenCase> cases) =>
    [
        .. cases.GroupBy(@case => @case.Title).Select(group =>
        {
            GoldenError error = group.Select(@case => @case.Compare(Outputs(@case, backend))).Aggregate(GoldenError.Worse);
            return new CheckRow(group.Key, group.Count(), Finite(error.Absolute), Finite(error.Relative), error.Tolerance, Finite(error.Used), error.Used <= 1);
        }),
    ];

    private static void Print(CheckedDevice device, TextWriter to)
    {
        int width = device.Rows.Max(row => row.Name.Length);
        to.WriteLine(device.Name);
        to.WriteLine($"  {"".PadRight(width)}  cases  largest error  relative  tolerance  used");
        foreach (CheckRow row in device.Rows)
        {
            to.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {row.Name.PadRight(width)}  {row.Cases,5}  {Text(row.LargestError),13}  {Text(row.Relative),8}  {row.Tolerance,9:0.0e-00}  {row.Used,4:0 %}"
                + $"{(row.WithinTolerance ? "" : "  TOO LARGE")}"));
        }

        to.WriteLine();
    }

    private static string Text(double? error) => error is { } number ? number.ToString("0.0e-00", CultureInfo.InvariantCulture) : "∞";

    // JSON has no infinity and no NaN.
    private static double? Finite(double number) => double.IsFinite(number) ? number : null;

    private static IReadOnlyDictionary<string, float[]> Outputs(GoldenCase @case, IBackend backend) =>
        NetworkCheck.Knows(@case) ? NetworkCheck.Run(@case, backend) : KernelCheck.Run(@case, backend);

    private static List<Func<IBackend>> DevicesOf(string? kind)
    {
        List<Func<IBackend>> devices = [];
        if (kind is null or Reference) devices.Add(Backends.CreateReference);

        // The runtime emulates the widths that the processor lacks.
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

/// <summary>What a device computed.</summary>
/// <param name="Name">The device.</param>
/// <param name="Rows">A row for each kernel and each case of a network.</param>
internal sealed record CheckedDevice(string Name, IReadOnlyList<CheckRow> Rows);

/// <summary>The worst error of a kernel, or of a network's case.</summary>
/// <param name="Name">The kernel, or the network and its weights.</param>
/// <param name="Cases">The number of cases.</param>
/// <param name="LargestError">The error; null if it is not finite.</param>
/// <param name="Relative">The error relative to the output's largest absolute value; null if it is not finite.</param>
/// <param name="Tolerance">The largest relative error that is allowed.</param>
/// <param name="Used">The error's share of the tolerance; null if it is not finite.</param>
/// <param name="WithinTolerance">Whether the error is within the tolerance.</param>
internal sealed record CheckRow(
    string Name, int Cases, double? LargestError, double? Relative, double Tolerance, double? Used, bool WithinTolerance);
