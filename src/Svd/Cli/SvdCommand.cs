using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>The command <c>svd</c>. Exit codes: 0 done, 1 failed, 2 used wrongly. Every failure is one line on standard error.</summary>
public static class SvdCommand
{
    /// <summary>The exit code of what failed.</summary>
    internal const int Failed = 1;
    private const int UsedWrongly = 2;
    private const string Description = "Detects singing in music and shows what decided the detection.", Example = "Example:\n  svd explain song.mp3 --at 61.5";

    // A command's options are made when it is called: those of all commands would take as long as the rest of a start.
    private static readonly (string Name, string Summary, Func<Command> Create)[] _commands =
    [
        ("explain", "shows what decided the prediction for an excerpt of a song", ExplainCommand.Create),
        ("page", "makes a web page of every song, to see and to hear what the detector listens to", PageCommand.Create),
        ("predict", "finds singing in songs", PredictCommand.Create),
        ("corpus", "makes and checks a corpus of labelled songs", CorpusCommand.Create),
        ("score", "scores the detector on the labelled songs of a corpus", ScoreCommand.Create),
        ("calibrate", "calibrates a detector, so that 70 % of the frames with P = 0.7 are sung", CalibrateCommand.Create),
        ("evaluate", "measures whether explanations keep what the detector goes by", EvaluateCommand.Create),
        ("localise", "measures whether explanations lie where the voice is", LocaliseCommand.Create),
        ("reconstruct", "measures how well the detector's layers can be inverted", ReconstructCommand.Create),
        ("maximise", "shows what neurons of the detector react to", MaximiseCommand.Create),
        ("logmel", "writes the log-mel spectrograms of songs", LogMelCommand.Create),
        ("stats", "computes the statistics that normalise spectrograms", StatsCommand.Create),
        ("train", "trains a network on a corpus", TrainCommand.Create),
        ("export", "writes a network as an ONNX model", ExportCommand.Create),
        ("weights", "shows what a weight file belongs to, or notes it in the file", WeightsCommand.Create),
        ("devices", "lists the devices that kernels can run on", DevicesCommand.Create),
    ];

    /// <summary>The names of the commands.</summary>
    internal static IEnumerable<string> Names => _commands.Select(command => command.Name);

