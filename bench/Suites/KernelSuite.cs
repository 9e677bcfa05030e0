using BenchmarkDotNet.Attributes;
using Engine.Kernels;

namespace Engine.Bench.Suites;

/// <summary>Every operation of the report by itself, on every processor with the widest registers. <c>--filter '*conv2*'</c> takes some of them.</summary>
public sealed class KernelSuite : ICountsFlops, IDisposable
{
    private IBackend? _backend;
    private KernelRun? _run;

    /// <summary>The piece of work, the layer and the operation.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    /// <summary>Their names.</summary>
    public IEnumerable<string> Cases => KernelCases.All.Select(kernel => $"{kernel}").Distinct();

    double ICountsFlops.Flops => Find().Spec.Flops;

    /// <summary>Makes the inputs.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _backend = Backends.CreateCpu();
        _run = new KernelRun(Find().Spec, _backend);
    }

    /// <summary>One call.</summary>
    [Benchmark]
    public void Run() => _run!.Call();

    /// <summary>Gives everything back.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _run?.Dispose();
        _backend?.Dispose();
    }

    private KernelCase Find() => KernelCases.All.First(kernel => $"{kernel}" == Case);
}
