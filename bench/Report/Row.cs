namespace Engine.Bench.Report;

/// <summary>One line of the report.</summary>
/// <param name="Group">A network, or <see cref="Contests.Group"/>.</param>
/// <param name="N">Samples.</param>
/// <param name="Name">A layer, or the work.</param>
/// <param name="Kernel">The operation; empty for a whole network.</param>
/// <param name="MinMs">The fastest run in milliseconds.</param>
/// <param name="MedianMs">The middle one.</param>
/// <param name="Rate">GFLOP/s of the plain definition at the minimum, or GB/s where memory bounds the kernel.</param>
/// <param name="Unit">Which of both.</param>
/// <param name="OfPeak">What part of the peak measured in this process that is.</param>
/// <param name="Intensity">FLOPs a byte that must move; 0 where none are counted.</param>
/// <param name="Peer">Whom it is compared with.</param>
/// <param name="PeerMinMs">The peer's fastest run.</param>
/// <param name="PeerMedianMs">The peer's middle one.</param>
/// <param name="Ratio">The peer's minimum over ours, or the audio's seconds over ours: above 1 we are faster.</param>
/// <param name="AtLeast">What the ratio shall be at least.</param>
/// <param name="HopedFor">What is hoped for.</param>
internal sealed record Row(
    string Group, int N, string Name, string Kernel, double MinMs, double MedianMs, double Rate, string Unit, double OfPeak, double Intensity,
    string? Peer = null, double? PeerMinMs = null, double? PeerMedianMs = null, double? Ratio = null, double? AtLeast = null, double? HopedFor = null)
{
    /// <summary>What the ratio comes to, in words; empty where nothing is required.</summary>
    public string Verdict => AtLeast is null ? "" : Ratio is null ? "not measured" : Ratio >= HopedFor ? "as hoped" : Ratio >= AtLeast ? "met" : "missed";
}

/// <summary>What a report was made with.</summary>
internal sealed record Setting(
    string Processor, string System, string Runtime, IReadOnlyList<string> InstructionSets, int VectorBits, int Threads, int Processors, double PeakGflops,
    double BandwidthGbs, IReadOnlyList<string> Peers, string Date, string? Gpu)
{
    /// <summary>What was measured, in words.</summary>
    public string Measured => Gpu ?? $"{Processor}, {Threads} threads, {VectorBits}-bit vectors";
}

/// <summary>A whole report.</summary>
internal sealed record ReportData(Setting Setting, double LargestKernelError, IReadOnlyList<Row> Rows);
