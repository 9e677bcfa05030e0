using BenchmarkDotNet.Attributes;
using Engine.Bench.Report;
using Engine.Kernels.Simd;

namespace Engine.Bench.Suites;

/// <summary>The whole pieces of work, without their peers.</summary>
public class NetworkSuite : ICountsFlops
{
    private Contests? _contests;
    private Contest? _contest;

    /// <summary>What is done.</summary>
    [ParamsSource(nameof(Works))]
    public string Work { get; set; } = "";

    /// <summary>Their names.</summary>
    public IEnumerable<string> Works => Contests.All.Select(work => work.Name);

    double ICountsFlops.Flops
    {
        get
        {
            Setup();
            double flops = _contest!.Flops;
            Cleanup();
            return flops;
        }
    }

    /// <summary>Loads or draws the weights.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _contests = Contests.Open(Machine.OfProcessor(Environment.ProcessorCount, VectorSupport.Widest), python: null);
        _contest = Contests.All.First(work => work.Name == Work).Make(_contests);
    }

    /// <summary>One run.</summary>
    [Benchmark]
    public void Run() => _contest!.Run();

    /// <summary>Gives everything back.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _contest?.Dispose();
        _contests?.Dispose();
    }
}
