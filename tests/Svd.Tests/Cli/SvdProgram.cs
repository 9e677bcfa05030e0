using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Engine.Svd.Cli;

namespace Engine.Svd.Tests.Cli;

/// <summary>What a run of the command line left behind; of standard error, all but the progress of slow work.</summary>
internal readonly record struct ProgramResult(int ExitCode, string Output, string Errors);

/// <summary>The tests that catch what is written to the console: nothing else may write to it meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ConsoleTests
{
    public const string Name = "console";
}

/// <summary>Runs the command <c>svd</c>.</summary>
internal static partial class SvdProgram
{
    // The program that runs these tests may be another than dotnet, and dotnet need not be on the PATH; the runtime tells its folder.
    private static readonly string Dotnet = Path.GetFullPath(
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "svd.dll");

    /// <summary>Calls the command line in this process: no less real but for its start, and five times as fast.</summary>
    public static ProgramResult Call(params string[] args)
    {
        ProgramResult result = CallWithProgress(args);
        return result with { Errors = WithoutProgress(result.Errors) };
    }

    /// <summary>Calls the command line so that it shows each step of its progress, and returns the percentages beside a title.</summary>
    public static int[] PercentagesOf(string title, params string[] args)
    {
        (TimeSpan patience, TimeSpan interval) = (ProgressDisplay.Patience, ProgressDisplay.LineInterval);
        (ProgressDisplay.Patience, ProgressDisplay.LineInterval) = (TimeSpan.Zero, TimeSpan.Zero);
        try
        {
            IEnumerable<Match> lines = Regex.Matches(CallWithProgress(args).Errors, $@"^{Regex.Escape(title)}: (\d+) %", RegexOptions.Multiline);
            return [.. lines.Select(line => int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture))];
        }
        finally
        {
            (ProgressDisplay.Patience, ProgressDisplay.LineInterval) = (patience, interval);
        }
    }

    private static ProgramResult CallWithProgress(string[] args)
    {
        (TextWriter output, TextWriter errors) = (Console.Out, Console.Error);
        using StringWriter outputText = new(), errorText = new();
        Console.SetOut(outputText);
        Console.SetError(errorText);
        try
        {
            int exitCode = SvdCommand.Run(args);
            return new ProgramResult(exitCode, outputText.ToString(), errorText.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    /// <summary>Runs the program as a user does and waits for its end.</summary>
    public static ProgramResult Execute(params string[] args)
    {
        using Process process = Start(args);
        return Finish(process);
    }

    /// <summary>Starts the program.</summary>
    public static Process Start(params string[] args) => StartProcess(Dotnet, [Program, .. args]);

    /// <summary>Runs a line of shell in which <c>$svd</c> is the program.</summary>
    public static ProgramResult Shell(string line)
    {
        using Process process = StartProcess("/bin/sh", ["-c", $"svd='{Dotnet} {Program}'; {line}"]);
        return Finish(process);
    }

    /// <summary>Reads what a process writes and waits for its end.</summary>
    public static ProgramResult Finish(Process process)
    {
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ProgramResult(process.ExitCode, output, WithoutProgress(errors.Result));
    }

    // Whether work is slow enough to show progress depends on the machine.
    private static string WithoutProgress(string errors) => ProgressLine().Replace(errors, "");

    [GeneratedRegex(@"^(.*: (\d+ %(, \d+ s left)?|\d+ s of audio done)|epoch \d+/.*)\r?\n", RegexOptions.Multiline)]
    private static partial Regex ProgressLine();

    private static Process StartProcess(string program, string[] args) =>
        Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
