namespace Engine.Bench.Ladder;

/// <summary>The machine that the rungs were measured on; rates in GFLOP/s and GB/s, measured in the same process.</summary>
internal sealed record LadderSetting(
    string Processor, string Date, int Threads, int VectorBits, double PeakOfOneThread, double PeakGflops, double BandwidthGbs);

/// <summary>An operation and its rungs. Flops are those of the plain definition; bytes count each array once.</summary>
internal sealed record LadderTable(string Name, string Operation, long Flops, long Bytes, IReadOnlyList<LadderRow> Rungs);

/// <summary>A measured rung: the shortest run, its rate, its part of the peak of its threads, and what one has to read.</summary>
internal sealed record LadderRow(
    int Number, string Name, int Threads, double Milliseconds, double Gflops, double OfPeak, double LargestError, int Lines, IReadOnlyList<string> Files);
