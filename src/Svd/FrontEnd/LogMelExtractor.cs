using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// Samples to log-mel frames, on a backend: symmetric Hann window, magnitude of the Fourier transform, mel filterbank, ln(max(x, 1e-7)).
/// </summary>
public sealed class LogMelExtractor : IDisposable
{
    private readonly IBackend _backend;
    private readonly Tensor _window;
    private readonly Tensor _filterbank;
    private readonly InferencePlan _plan = new();

    /// <summary>Prepares the window and the filterbank.</summary>
    public LogMelExtractor(IBackend backend)
    {
        _backend = backend;
        _window = Tensor.From(backend, new Shape(FrameLength), Window());
        _filterbank = Tensor.From(backend, new Shape(Bins, Bands), Array.ConvertAll(MelFilterbank.Weights(), weight => (float)weight));
    }

    /// <summary>The symmetric Hann window of 1024 samples, 0 at both ends.</summary>
    internal static float[] Window() =>
        [.. Enumerable.Range(0, FrameLength).Select(i => (float)(0.5 - 0.5 * Math.Cos(2 * Math.PI * i / (FrameLength - 1))))];

    /// <summary>
    /// The frames of (frames − 1)·315 + 1024 samples (mono, 22 050 Hz): frames×80, not normalised. The caller owns the result.
    /// </summary>
    public Tensor Transform(ReadOnlySpan<float> samples)
    {
        using InferencePlan.Run run = _plan.Begin();
        using Tensor magnitude = Magnitudes(samples, Bins);
        using Tensor mel = magnitude.Dense(_filterbank, sparse: true);
        return mel.LogFloor(MagnitudeFloor);
    }

    /// <summary>Transforms silence, once: the kernels are then compiled when the first samples come.</summary>
    internal static void WarmUp(IBackend backend)
    {
        using LogMelExtractor extractor = new(backend);
        extractor.Transform(new float[FrameLength]).Dispose();
    }

    /// <summary>
    /// The magnitude spectra of the same frames, the lowest <paramref name="bins"/> of 513 frequencies: frames×bins. The caller owns the result.
    /// </summary>
    internal Tensor Magnitudes(ReadOnlySpan<float> samples, int bins)
    {
        int frames = (int)FrameCount(samples.Length);
        ReadOnlySpan<float> used = samples[..((frames - 1) * Hop + FrameLength)];
        using Tensor signal = Tensor.From(_backend, new Shape(used.Length), used);
        using Tensor spectrum = signal.RealFft(_window, frames, Hop, bins);
        return spectrum.Magnitude();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _window.Dispose();
        _filterbank.Dispose();
    }
}
