using Engine.Kernels;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace Engine.Bench.Peers;

/// <summary>
/// A product or a transform as NVIDIA's libraries do it, through ILGPU.Algorithms: cuBLAS for a dense layer, without bias and activation, and cuFFT for the
/// spectrum of frames, without a window. Opening one compares its results with the engine's.
/// </summary>
internal sealed class CudaPeer : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private CudaPeer(string name) => Name = name;

    /// <summary>The library.</summary>
    public string Name { get; }

    /// <summary>Starts a call; the device may not have finished it.</summary>
    public Action Launch { get; private set; } = () => { };

    /// <summary>The same operation for NVIDIA's libraries; null if they have none, or cannot be used, which <paramref name="messages"/> then says.</summary>
    /// <param name="op">The operation, as <see cref="OpTable"/> names it.</param>
    /// <param name="settings">Its sizes and settings.</param>
    /// <param name="backend">A CUDA device.</param>
    /// <param name="messages">Gets a line if a library is missing or fails.</param>
    /// <exception cref="EngineException">The results differ.</exception>
    public static CudaPeer? Open(string op, OpSettings settings, GpuBackend backend, TextWriter messages)
    {
        if (backend.Gpu.Accelerator is not CudaAccelerator accelerator) return null;
        try
        {
            if (op == OpSpec.NameOf<DenseOp>()) return OfDense(DenseShape.From(settings), backend, accelerator);
            return op == OpSpec.NameOf<RealFftOp>() ? OfTransform(RealFftShape.From(settings), backend, accelerator) : null;
        }
        catch (Exception failure) when (failure is DllNotFoundException or NotSupportedException or CuBlasException or CuFFTException)
        {
            // Only the first line: a missing library's message goes on with all the places where it was looked for.
            messages.WriteLine($"bench: {op} is not compared with NVIDIA's library, which comes with CUDA's toolkit: {failure.Message.Split('\n')[0].Trim()}");
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
    }

    private static CudaPeer OfDense(DenseShape shape, GpuBackend backend, CudaAccelerator accelerator)
    {
        CuBlas library = new(accelerator);
        CudaPeer peer = new("cuBLAS") { _owned = { library } };
        View x = peer.Fill(backend, shape.N * shape.In), w = peer.Fill(backend, shape.In * shape.Out);
        View y = peer.Fill(backend, shape.N * shape.Out), expected = peer.Fill(backend, shape.N * shape.Out);

        // cuBLAS has columns run through memory: what it takes for w, x and y are their transposes.
        peer.Launch = () => library.Gemm(
            CuBlasOperation.NonTranspose, CuBlasOperation.NonTranspose, shape.Out, shape.N, shape.In, 1, backend.Gpu.At(w), shape.Out, backend.Gpu.At(x),
            shape.In, 0, backend.Gpu.At(y), shape.Out);
        backend.Run(new DenseOp(shape, x, w, null, Activation.None, expected));
        return peer.Checked(backend, expected, y);
    }

    private static CudaPeer OfTransform(RealFftShape shape, GpuBackend backend, CudaAccelerator accelerator)
    {
        int bins = shape.Size / 2 + 1;
        RealFftShape whole = new(shape.Frames, shape.Size, shape.Hop, bins);
        CuFFT library = new();
        CuFFTException.ThrowIfFailed(library.PlanMany(
            out CuFFTPlan? made, 1, [shape.Size], [shape.Size], 1, shape.Hop, [bins], 1, bins, CuFFTType.CUFFT_R2C, shape.Frames));
        CuFFTPlan plan = made!;
        CudaPeer peer = new("cuFFT") { _owned = { plan } };
        plan.SetStream((CudaStream)accelerator.DefaultStream);
        View x = peer.Fill(backend, (shape.Frames - 1) * shape.Hop + shape.Size), window = peer.Fill(backend, shape.Size);
        View y = peer.Fill(backend, 2 * shape.Frames * bins), expected = peer.Fill(backend, 2 * shape.Frames * bins);
        peer.Launch = () => CuFFTException.ThrowIfFailed(plan.ExecR2C(backend.Gpu.At(x), backend.Gpu.At(y).Cast<Float2>()));
        backend.Run(new FillOp(1, window));
        backend.Run(new RealFftOp(whole, x, window, expected));
        return peer.Checked(backend, expected, y);
    }

    private View Fill(GpuBackend backend, int length)
    {
        DeviceBuffer buffer = backend.Allocate(length);
        _owned.Add(buffer);
        Random random = new(length);
        backend.Upload([.. Enumerable.Range(0, length).Select(_ => 2 * random.NextSingle() - 1)], buffer.All);
        return buffer.All;
    }

    private CudaPeer Checked(GpuBackend backend, View expected, View actual)
    {
        Launch();
        float[] ours = new float[expected.Length], theirs = new float[actual.Length];
        backend.Download(expected, ours);
        backend.Download(actual, theirs);
        Report.Check.Close(theirs, ours, Report.Check.KernelTolerance, $"against {Name}'s");
        return this;
    }
}
