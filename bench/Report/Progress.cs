using System.Diagnostics;

namespace Engine.Bench.Report;

/// <summary>Lines on standard error that say how far a stage of the report is and how long it still takes.</summary>
internal sealed class Progress
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _stage;
    private readonly double _total;
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _next = Interval;
    private double _done;

    /// <summary>A stage of so much work, in any unit.</summary>
    public Progress(string stage, double total)
    {
        (_stage, _total) = (stage, total);
        if (total > 0) Console.Error.WriteLine(stage);
    }

    /// <summary>So much more is done.</summary>
    public void Add(double work)
    {
        _done += work;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        bool isDone = _done >= _total;
        if (elapsed < _next && !isDone) return;
        _next = elapsed + Interval;
        double left = elapsed.TotalSeconds * (_total - _done) / _done;
        Console.Error.WriteLine(isDone ? $"{_stage}: done in {elapsed.TotalSeconds:F0} s" : $"{_stage}: {_done / _total:P0}, {left:F0} s left");
    }
}
