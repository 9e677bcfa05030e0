using BenchmarkDotNet.Attributes;
using Engine.Kernels;

namespace Engine.Bench.Suites;

/// <summary>All cases of some operations, every processor, the widest registers.</summary>
public abstract class KernelSuite : ICountsFlops
{
    private readonly string[] _operations;
    private IBackend? _backend;
    private KernelRun? _run;

    /// <summary>A suite of the operations of these names, as <c>shapes.csv</c> has them.</summary>
    protected KernelSuite(params string[] operations) => _operations = operations;

    /// <summary>The layer, its batch and the operation.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    /// <summary>Their names.</summary>
    public IEnumerable<string> Cases =>
        KernelCases.All.Where(kernel => _operations.Contains(kernel.Kernel.Split(' ')[0])).Select(kernel => $"{kernel}");

    double ICountsFlops.Flops => Find().Flops;

    /// <summary>Makes the inputs.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _backend = Backends.CreateCpu();
        _run = Find().On(_backend, Find().RandomInputs());
    }

    /// <summary>One call.</summary>
    [Benchmark]
    public void Run() => _run!.Call();

    /// <summary>Gives everything back.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _run?.Dispose();
        _backend?.Dispose();
    }

    private KernelCase Find() => KernelCases.All.First(kernel => $"{kernel}" == Case);
}

/// <summary>Convolutions, forward and both gradients.</summary>
public class Conv2dSuite() : KernelSuite("conv2d");

/// <summary>Transposed convolutions, forward and both gradients.</summary>
public class ConvTranspose2dSuite() : KernelSuite("conv_transpose2d");

/// <summary>Matrix products, forward and both gradients.</summary>
public class DenseSuite() : KernelSuite("dense");

/// <summary>Batch normalisation: inference, training and the gradient.</summary>
public class BatchNormSuite() : KernelSuite("batch_norm");

/// <summary>Max-pooling and its gradient.</summary>
public class MaxPool2dSuite() : KernelSuite("max_pool2d");

/// <summary>What is pointwise, and the losses.</summary>
public class PointwiseSuite() : KernelSuite("elu", "crop2d", "dropout", "mean_squared_error", "sigmoid_cross_entropy");

/// <summary>One step of the optimisers.</summary>
public class OptimizerSuite() : KernelSuite("adam", "nesterov");

/// <summary>The front end's own kernels.</summary>
public class FrontEndSuite() : KernelSuite("real_fft", "magnitude", "log_floor");
