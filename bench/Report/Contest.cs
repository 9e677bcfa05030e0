namespace Engine.Bench.Report;

/// <summary>A whole piece of work, ours and a peer's, whose outputs have been compared.</summary>
internal sealed class Contest : IDisposable
{
    /// <summary>What is done.</summary>
    public required string Name { get; init; }

    /// <summary>Floating-point operations of the plain definitions.</summary>
    public double Flops => KernelCases.FlopsOf(Name);

    /// <summary>One run of ours.</summary>
    public required Action Run { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>Milliseconds of runs of the peer; null where there is none.</summary>
    public Func<int, double[]>? PeerTimes { get; init; }

    /// <summary>Where the clock is the audio's: its seconds.</summary>
    public double? AudioSeconds { get; init; }

    /// <summary>What is to be given back in the end, the last first.</summary>
    public required IReadOnlyList<IDisposable> Owned { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable owned in Owned.Reverse()) owned.Dispose();
    }
}
