using System.CommandLine;
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
            ExplainCommand.Create(), PredictCommand.Create(), LogMelCommand.Create(), DevicesCommand.Create(),
        };
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            string command = parsed.CommandResult == parsed.RootCommandResult ? "" : $" {parsed.CommandResult.Command.Name}";
            Console.Error.WriteLine($"svd: {OneLine(parsed.Errors[0].Message)} (see svd{command} --help)");
            return UsedWrongly;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (EngineException failure)
        {
            return Fail(failure.Message);
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
        Console.Error.WriteLine($"svd: {OneLine(message)}");
        return Failed;
    }

    private static string OneLine(string message) => string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
