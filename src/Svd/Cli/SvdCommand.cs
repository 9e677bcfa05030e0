using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Kernels;

namespace Engine.Svd.Cli;

/// <summary>The command <c>svd</c>. Exit codes: 0 done, 1 failed, 2 used wrongly; whatever goes wrong is one line on standard error.</summary>
public static class SvdCommand
{
    private const int Failed = 1;
    private const int UsedWrongly = 2;

    /// <summary>Runs the command line and returns the exit code.</summary>
    public static int Run(string[] args)
    {
        RootCommand root = new("Detects singing in music and shows what decided the detection.\n\nExample:\n  svd explain song.mp3 --at 61.5")
        {
            ExplainCommand.Create(), PredictCommand.Create(), ScoreCommand.Create(), CalibrateCommand.Create(), EvaluateCommand.Create(), LocaliseCommand.Create(),
            LogMelCommand.Create(), StatsCommand.Create(), TrainCommand.Create(), ExportCommand.Create(), DevicesCommand.Create(),
        };
        ParseResult parsed = root.Parse(args);
        if (Misuse(parsed, args) is { } misuse)
        {
            Complain($"{misuse} (see svd{PathOf(parsed.CommandResult)} --help)");
            return UsedWrongly;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (EngineException failure)
        {
            return Fail(DeviceAdvice.MessageOf(failure));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Fail(failure.Message);
        }
        catch (OutOfMemoryException)
        {
            return Fail("not enough memory");
        }
        catch (OperationCanceledException)
        {
            return Fail("cancelled");
        }
    }

    /// <summary>Prints a failure as one line.</summary>
    internal static int Fail(string message)
    {
        Complain(message);
        return Failed;
    }

    private static string? Misuse(ParseResult parsed, string[] args)
    {
        if (parsed.Errors.Count > 0 && parsed.CommandResult.Command.Subcommands.Count > 0)
        {
            string commands = string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(command => command.Name));
            return parsed.UnmatchedTokens is [string unknown, ..]
                ? $"{unknown} is none of the commands {commands}"
                : $"give a command: {commands}";
        }

        // The parser takes an option that it does not know for a file.
        string? option = args.Contains("--") ? null : parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens, (_, token) => token.Value).FirstOrDefault(value => value.StartsWith('-'));
        return option is not null ? $"{option} is not an option; if it is a file, write {Path.Combine(".", option)}"
            : parsed.Errors.Count > 0 ? parsed.Errors[0].Message.TrimEnd('.')
            : null;
    }

    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "";

    private static void Complain(string message)
    {
        try
        {
            // The parser's and the runtime's messages may have several lines.
            string[] lines = message.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            Console.Error.WriteLine($"svd: {MessageText.Line(string.Join(' ', lines))}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Where standard error is closed or full, the exit code has to do.
        }
    }
}
