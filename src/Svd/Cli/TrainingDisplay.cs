using System.Diagnostics;
using System.Runtime.InteropServices;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary>Runs a training with a live line on standard error, or plain lines if that is not a terminal. Ctrl-C ends it after the current batch.</summary>
internal static class TrainingDisplay
{
    // 128 plus the signal's number, as in a shell.
    private static readonly (PosixSignal Signal, int ExitCode)[] Signals = [(PosixSignal.SIGINT, 130), (PosixSignal.SIGTERM, 143), (PosixSignal.SIGHUP, 129)];

    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    /// <summary>The path of the log, beside the weights.</summary>
    public static string LogOf(string output) => Path.ChangeExtension(output, ".csv");

    /// <summary>Trains, writes the weights with their notes, and returns the exit code. The notes are made after the training.</summary>
    public static int Run(TrainingPlan plan, string? checkpointFolder, string output, Func<WeightNotes> notes, string training)
    {
        string log = LogOf(output);
        TrainingRun run = new(plan, checkpointFolder, log);
        using CancellationTokenSource cancellation = new();
        int exitCode = 0;
        PosixSignalRegistration[] stops = [.. Signals.Select(stop => PosixSignalRegistration.Create(stop.Signal, context =>
        {
            context.Cancel = true;
            exitCode = stop.ExitCode;
            cancellation.Cancel();
        }))];
        try
        {
            Watch(plan, report => run.Run(report, cancellation.Token, SvdCommand.Note));
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(checkpointFolder is null
                ? "svd: stopped; nothing was saved, since --checkpoint was not given"
                : $"svd: stopped; run the command again to resume from the checkpoint in {checkpointFolder}");
            return exitCode;
        }
        finally
        {
            foreach (PosixSignalRegistration stop in stops) stop.Dispose();
        }

        string summary = string.Join(", ", run.LastEpoch.Where(column => column.Name != "excerpts_per_second")
            .Select(column => FormattableString.Invariant($"{column.Name} {column.Value:G6}")));
        plan.Network.Save(output, (notes() with { Training = $"{training}; {summary}; {plan.Device}" }).ToString());
        Console.WriteLine($"{plan.Network.ParameterCount} parameters → {output}, log → {log}");
        return 0;
    }

    private static void Watch(TrainingPlan plan, Action<Action<TrainingProgress>> run)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected || console.Profile.Capabilities is not { Ansi: true, Interactive: true })
        {
            run(Lines());
            return;
        }

        ProgressDisplay.ShowLive(console, () => console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("training", maxValue: (double)plan.Epochs * plan.BatchesPerEpoch);
                run(progress =>
                {
                    bar.Description = Markup.Escape(Describe(progress));
                    bar.Value = (progress.Epoch - 1.0) * progress.Batches + progress.Batch;
                    if (progress.Batch == progress.Batches) ProgressDisplay.WriteLine(Describe(progress));
                });
            }));
    }

    private static Action<TrainingProgress> Lines()
    {
        long last = Stopwatch.GetTimestamp();
        return progress =>
        {
            if (progress.Batch < progress.Batches && Stopwatch.GetElapsedTime(last) < LineInterval) return;
            last = Stopwatch.GetTimestamp();
            Console.Error.WriteLine(Describe(progress));
        };
    }

    private static string Describe(TrainingProgress progress) =>
        $"epoch {progress.Epoch}/{progress.Epochs}, batch {progress.Batch}/{progress.Batches}: loss {progress.Loss:F4}, "
        + $"learning rate {progress.LearningRate:G3}, {progress.ExcerptsPerSecond:F0} excerpts/s, {Time(progress.Left)} left";

    private static string Time(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time:mm\\:ss}" : $"{time:m\\:ss}";
}
