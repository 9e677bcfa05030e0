namespace Engine.Bench.Report;

/// <summary>One line of the report: an operation of a piece of work, or a whole piece of work.</summary>
/// <param name="Group">The piece of work that runs the operation, or <see cref="Contests.Group"/>.</param>
/// <param name="Name">The layer, or the piece of work.</param>
/// <param name="Kernel">The operation; empty for a whole piece of work.</param>
/// <param name="Calls">How often the work runs it; 1 for a whole piece of work.</param>
/// <param name="MinMs">The fastest run in milliseconds.</param>
/// <param name="MedianMs">The median run in milliseconds.</param>
/// <param name="Rate">GFLOP/s of the plain definition at the minimum, GB/s where memory bounds the operation, or audio time over our time.</param>
/// <param name="Unit">Which of the three.</param>
/// <param name="OfPeak">The rate as a part of the peak that was measured in this process.</param>
/// <param name="Intensity">FLOPs a byte that must move; 0 where none are counted.</param>
/// <param name="Peer">What it is compared with.</param>
/// <param name="PeerMinMs">The peer's fastest run.</param>
/// <param name="PeerMedianMs">The peer's median run.</param>
/// <param name="Ratio">The peer's minimum over ours: above 1 the engine is faster.</param>
internal sealed record Row(
    string Group, string Name, string Kernel, int Calls, double MinMs, double MedianMs, double Rate, string Unit, double OfPeak, double Intensity,
    string? Peer = null, double? PeerMinMs = null, double? PeerMedianMs = null, double? Ratio = null)
{
    /// <summary>Why the rate lies above the peak; empty where it does not.</summary>
    public string AboveThePeak => OfPeak <= 1 ? "" : Unit == "GB/s" ? "in cache" : "fewer operations";
}

/// <summary>
/// What a report was made with. The exchange is how fast a thread reads what another has just written, in GB/s; null for one thread and for a GPU.
/// </summary>
internal sealed record Setting(
    string Processor, string System, string Runtime, IReadOnlyList<string> InstructionSets, int VectorBits, int Threads, int Processors, double PeakGflops,
    double BandwidthGbs, double? ExchangeGbs, IReadOnlyList<string> Peers, string Date, string? Gpu)
{
    /// <summary>What was measured, in words.</summary>
    public string Measured => Gpu ?? $"{Processor}, {Threads} threads, {VectorBits}-bit vectors";
}

/// <summary>A whole report.</summary>
internal sealed record ReportData(Setting Setting, double LargestKernelError, IReadOnlyList<Row> Rows);
