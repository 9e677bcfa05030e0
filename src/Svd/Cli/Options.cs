using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Engine.Kernels;
using Engine.Svd.Audio;

namespace Engine.Svd.Cli;

/// <summary>The options that several commands have; each call makes a new one.</summary>
internal static class Options
{
    // A day: frames are counted in 32 bits.
    private const int LargestStart = 86_400;

    public static Option<string> Out(string what) =>
        new("--out") { Description = $"The folder for {what}; made if it is not there.", HelpName = "DIR", DefaultValueFactory = _ => "." };

    public static Option<string?> Classifier() => File("--classifier", "SVDNet's weights (.npz); without it the bundled ones.");

    public static Option<string?> Inverter() =>
        File("--inverter", "The inversion network's weights (.npz), of the paper's size or the published one; without it the bundled ones.");

    public static Option<string?> Masker() => File("--masker", "The mask network's weights (.npz); without it the bundled ones.");

    public static Option<string?> Statistics(string without) =>
        File("--stats", $"Mean and standard deviation of the mel bands (.npz); without it {without}.");

    public static Option<bool> Force() => new("--force") { Description = "Use weight files together that were not made for each other." };

    public static Option<string> Data() => new("--data")
    {
        Description = "A corpus: a folder with audio, labels (NAME.lab) and filelists (train, valid, test).", HelpName = "DIR", Required = true,
    };

    public static Option<string> OutFile(string what) => new("--out") { Description = $"The file for {what}.", HelpName = "FILE", Required = true };

    public static Option<string?> Checkpoint() => new("--checkpoint")
    {
        Description = "A folder for checkpoints: a training that was stopped goes on from there. Without it nothing is kept before the end.",
        HelpName = "DIR",
    };

    public static Option<ulong> Seed()
    {
        Option<ulong> option = new("--seed")
        {
            Description = "Decides all that is random: the same seed, the same bits.", HelpName = "N", DefaultValueFactory = _ => 1,
        };

        // A checkpoint keeps it as a float64.
        Require(option, seed => seed <= int.MaxValue, $"a number from 0 to {int.MaxValue}");
        return option;
    }

    public static Option<int> Count(string name, string description, int without)
    {
        Option<int> option = new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => without };
        Require(option, count => count >= 1, "a whole number of at least 1");
        return option;
    }

    public static Option<string?> Cache() => new("--cache")
    {
        Description = "Where spectrograms are kept; without it .cache in the corpus, or the user's local application data where that is read-only.",
        HelpName = "DIR",
    };

    public static Option<int?> Threads()
    {
        Option<int?> option = new("--threads") { Description = "Threads of the CPU kernels; without it one a processor.", HelpName = "N" };
        Require(option, threads => threads is >= 1 and <= Backends.MaxThreads, $"a number from 1 to {Backends.MaxThreads}");
        return option;
    }

    public static Option<double?> ClassThreshold()
    {
        Option<double?> option = new("--class-threshold")
        {
            Description = "The probability from which on it counts as singing; without it the one that the detector's weight file names, or 0.5.", HelpName = "P",
        };
        Require(option, p => p is >= 0 and <= 1, "a number from 0 to 1");
        return option;
    }

    /// <summary>A threshold, or <c>auto</c>: tuned on the validation songs.</summary>
    public static Option<string> ClassThresholdOrAuto() => NumberOr(
        "auto", "--class-threshold", "P",
        "The probability from which on it counts as singing, or auto: the one with the fewest errors on the songs of filelists/valid.",
        p => p is >= 0 and <= 1, "a number from 0 to 1");

    /// <summary>Seconds, or <c>random</c>.</summary>
    public static Option<string> StartOrRandom(string description) => NumberOr(
        "random", "--start", "S", description, seconds => seconds is >= 0 and <= LargestStart, $"a number of seconds, 0 to {LargestStart}");

    /// <summary>The number that such an option was given, or null for the word.</summary>
    public static double? NumberIn(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    public static Option<Channel> Channel()
    {
        string[] names = [.. Enum.GetNames<Channel>().Select(name => name.ToLowerInvariant())];
        Option<Channel> option = new("--channel")
        {
            Description = "What is heard of a recording with two channels: their mix, or one of them.", HelpName = string.Join('|', names),
            DefaultValueFactory = _ => Audio.Channel.Mix,
        };
        option.CustomParser = result =>
        {
            int index = Array.IndexOf(names, result.Tokens[0].Value);
            if (index >= 0) return (Channel)index;
            result.AddError($"--channel needs {string.Join(" or ", names)}, not {result.Tokens[0].Value}");
            return default;
        };
        return option;
    }

    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON." };

    /// <summary>Lets an option take numbers for which a check holds; what it needs completes the sentence «--option needs …».</summary>
    public static void Require<T>(Option<T> option, Func<T, bool> holds, string needs)
        where T : struct, INumber<T> => option.CustomParser = result => Number(result, option.Name, holds, needs) ?? default;

    /// <inheritdoc cref="Require{T}(Option{T}, Func{T, bool}, string)"/>
    public static void Require<T>(Option<T?> option, Func<T, bool> holds, string needs)
        where T : struct, INumber<T> => option.CustomParser = result => Number(result, option.Name, holds, needs);

    private static T? Number<T>(ArgumentResult result, string option, Func<T, bool> holds, string needs)
        where T : struct, INumber<T>
    {
        // The style has no thousands separators: 61,5 is a mistake, not 615.
        string text = result.Tokens[0].Value;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && holds(value)) return value;
        result.AddError($"{option} needs {needs}, not {text}");
        return null;
    }

    // The parser lets no option be null that is given, so the word stays a word.
    private static Option<string> NumberOr(string word, string name, string number, string description, Func<double, bool> holds, string needs)
    {
        Option<string> option = new(name) { Description = description, HelpName = $"{word}|{number}", DefaultValueFactory = _ => word };
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [{ Value: string text }] || text == word || (NumberIn(text) is { } value && holds(value))) return;
            result.AddError($"{name} needs {word} or {needs}, not {text}");
        });
        return option;
    }

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
