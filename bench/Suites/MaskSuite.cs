using BenchmarkDotNet.Attributes;
using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench.Suites;

/// <summary>What a mask costs beyond SVDNet's own pass over an excerpt, on one thread: the difference of the two.</summary>
public class MaskSuite
{
    private IBackend? _backend;
    private SvdNet? _network;
    private MaskNetwork? _mask;
    private Tensor? _excerpts;

    /// <summary>How many excerpts at a time.</summary>
    [Params(1, 32)]
    public int Excerpts { get; set; }

    /// <summary>Loads the bundled weights.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _backend = Backends.CreateCpu(1);
        _network = SvdNet.Load(_backend, BundledFiles.Classifier);
        _mask = MaskNetwork.Load(_backend, BundledFiles.Masker);
        Random random = new(1);
        float[] values = [.. Enumerable.Range(0, Excerpts * ExcerptLength).Select(_ => 2 * random.NextSingle() - 1)];
        _excerpts = Tensor.From(_backend, new Shape(Excerpts, 1, ExcerptFrames, Bands), values);
    }

    /// <summary>The features alone.</summary>
    [Benchmark(Baseline = true)]
    public void Features() => _network!.Features(_excerpts!).Dispose();

    /// <summary>The features, the maps on the way to them, and the mask.</summary>
    [Benchmark]
    public void FeaturesAndMask()
    {
        using SvdNetMaps maps = _network!.Maps(_excerpts!);
        _mask!.Forward(maps).Dispose();
    }

    /// <summary>Gives everything back.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _excerpts?.Dispose();
        _mask?.Dispose();
        _network?.Dispose();
        _backend?.Dispose();
    }
}
