using System.Diagnostics;
using Engine.Kernels;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary>
/// Shows the progress of long work on standard error: on a terminal a bar with the time left, elsewhere a plain line now and then. Work that takes less
/// than two seconds shows nothing.
/// </summary>
internal static class ProgressDisplay
{
    // The console of the bar that is on the screen, if any.
    private static IAnsiConsole? live;

    /// <summary>How long work takes before it shows anything. Tests have none.</summary>
    internal static TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The time between two lines where there is no terminal.</summary>
    internal static TimeSpan LineInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Writes a line to standard error: above the bar, if one is on the screen.</summary>
    public static void WriteLine(string line)
    {
        if (live is { } console) console.Write(new Text($"{line}\n"));
        else Console.Error.WriteLine(line);
    }

    /// <summary>Writes a line to standard output; if that is the terminal with the bar, above the bar.</summary>
    public static void WriteResult(string line)
    {
        if (live is { } console && !Console.IsOutputRedirected) console.Write(new Text($"{line}\n"));
        else Console.WriteLine(line);
    }

    /// <summary>Shows a live display on a console; meanwhile <see cref="WriteLine"/> writes above it.</summary>
    public static void ShowLive(IAnsiConsole console, Action show)
    {
        live = console;
        try
        {
            show();
        }
        finally
        {
            live = null;
        }
    }

    /// <summary>Runs work that reports how much is done of how much, such as seconds of audio or songs; the total may be unknown.</summary>
    public static T Run<T>(string title, Func<Action<double, double?>, T> work)
    {
        title = MessageText.Line(title);
        if (Console.IsErrorRedirected) return work(Lines(title));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (console.Profile.Capabilities is not { Ansi: true, Interactive: true }) return work(Lines(title));
        T result = default!;

        // Ctrl-C ends the process before the bar cleans up.
        ConsoleCancelEventHandler restore = (_, _) => console.Cursor.Show();
        Console.CancelKeyPress += restore;
        try
        {
            ShowLive(console, () => console.Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(context =>
                {
                    ProgressTask? bar = null;
                    long start = Stopwatch.GetTimestamp();
                    result = work((done, total) =>
                    {
                        if (bar is null && Stopwatch.GetElapsedTime(start) < Patience) return;
                        bar ??= context.AddTask(Markup.Escape(title), maxValue: total ?? 1);
                        bar.IsIndeterminate = total is null;
                        if (total is { } end) bar.Value = Math.Min(done, end);
                        else bar.Description = Markup.Escape(Done(title, done));
                    });
                }));
        }
        finally
        {
            Console.CancelKeyPress -= restore;
        }

        return result;
    }

    private static Action<double, double?> Lines(string title)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan next = Patience;
        return (done, total) =>
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (elapsed < next) return;
            next = elapsed + LineInterval;
            Console.Error.WriteLine(
                total is not { } end ? Done(title, done)
                : done > 0 ? $"{title}: {Math.Min(1, done / end):P0}, {elapsed.TotalSeconds * Math.Max(0, end - done) / done:F0} s left"
                : $"{title}: 0 %");
        };
    }

    private static string Done(string title, double seconds) => $"{title}: {seconds:F0} s of audio done";
}
