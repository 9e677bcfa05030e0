using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Model;
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

    public static Option<string?> Inverter() => File("--inverter", "The inversion network's weights (.npz), of any size. Default: the bundled ones.");

    /// <summary>A layer of SVDNet, or one of the other values.</summary>
    public static Option<string?> Layer(string description, params string[] others)
    {
        Option<string?> layer = new("--layer") { Description = description };
        layer.AcceptOnlyFromAmong([.. SvdNetLayer.All.Select(one => one.Name), .. others]);
        return layer;
    }

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

    /// <summary>A time in a song, or <c>random</c>.</summary>
    public static Option<string> StartOrRandom(string description) => TextOr(
        "random", "--start", "TIME", description, text => SongTime.Parse(text) <= LargestStart, $"a time such as 61.5 or 1:01.5, at most {LargestStart} s");

    /// <summary>The number that such an option was given; null if it was given the word.</summary>
    public static double? NumberIn(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    public static Option<Channel> Channel() => OneOf<Channel>(
        "--channel", "What is heard of a recording with two channels: their mix, or one of them.");

    public static Option<Decoder> Decoder() => OneOf<Decoder>(
        "--decoder",
        "What decodes audio. managed: the decoders that come with svd, for WAV, MP3 and Ogg Vorbis; ffmpeg: ffmpeg, for everything that it decodes; auto: "
        + "ffmpeg if it is on the PATH, else managed.");

    public static Argument<string[]> Songs(ArgumentArity arity) => new("AUDIO")
    {
        Description = "Songs (WAV, MP3 or Ogg Vorbis, or anything that ffmpeg decodes), folders of songs, and patterns in quotes, such as \"music/**/*.mp3\".",
        Arity = arity,
    };

    public static Option<double?> Time(string name, string description)
    {
        Option<double?> option = new(name) { Description = description, HelpName = "TIME" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (SongTime.Parse(text) is { } seconds) return seconds;
            result.AddError($"{name} needs a time such as 61.5 or 1:01.5, not {text}");
            return null;
        };
        return option;
    }

    public static Option<bool> Recursive() => new("--recursive", "-r") { Description = "Also look into the folders of a folder." };

    public static Option<bool> Overwrite() => new("--overwrite") { Description = "Replace files that are there already." };

    /// <summary>A value of an enumeration as options name it.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>One of the values of an enumeration, by its name in lower case; the first without the option.</summary>
    public static Option<T> OneOf<T>(string name, string description)
        where T : struct, Enum
    {
        // The parser would show a default as the enumeration spells it.
        string[] names = [.. Enum.GetNames<T>().Select(value => value.ToLowerInvariant())];
        Option<T> option = new(name) { Description = $"{description} Default: {names[0]}.", HelpName = string.Join('|', names) };
        option.CustomParser = result =>
        {
            int index = Array.IndexOf(names, result.Tokens[0].Value);
            if (index >= 0) return Enum.GetValues<T>()[index];
            result.AddError($"{name} needs {string.Join(" or ", names)}, not {result.Tokens[0].Value}");
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

    /// <summary>
    /// Several values of an enumeration, with commas between them; the option may also be given several times. <see cref="SomeIn"/> says what was given.
    /// </summary>
    public static Option<T[]> SomeOf<T>(string name, string description)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(value => value.ToLowerInvariant())];
        Option<T[]> option = new(name)
        {
            Description = $"{description} Default: {names[0]}.", HelpName = string.Join('|', names), Arity = ArgumentArity.OneOrMore,
        };
        option.CustomParser = result =>
        {
            string[] given = [.. result.Tokens.SelectMany(token => token.Value.Split(','))];
            if (Array.Find(given, value => !names.Contains(value)) is { } unknown)
            {
                result.AddError($"{name} needs {string.Join(" or ", names)}, not {unknown}; several are separated by commas");
                return [];
            }

            return [.. given.Distinct().Select(value => Enum.GetValues<T>()[Array.IndexOf(names, value)])];
        };
        return option;
    }

    /// <summary>The values that such an option was given; the first of the enumeration without the option.</summary>
    public static T[] SomeIn<T>(T[]? given)
        where T : struct, Enum => given is { Length: > 0 } ? given : [default];

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
    private static Option<string> NumberOr(string word, string name, string number, string description, Func<double, bool> holds, string needs) =>
        TextOr(word, name, number, description, text => NumberIn(text) is { } value && holds(value), needs);

    private static Option<string> TextOr(string word, string name, string other, string description, Func<string, bool> holds, string needs)
    {
        Option<string> option = new(name) { Description = description, HelpName = $"{word}|{other}", DefaultValueFactory = _ => word };
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [{ Value: string text }] || text == word || holds(text)) return;
            result.AddError($"{name} needs {word} or {needs}, not {text}");
        });
        return option;
    }

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
