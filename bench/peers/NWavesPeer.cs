using Engine.Svd.FrontEnd;
using NWaves.FeatureExtractors;
using NWaves.FeatureExtractors.Options;
using NWaves.Windows;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench.Peers;

/// <summary>The log-mel frames as NWaves computes them, on one thread: the same window, hop, filters and logarithm.</summary>
internal sealed class NWavesPeer
{
    private readonly float[] _samples;
    private readonly FilterbankExtractor _extractor;

    /// <summary>Prepares the frames of some samples.</summary>
    public NWavesPeer(float[] samples)
    {
        _samples = samples;
        double[] weights = MelFilterbank.Weights();
        float[][] filters = [.. Enumerable.Range(0, Bands).Select(band => FilterOf(weights, band))];
        _extractor = new FilterbankExtractor(new FilterbankOptions
        {
            SamplingRate = SampleRate, FrameSize = FrameLength, HopSize = Hop, FftSize = FrameLength, FilterBank = filters, Window = WindowType.Hann,
            SpectrumType = SpectrumType.Magnitude, NonLinearity = NonLinearityType.LogE, LogFloor = MagnitudeFloor,
        });
    }

    /// <summary>Its name and version.</summary>
    public static string Version => $"NWaves {typeof(FilterbankExtractor).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>One run: all frames, 80 numbers each.</summary>
    public List<float[]> Run() => _extractor.ComputeFrom(_samples);

    private static float[] FilterOf(double[] weights, int band)
    {
        float[] filter = new float[SpectrumBins];
        for (int bin = 0; bin < Bins; bin++) filter[bin] = (float)weights[bin * Bands + band];
        return filter;
    }
}
