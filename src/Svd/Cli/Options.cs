using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Engine.Kernels;
using Engine.Svd.Audio;
using SongShard = Engine.Svd.Data.Shard;

namespace Engine.Svd.Cli;

/// <summary>The options that several commands share. Each call makes a new one.</summary>
internal static class Options
{
    // A day: frames are counted in 32 bits.
    private const int LargestStart = 86_400;

    public static Option<string> Out(string what) =>
        new("--out") { Description = $"The folder for {what}. It is created if it does not exist.", HelpName = "DIR", DefaultValueFactory = _ => "." };

    public static Option<string?> Classifier() => File("--classifier", "SVDNet's weights (.npz). Default: the bundled ones.");

    public static Option<string?> Inverter() =>
        File("--inverter", "The inversion network's weights (.npz), in the paper's or the published size. Default: the bundled ones.");

    public static Option<string?> Masker() => File("--masker", "The mask network's weights (.npz). Default: the bundled ones.");

    public static Option<string?> Statistics(string byDefault) =>
        File("--stats", $"Mean and standard deviation of each mel band (.npz). Default: {byDefault}.");

    public static Option<bool> Force() => new("--force") { Description = "Use weight files even if they do not belong together." };

    public static Option<string> Data() => new("--data")
    {
        Description = "A corpus: a folder with audio/, labels/ (NAME.lab) and filelists/ (train, valid, test).", HelpName = "DIR", Required = true,
    };

    public static Option<string> OutFile(string what) => new("--out") { Description = $"The file for {what}.", HelpName = "FILE", Required = true };

    public static Option<string?> Checkpoint() => new("--checkpoint")
    {
        Description = "The folder for checkpoints. Run a stopped training again to resume it from there. Without this option, nothing is saved before the end.",
        HelpName = "DIR",
    };

    public static Option<bool> DryRun() => new("--dry-run")
    {
        Description = "Runs a few batches, says how long the training will take on this machine, and trains nothing.",
    };

    public static Option<ulong> Seed()
    {
        Option<ulong> option = new("--seed")
        {
            Description = "Seeds everything random. The same seed gives the same bits.", HelpName = "N", DefaultValueFactory = _ => 1,
        };

        // A checkpoint keeps it as a float64.
        Require(option, seed => seed <= int.MaxValue, $"a number from 0 to {int.MaxValue}");
        return option;
    }

    public static Option<int> Count(string name, string description, int byDefault)
    {
        Option<int> option = new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => byDefault };
        Require(option, count => count >= 1, "a whole number of at least 1");
        return option;
    }

    public static Option<string?> Cache() => new("--cache")
    {
        Description = "The folder for computed spectrograms. Default: .cache in the corpus, or the user's local application data if the corpus is read-only.",
        HelpName = "DIR",
    };

    public static Option<int?> Threads()
    {
        Option<int?> option = new("--threads") { Description = "Threads for the CPU kernels. Default: one per processor.", HelpName = "N" };
        Require(option, threads => threads is >= 1 and <= Backends.MaxThreads, $"a number from 1 to {Backends.MaxThreads}");
        return option;
    }

    public static Option<double?> ClassThreshold()
    {
        Option<double?> option = new("--class-threshold")
        {
            Description = "Frames and excerpts with P >= this count as singing. Default: the threshold in the detector's weight file, or 0.5 if it has none.",
            HelpName = "P",
        };
        Require(option, p => p is >= 0 and <= 1, "a number from 0 to 1");
        return option;
    }

    /// <summary>A threshold, or <c>auto</c>: tuned on the validation songs.</summary>
    public static Option<string> ClassThresholdOrAuto() => NumberOr(
        "auto", "--class-threshold", "P",
        "Frames and excerpts with P >= this count as singing. auto: the threshold with the fewest errors on the songs of filelists/valid.",
        p => p is >= 0 and <= 1, "a number from 0 to 1");

    /// <summary>Seconds, or <c>random</c>.</summary>
    public static Option<string> StartOrRandom(string description) => NumberOr(
        "random", "--start", "S", description, seconds => seconds is >= 0 and <= LargestStart, $"a number of seconds, 0 to {LargestStart}");

    /// <summary>The number that such an option was given; null if it was given the word.</summary>
    public static double? NumberIn(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    public static Option<Channel> Channel()
    {
        string[] names = [.. Enum.GetNames<Channel>().Select(name => name.ToLowerInvariant())];
        Option<Channel> option = new("--channel")
        {
            Description = "Which channel of a stereo recording to use, or the mix of both.", HelpName = string.Join('|', names),
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

    /// <summary>A part of the songs, for several machines that share a folder.</summary>
    public static Option<string?> Shard(string what)
    {
        Option<string?> option = new("--shard")
        {
            Description = $"Takes every N-th song from the I-th on, for N jobs that share the folders. {what}", HelpName = "I/N",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && SongShard.Parse(text) is null)
            {
                result.AddError($"--shard needs I/N with I from 1 to N, such as 2/8, not {text}");
            }
        });
        return option;
    }

    /// <summary>What such an option asks for.</summary>
    public static SongShard ShardIn(string? text) => text is not null && SongShard.Parse(text) is { } shard ? shard : SongShard.Whole;

    public static Option<bool> Json(string description = "Print the result as JSON.") => new("--json") { Description = description };

    /// <summary>Makes an option accept only numbers that pass a check; <paramref name="needs"/> completes the message "--option needs …".</summary>
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

    // The parser cannot make a given option null, so the option's value stays text.
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
