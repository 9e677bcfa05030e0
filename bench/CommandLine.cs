using System.CommandLine;
using Engine.Kernels;

namespace Engine.Bench;

/// <summary>How the program's own commands run. Exit codes: 0 done, 1 failed, 2 used wrongly.</summary>
internal static class CommandLine
{
    public const int Failed = 1;
    public const int UsedWrongly = 2;

    /// <summary>Runs a command line, which starts with the command's name, and returns the exit code.</summary>
    public static int Run(Command command, string[] args)
    {
        ParseResult parsed = new RootCommand("Benchmarks.") { command }.Parse(args);
        if (parsed.Errors.Count > 0) return Complain($"{parsed.Errors[0].Message.TrimEnd('.')} (see {command.Name} --help)", UsedWrongly);
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (AggregateException failures) when (failures.InnerException is EngineException failure)
        {
            // A parallel query wraps its exceptions like this.
            return Complain(failure.Message, Failed);
        }
        catch (Exception failure) when (failure is EngineException or IOException or UnauthorizedAccessException)
        {
            return Complain(failure.Message, Failed);
        }
    }

    /// <summary>Says in one line what is wrong, and returns the exit code.</summary>
    public static int Complain(string message, int code)
    {
        Console.Error.WriteLine($"bench: {string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}");
        return code;
    }
}
