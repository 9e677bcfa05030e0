using System.CommandLine;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>The options that several commands have; each call makes a new one.</summary>
internal static class Options
{
    public static Option<string> Out(string what) =>
        new("--out") { Description = $"The folder for {what}; made if it is not there.", HelpName = "DIR", DefaultValueFactory = _ => "." };

    public static Option<string?> Classifier() => File("--classifier", "SVDNet's weights (.npz); without it the bundled ones.");

    public static Option<string?> Inverter() =>
        File("--inverter", "The inversion network's weights (.npz), of the paper's size or the published one; without it the bundled ones.");

    public static Option<string?> Statistics(string without) =>
        File("--stats", $"Mean and standard deviation of the mel bands (.npz); without it {without}.");

    public static Option<string> Device()
    {
        Option<string> option = new("--device")
        {
            Description = "Where kernels run: the SIMD kernels, or their slow definitions.", DefaultValueFactory = _ => "cpu",
        };
        option.AcceptOnlyFromAmong("cpu", "reference");
        return option;
    }

    public static Option<int?> Threads()
    {
        Option<int?> option = new("--threads") { Description = "Threads of the CPU kernels; without it one a processor.", HelpName = "N" };
        Require(option, threads => threads is null or (>= 1 and <= Backends.MaxThreads), $"a number from 1 to {Backends.MaxThreads}");
        return option;
    }

    public static Option<double> ClassThreshold()
    {
        Option<double> option = new("--class-threshold")
        {
            Description = "The probability from which on it counts as singing.", HelpName = "P", DefaultValueFactory = _ => 0.5,
        };
        Require(option, p => p is >= 0 and <= 1, "a number from 0 to 1");
        return option;
    }

    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON." };

    /// <summary>Adds a check to an option; what it needs completes the sentence «--option needs …».</summary>
    public static void Require<T>(Option<T> option, Func<T?, bool> holds, string needs) =>
        option.Validators.Add(result =>
        {
            // A value that does not parse has its own message.
            if (result.Tokens.Count == 0 || result.Errors.Any()) return;
            T? value;
            try
            {
                value = result.GetValueOrDefault<T>();
            }
            catch (InvalidOperationException)
            {
                return;
            }

            if (!holds(value)) result.AddError($"{option.Name} needs {needs}, not {result.Tokens[0].Value}");
        });

    /// <summary>The backend that the options ask for.</summary>
    public static IBackend CreateBackend(string device, int? threads) =>
        device == "reference" ? Backends.CreateReference() : Backends.CreateCpu(threads);

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
