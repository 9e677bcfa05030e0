using System.Buffers;
using System.Numerics.Tensors;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>A recording in an excerpt.</summary>
/// <param name="Song">The recording.</param>
/// <param name="LabelFrame">The frame in the middle of the excerpt.</param>
/// <param name="Change">The random change.</param>
/// <param name="Decibels">The gain in dB.</param>
public readonly record struct ExcerptLayer(MagnitudeSpectrogram Song, int LabelFrame, Augmentation.Change Change, double Decibels = 0);

/// <summary>
/// Makes normalised log-mel excerpts, changed or not, from magnitude spectrograms S (frames × 513):
/// <code>y[r, b] = (ln max(Σₖ W[k, b] · S(c + (r − 57) / stretch, k / shift), 1e-7) + ln Σₖ W[k, b] · 10^(gain(k) / 20) − mean[b]) / std[b]</code>
/// where S is interpolated linearly between frames and frequencies and is zero outside the song and above half the sample rate, c is the frame whose label
/// the excerpt has, W is the mel filterbank, and gain is the filter. It is thread-safe.
/// </summary>
/// <remarks>
/// Resampling and the filterbank are both linear, so their order does not matter. The shift becomes part of the filterbank, which stays sparse, and the
/// stretch mixes frames of 80 bands instead of 513 frequencies. This takes a few percent of the work of resampling the spectrogram.
/// </remarks>
public sealed class ExcerptMaker
{
    private static readonly double[] _weights = MelFilterbank.Weights();

    // The range of each filter's nonzero weights.
    private static readonly (int First, int End)[] _support = [.. Enumerable.Range(0, Bands).Select(SupportOf)];

    private readonly float[] _mean;
    private readonly float[] _inverseStd;

    /// <summary>Prepares for excerpts that are normalised with these statistics.</summary>
    public ExcerptMaker(BandStatistics statistics)
    {
        _mean = [.. statistics.Mean.Select(mean => (float)mean)];
        _inverseStd = [.. statistics.Std.Select(std => (float)(1 / std))];
    }

    /// <summary>Writes one excerpt, 115×80.</summary>
    /// <param name="song">The song.</param>
    /// <param name="labelFrame">The frame in the middle of the excerpt.</param>
    /// <param name="change">The random change.</param>
    /// <param name="destination">115·80 values in C order.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Make(MagnitudeSpectrogram song, int labelFrame, in Augmentation.Change change, Span<float> destination) =>
        Make(new ExcerptLayer(song, labelFrame, change), null, destination);

    /// <summary>
    /// Writes one excerpt, 115×80, of two recordings that sound together, or of one. Both are changed first, each by itself. Then their powers in each band
    /// and frame are added, as those of sounds that have nothing to do with each other add up on average.
    /// </summary>
    /// <param name="first">The first layer.</param>
    /// <param name="second">The second layer; null for none.</param>
    /// <param name="destination">115·80 values in C order.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Make(in ExcerptLayer first, in ExcerptLayer? second, Span<float> destination)
    {
        if (destination.Length != ExcerptLength) throw new ArgumentException($"an excerpt has {ExcerptLength} values, not {destination.Length}");
        Bank(first, destination);
        Span<float> gains = stackalloc float[Bands];
        LogGains(first, gains);
        if (second is { } layer)
        {
            // Relative to the first layer, whose gains are added after the logarithm.
            float[] rented = ArrayPool<float>.Shared.Rent(ExcerptLength);
            Span<float> other = rented.AsSpan(0, ExcerptLength), relative = stackalloc float[Bands];
            Bank(layer, other);
            LogGains(layer, relative);
            TensorPrimitives.Subtract(relative, gains, relative);
            TensorPrimitives.Exp(relative, relative);
            for (int row = 0; row < ExcerptFrames; row++)
            {
                Span<float> values = other.Slice(row * Bands, Bands);
                TensorPrimitives.Multiply(values, relative, values);
            }

            TensorPrimitives.Hypot(destination, other, destination);
            ArrayPool<float>.Shared.Return(rented);
        }

        TensorPrimitives.Max(destination, MagnitudeFloor, destination);
        TensorPrimitives.Log(destination, destination);
        for (int band = 0; band < Bands; band++) gains[band] = (gains[band] - _mean[band]) * _inverseStd[band];
        for (int row = 0; row < ExcerptFrames; row++)
        {
            Span<float> values = destination.Slice(row * Bands, Bands);
            TensorPrimitives.MultiplyAdd(values, _inverseStd, gains, values);
        }
    }

