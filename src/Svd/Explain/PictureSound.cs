using Engine.Nn;
using Engine.Svd.FrontEnd;
using NWaves.Transforms;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>
/// The sound of a picture: of a normalised log-mel excerpt that no recording belongs to. Each band's magnitude is spread over its frequencies
/// (<see cref="BinMask"/>), and phases that fit are found by the method of Griffin and Lim (IEEE Trans. ASSP 1984) from random ones.
/// </summary>
internal static class PictureSound
{
    private const int Iterations = 60;
    private const float Peak = 0.5f;

    /// <summary>The samples, as many as an excerpt has; the loudest is ±0.5.</summary>
    public static float[] Of(ReadOnlySpan<float> excerpt, BandStatistics statistics, RandomSource random)
    {
        double[][] magnitudes = MagnitudesOf(excerpt, statistics);
        double[][] re = [.. magnitudes.Select(frame => new double[SpectrumBins])], im = [.. magnitudes.Select(frame => new double[SpectrumBins])];
        for (int frame = 0; frame < ExcerptFrames; frame++)
        for (int bin = 0; bin < SpectrumBins; bin++)
        {
            double phase = 2 * Math.PI * random.NextDouble();
            (re[frame][bin], im[frame][bin]) = (Math.Cos(phase), Math.Sin(phase));
        }

        RealFft64 fft = new(FrameLength);
        OverlapAdd sum = new(ExcerptFrames);
        float[] samples = new float[ExcerptSamples];
        double[] frameSamples = new double[FrameLength];
        for (int iteration = 0; iteration <= Iterations; iteration++)
        {
            // The spectra keep their phases and get the wanted magnitudes. Frames that overlap make a sound, whose phases are the next.
            sum.Clear();
            for (int frame = 0; frame < ExcerptFrames; frame++)
            {
                for (int bin = 0; bin < SpectrumBins; bin++)
                {
                    double length = Math.Sqrt(re[frame][bin] * re[frame][bin] + im[frame][bin] * im[frame][bin]);
                    double gain = length > 0 ? magnitudes[frame][bin] / length : 0;
                    re[frame][bin] *= gain;
                    im[frame][bin] *= gain;
                }

                fft.InverseNorm(re[frame], im[frame], frameSamples);
                sum.Add(frame, frameSamples);
            }

            for (int i = 0; i < samples.Length; i++) samples[i] = (float)sum[i];
            for (int frame = 0; frame < ExcerptFrames; frame++)
            {
                OverlapAdd.Cut(samples, frame, frameSamples);
                fft.Direct(frameSamples, re[frame], im[frame]);
            }
        }

        float scale = Peak / Math.Max(samples.Max(Math.Abs), float.Epsilon);
        return Array.ConvertAll(samples, sample => scale * sample);
    }

    // 115 spectra of 513 magnitudes; nothing where the filterbank hears nothing.
    private static double[][] MagnitudesOf(ReadOnlySpan<float> excerpt, BandStatistics statistics)
    {
        double[][] magnitudes = new double[ExcerptFrames][];
        float[] bands = new float[Bands];
        for (int frame = 0; frame < ExcerptFrames; frame++)
        {
            for (int band = 0; band < Bands; band++)
                bands[band] = (float)Math.Exp(excerpt[frame * Bands + band] * statistics.Std[band] + statistics.Mean[band]);
            magnitudes[frame] = new double[SpectrumBins];
            BinMask.Spread(bands, magnitudes[frame]);
            magnitudes[frame][0] = 0;
            magnitudes[frame].AsSpan(Bins).Clear();
        }

        return magnitudes;
    }
}