    /// <summary>Runs the command line and returns the exit code.</summary>
    public static int Run(string[] args)
    {
        (TextWriter output, TextWriter errors) = (Console.Out, Console.Error);
        bool isHelp = args is ["--help" or "-h" or "-?"];
        PatientWriter results = new(output, escapes: !isHelp);
        Console.SetOut(results);
        Console.SetError(new PatientWriter(errors));
        try
        {
            int exitCode = isHelp ? PrintHelp() : RunSafely(args);
            return results.Failure is { } lost && exitCode == 0
                ? Fail($"the output could not be printed, but all files are written: {lost.Message}") : exitCode;
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    private static int RunSafely(string[] args)
    {
        try
        {
            return Parse(args);
        }
        catch (OutOfMemoryException)
        {
            return Fail("not enough memory");
        }
        catch (OperationCanceledException)
        {
            return Fail("cancelled");
        }
        catch (EngineException failure)
        {
            return Fail(DeviceAdvice.MessageOf(failure));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Fail(failure.Message);
        }
        catch (Exception failure)
        {
            return Fail(ReportOf(failure));
        }
    }

    // One line with all that a report needs.
    private static string ReportOf(Exception bug)
    {
        System.Reflection.MethodBase? place = new System.Diagnostics.StackTrace(bug).GetFrame(0)?.GetMethod();
        return $"this is a bug in svd: {bug.GetType().Name} in {place?.DeclaringType?.Name}.{place?.Name} ({bug.Message.TrimEnd('.')}); "
            + "please report this line and the command";
    }

    private static int Parse(string[] args)
    {
        string? called = args.FirstOrDefault(argument => Array.Exists(_commands, command => command.Name == argument));
        bool asksForHelp = Array.Exists(args, argument => argument is "--help" or "-h" or "-?");
        if (called == "explain" && !asksForHelp) WarmUp.Start(withClassifier: !Names("--classifier"), withNetwork: !Names("--device"));
        RootCommand root = new($"{Description}\n\n{Example}");
        foreach ((string name, string summary, Func<Command> create) in _commands) root.Add(name == called ? create() : new Command(name, summary));

        // File names may start with @, so there are no response files.
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (Misuse(parsed, args) is { } misuse)
        {
            Complain($"{misuse} (see svd{PathOf(parsed.CommandResult)} --help)");
            return UsedWrongly;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });

        bool Names(string option) => Array.Exists(args, argument => argument.StartsWith(option, StringComparison.Ordinal));
    }

    // The list needs none of what reads a command line, so it is there sooner.
    private static int PrintHelp()
    {
        string commands = "";
        foreach ((string name, string summary, _) in _commands) commands += $"  {name,-13}{summary}\n";
        Console.Write($"""
            {Description}

            Usage:
              svd COMMAND [options]

            Commands:
            {commands}
            Options:
              -?, -h, --help  Show help: this list, or with a command what it does and its options
              --version       Show the version

            {Example}

            """);
        return 0;
    }

    /// <summary>Prints a line on standard error that the user should know and that is not a failure.</summary>
    internal static void Note(string message) => Complain(message);

    /// <summary>Prints a failure as one line.</summary>
    internal static int Fail(string message)
    {
        Complain(message);
        return Failed;
    }

    /// <summary>Prints a warning.</summary>
    internal static void Warn(string warning) => Complain($"warning: {warning}");

    /// <summary>Prints warnings, one line each.</summary>
    internal static void Warn(IEnumerable<string> warnings)
    {
        foreach (string warning in warnings) Warn(warning);
    }

    private static string? Misuse(ParseResult parsed, string[] args)
    {
        if (parsed.Errors.Count > 0 && parsed.CommandResult.Command.Subcommands.Count > 0)
        {
            string commands = string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(command => command.Name));
            return parsed.UnmatchedTokens is [string unknown, ..]
                ? $"{unknown} is not a command; the commands are {commands}{Spelling.Suggest(unknown, parsed.CommandResult.Command.Subcommands)}"
                : $"give a command: {commands}";
        }

        // The parser takes an unknown option for a file name.
        string? option = args.Contains("--") ? null : parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens, (_, token) => token.Value).Concat(parsed.UnmatchedTokens).FirstOrDefault(value => value.StartsWith('-'));
        return Swallowed(parsed.CommandResult) is { } swallowed ? swallowed
            : option is not null ? Unknown(option, parsed.CommandResult.Command)
            : parsed.Errors.Count > 0 ? parsed.Errors[0].Message.TrimEnd('.')
            : null;
    }

    private static string Unknown(string option, Command command)
    {
        IEnumerable<Option> known = command.Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options));
        string suggestion = Spelling.Suggest(option.Split('=', ':')[0], known);
        return suggestion.Length > 0 ? $"{option} is not an option{suggestion}"
            : $"{option} is not an option; if it is a file, write {Path.Combine(".", option)}";
    }

    // An option without a value would silently take the next option as its value, or its default.
    private static string? Swallowed(CommandResult command)
    {
        IEnumerable<OptionResult> given = command.Children.OfType<OptionResult>().Where(
            option => option is { Implicit: false, Option.Arity.MinimumNumberOfValues: > 0 });
        foreach (OptionResult option in given)
        {
            if (option.Tokens.Count == 0) return $"{option.Option.Name} needs a value";
            string value = option.Tokens[0].Value;
            if (value.Length > 1 && value[0] == '-' && char.IsLetter(value.TrimStart('-').FirstOrDefault()) && !IsNumber(value))
            {
                return $"{option.Option.Name} needs a value, not the option {value}; if it is a file, write {Path.Combine(".", value)}";
            }
        }

        return null;
    }

    // Such as -Infinity; the option itself then says what it needs.
    private static bool IsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "";

    private static void Complain(string message)
    {
        // The parser's and the runtime's messages may have several lines.
        string[] lines = message.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        ProgressDisplay.WriteLine($"svd: {MessageText.Line(string.Join(' ', lines))}");
    }
}