    /// <summary>Writes the filterbank's output for a layer, stretched and shifted, 115×80.</summary>
    private static void Bank(in ExcerptLayer layer, Span<float> destination)
    {
        double step = 1 / layer.Change.Stretch;
        int before = (int)Math.Ceiling(ContextFrames * step), frames = 2 * before + 1;
        float[] mel = ArrayPool<float>.Shared.Rent(frames * Bands);
        MelFrames(layer.Song, layer.LabelFrame - before, layer.Change.Shift, mel.AsSpan(0, frames * Bands));
        for (int row = 0; row < ExcerptFrames; row++)
        {
            // The last position may be the last frame, which has no successor.
            double position = before + (row - ContextFrames) * step;
            int earlier = Math.Min((int)position, frames - 2);
            ReadOnlySpan<float> pair = mel.AsSpan(earlier * Bands, 2 * Bands);
            TensorPrimitives.Lerp(pair[..Bands], pair[Bands..], (float)(position - earlier), destination.Slice(row * Bands, Bands));
        }

        ArrayPool<float>.Shared.Return(mel);
    }

    private static void LogGains(in ExcerptLayer layer, Span<float> gains)
    {
        double level = layer.Decibels * Math.Log(10) / 20;
        for (int band = 0; band < Bands; band++) gains[band] = (float)(level + LogGain(band, layer.Change));
    }

    /// <summary>Fills the destination with frames of a song from the filterbank, whose frequencies are divided by the shift.</summary>
    private static void MelFrames(MagnitudeSpectrogram song, int firstFrame, double shift, Span<float> destination)
    {
        Span<(int First, int Length, int Offset)> filters = stackalloc (int, int, int)[Bands];
        int total = 0, usedBins = 0;
        for (int band = 0; band < Bands; band++)
        {
            // A frequency between two bins uses both; a frequency above the spectrum uses none.
            int first = Math.Min((int)(_support[band].First / shift), SpectrumBins), end = Math.Min((int)((_support[band].End - 1) / shift) + 2, SpectrumBins);
            filters[band] = (first, end - first, total);
            total += end - first;
            usedBins = Math.Max(usedBins, end);
        }

        float[] rented = ArrayPool<float>.Shared.Rent(total);
        Span<float> weights = rented.AsSpan(0, total), magnitudes = stackalloc float[SpectrumBins];
        weights.Clear();
        for (int band = 0; band < Bands; band++)
        {
            Span<float> filter = weights.Slice(filters[band].Offset, filters[band].Length);
            for (int bin = _support[band].First; bin < _support[band].End; bin++)
            {
                double position = bin / shift, weight = _weights[bin * Bands + band];
                if (position > SpectrumBins - 1) break;
                int lower = (int)position - filters[band].First;
                double fraction = position - (int)position;
                filter[lower] += (float)(weight * (1 - fraction));
                if (fraction > 0) filter[lower + 1] += (float)(weight * fraction);
            }
        }

        magnitudes = magnitudes[..usedBins];
        for (int frame = firstFrame; !destination.IsEmpty; frame++, destination = destination[Bands..])
        {
            if (frame < 0 || frame >= song.Frames)
            {
                destination[..Bands].Clear();
                continue;
            }

            TensorPrimitives.ConvertToSingle(song.Frame(frame)[..usedBins], magnitudes);
            for (int band = 0; band < Bands; band++)
            {
                (int first, int length, int offset) = filters[band];
                destination[band] = length == 0 ? 0 : TensorPrimitives.Dot(magnitudes.Slice(first, length), weights.Slice(offset, length));
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>The filter's contribution to a band's logarithm.</summary>
    private static double LogGain(int band, in Augmentation.Change change)
    {
        if (change.Decibels == 0) return 0;
        double width = change.CentreHz * (Math.Pow(2, change.Semitones / 12) - 1), gain = 0;
        for (int bin = _support[band].First; bin < _support[band].End; bin++)
        {
            double distance = (bin * ((double)SampleRate / FrameLength) - change.CentreHz) / width;
            gain += _weights[bin * Bands + band] * Math.Pow(10, change.Decibels * Math.Exp(-0.5 * distance * distance) / 20);
        }

        return Math.Log(gain);
    }

    private static (int First, int End) SupportOf(int band)
    {
        int first = 0, end = Bins;
        while (_weights[first * Bands + band] == 0) first++;
        while (_weights[(end - 1) * Bands + band] == 0) end--;
        return (first, end);
    }
}
