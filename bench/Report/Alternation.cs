using System.Diagnostics;

namespace Engine.Bench.Report;

/// <summary>Milliseconds of many runs.</summary>
internal readonly record struct Times(double Min, double Median)
{
    /// <summary>From the runs.</summary>
    public static Times Of(List<double> runs)
    {
        double[] sorted = [.. runs.Order()];
        return new Times(sorted[0], (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2);
    }

    /// <summary>Of one of several that each run had.</summary>
    public Times Per(int count) => new(Min / count, Median / count);
}

/// <summary>
/// Measures two programs in turns, some runs of one and some of the other, so that other load on the machine hits both. There is a pause between turns, because
/// ONNX Runtime's threads were seen to spin for 80 ms after a run, which slows the next program.
/// </summary>
internal static class Alternation
{
    private const double WarmUpMs = 100;
    private const double TurnMs = 40;
    private const int PauseMs = 100;
    private const int LeastTurns = 2;
    private const int LeastRunsOfATurn = 2;
    private const int MostRunsOfATurn = 200;

    // If one run takes longer than the budget, as on a device that a slow driver emulates, a few runs must do.
    private const int MostBudgets = 10;

    private const int MostLaunches = 1000;

    /// <summary>Runs both, the peer only if there is one, for about <paramref name="budgetMs"/> in all after the warm-up.</summary>
    /// <param name="engine">One run.</param>
    /// <param name="peer">Milliseconds of as many runs as asked, or null.</param>
    /// <param name="budgetMs">How long to measure; a few turns of each are taken in any case.</param>
    public static (Times Engine, Times? Peer) Measure(Action engine, Func<int, double[]>? peer, double budgetMs)
    {
        Func<int, double[]> timed = TimesOf(engine);
        (int engineRuns, int peerRuns) = (RunsOfATurn(timed), peer is null ? 0 : RunsOfATurn(peer));
        List<double> ours = [], theirs = [];
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; turn == 0 || MsSince(start) < (turn < LeastTurns ? MostBudgets : 1) * budgetMs; turn++)
        {
            if (peer is not null) Thread.Sleep(PauseMs);
            ours.AddRange(timed(engineRuns));
            if (peer is null) continue;
            Thread.Sleep(PauseMs);
            theirs.AddRange(peer(peerRuns));
        }

        return (Times.Of(ours), peer is null ? null : Times.Of(theirs));
    }

    /// <summary>
    /// How many launches are timed together, so that they take some milliseconds. Waiting for a device takes longer than a small kernel, and a clock's ticks
    /// are too coarse for one.
    /// </summary>
    /// <param name="launch">Starts the kernel.</param>
    /// <param name="synchronize">Waits for it.</param>
    /// <param name="milliseconds">How long they take together.</param>
    public static int LaunchesOfARun(Action launch, Action synchronize, double milliseconds)
    {
        int launches = 1;
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < launches; i++) launch();
            synchronize();
            double ms = MsSince(start);

            // The first launch compiles the kernel, so its time says little.
            if (ms >= milliseconds / 2 && launches > 1) return (int)Math.Clamp(launches * milliseconds / ms, 1, MostLaunches);
            if (launches >= MostLaunches) return MostLaunches;
            launches *= 2;
        }
    }

    /// <summary>Runs with a clock. Before several in a row one is not counted: it comes after a pause.</summary>
    public static Func<int, double[]> TimesOf(Action run) => runs =>
    {
        double[] times = new double[runs];
        if (runs > 1) run();
        for (int i = 0; i < runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            times[i] = MsSince(start);
        }

        return times;
    };

    // Runs until it is warm: the runtime recompiles what is called often.
    private static int RunsOfATurn(Func<int, double[]> timed)
    {
        List<double> runs = [];
        long start = Stopwatch.GetTimestamp();
        while (runs.Count == 0 || MsSince(start) < WarmUpMs) runs.AddRange(timed(1));
        return (int)Math.Clamp(TurnMs / Times.Of(runs).Median, LeastRunsOfATurn, MostRunsOfATurn);
    }

    private static double MsSince(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}
