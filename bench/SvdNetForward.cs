using BenchmarkDotNet.Attributes;
using Engine.Kernels;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;

namespace Engine.Bench;

/// <summary>SVDNet on excerpts, every processor: the project's smoke benchmark.</summary>
public class SvdNetForward : ICountsFlops
{
    // The layers' multiply-adds, conv1 to fc9, for one excerpt (113·78·64·9 and so on).
    private const double MultiplyAdds = 113.0 * 78 * 64 * 9 + 111.0 * 76 * 32 * 576 + 35.0 * 23 * 128 * 288 + 33.0 * 21 * 64 * 1152
        + 4928.0 * 256 + 256 * 64 + 64;

    private IBackend? _backend;
    private SvdNet? _network;
    private Tensor? _input;

    /// <summary>Excerpts at a time.</summary>
    [Params(1, 32)]
    public int Excerpts { get; set; }

    double ICountsFlops.Flops => 2 * MultiplyAdds * Excerpts;

    /// <summary>Loads the bundled weights and makes random excerpts.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _backend = Backends.CreateCpu();
        _network = SvdNet.Load(_backend, Path.Combine(AppContext.BaseDirectory, "weights", "svdnet.npz"));
        Random random = new(1);
        float[] values = new float[Excerpts * FrontEndSettings.ExcerptLength];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(random.NextDouble() * 4 - 2);
        _input = Tensor.From(_backend, new Shape(Excerpts, 1, FrontEndSettings.ExcerptFrames, FrontEndSettings.Bands), values);
    }

    /// <summary>Features and probability.</summary>
    [Benchmark(Description = "SVDNet forward")]
    public void Forward()
    {
        using Tensor features = _network!.Features(_input!);
        using Tensor probability = _network.Probability(features);
    }

    /// <summary>Gives everything back.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _input?.Dispose();
        _network?.Dispose();
        _backend?.Dispose();
    }
}
