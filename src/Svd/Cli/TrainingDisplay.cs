using System.Diagnostics;
using System.Runtime.InteropServices;
using Engine.Svd.Figures;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
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

    /// <summary>The figure of the training that goes beside the weights.</summary>
    public static string FigureOf(string output) => Path.ChangeExtension(output, ".png");

    /// <summary>Says how long a training will take on this machine, after a few of its batches, and trains nothing.</summary>
    public static int DryRun(TrainingPlan plan, string device)
    {
        const double measured = 3;
        plan.Step(0, 0); // The first batch compiles the kernels.
        int batches = 0;
        long start = Stopwatch.GetTimestamp();
        for (; batches < plan.BatchesPerEpoch && (batches == 0 || Stopwatch.GetElapsedTime(start).TotalSeconds < measured); batches++)
        {
            plan.Step(0, batches);
            plan.Optimizer.Step(plan.Schedule.LearningRate);
        }

        double batch = Stopwatch.GetElapsedTime(start).TotalSeconds / batches;
        start = Stopwatch.GetTimestamp();
        plan.Validate();
        double validation = Stopwatch.GetElapsedTime(start).TotalSeconds;
        TimeSpan all = TimeSpan.FromSeconds(Math.Min(1e9, plan.Epochs * (plan.BatchesPerEpoch * batch + validation)));
        Console.WriteLine($"{plan.Epochs} epochs of {plan.BatchesPerEpoch} batches of {plan.BatchSize} excerpts: about {Time(all)} on {device}");
        Console.WriteLine($"  a batch takes {1000 * batch:F1} ms, validation after each epoch {validation:F1} s; nothing was trained or written");
        return 0;
    }

    /// <summary>Trains, writes the weights with their notes, and returns the exit code. The notes are made after the training.</summary>
    public static int Run(TrainingPlan plan, string? checkpointFolder, string output, Func<WeightNotes> notes, string training)
    {
        string log = LogOf(output);
        TrainingRun run = new(plan, checkpointFolder, log, (columns, rows) => AtomicFile.Write(
            FigureOf(output), stream => stream.Write(TrainingFigure.RenderPng(columns, rows, Path.GetFileName(output), training))));
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
        plan.Result.Save(output, (notes() with { Training = $"{training}; {summary}; {plan.Device}" }).ToString());
        Console.WriteLine($"{plan.Result.ParameterCount} parameters → {output}, log → {log} and {FigureOf(output)}");
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
