using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Data;

public class AugmentationTests
{
    // Half precision rounds a magnitude by 2⁻¹¹ of it, which the logarithm makes a difference of 5e-4; the smallest std of the statistics below is 0.5.
    private const double HalfTolerance = 1.1e-3;

    // Float32 sums of up to forty terms against float64, after the logarithm.
    private const double Tolerance = 2e-5;

    private static readonly Augmentation.Change _unchanged = new(1, 1, 0, 1000, 6);
    private static readonly BandStatistics _statistics =
        new([.. Enumerable.Range(0, Bands).Select(band => -2 + 0.01 * band)], [.. Enumerable.Range(0, Bands).Select(band => 0.5 + 0.02 * band)]);

    [Fact]
    public void WithoutChangesItIsTheFrontEnd()
    {
        string path = Path.Combine(ReferenceData.Repository, "samples", "sample.wav");
        using IBackend backend = Backends.CreateCpu(1);
        using LogMelExtractor extractor = new(backend);
        using Tensor logMel = extractor.Transform(Samples.Of(path));
        float[] expected = logMel.ToArray();
        MagnitudeSpectrogram song = MagnitudeSpectrogram.Compute(extractor, path);
        Assert.Equal(expected.Length / Bands, song.Frames);
        foreach (int start in (int[])[0, 200, song.Frames - ExcerptFrames])
        {
            double[] normalized = [.. Enumerable.Range(0, ExcerptLength).Select(i =>
                (expected[start * Bands + i] - _statistics.Mean[i % Bands]) / _statistics.Std[i % Bands])];
            Golden.AssertAbsolute(normalized, Make(song, start + ContextFrames, _unchanged), HalfTolerance, $"excerpt at {start}");
        }
    }

    [Theory]
    [InlineData(1, 1, 0, 1000, 6)]
    [InlineData(0.7, 1, 0, 1000, 6)]
    [InlineData(1.3, 1, 0, 1000, 6)]
    [InlineData(1, 0.7, 0, 1000, 6)]
    [InlineData(1, 1.3, 0, 1000, 6)]
    [InlineData(1, 1, 10, 150, 5)]
    [InlineData(1, 1, -10, 8000, 7)]
    [InlineData(0.8123, 1.2345, 7.5, 2345, 5.5)]
    [InlineData(1.2999, 0.7001, -3, 440, 6.6)]
    [InlineData(0.2, 3, 0, 1000, 6)]
    [InlineData(4, 0.3, 0, 1000, 6)]
    public void ChangesAreAsDefined(double stretch, double shift, double decibels, double centre, double semitones)
    {
        Augmentation.Change change = new(stretch, shift, decibels, centre, semitones);
        float[] magnitudes = Noise(300);
        MagnitudeSpectrogram song = MagnitudeSpectrogram.From(magnitudes);
        foreach (int frame in (int[])[150, 3, 299])
        {
            Golden.AssertAbsolute(Definition(magnitudes, frame, change), Make(song, frame, change), Tolerance, $"{change} at {frame}");
        }
    }

    [Fact]
    public void ALouderEventIsLongerAndHigher()
    {
        // One click at the labelled frame + 20 and one tone in bin 100: stretched by 1.25 the click is at + 25, shifted by 1.2 the tone in bin 120.
        float[] magnitudes = new float[200 * SpectrumBins];
        for (int bin = 0; bin < SpectrumBins; bin++) magnitudes[120 * SpectrumBins + bin] = 1;
        for (int frame = 0; frame < 200; frame++) magnitudes[frame * SpectrumBins + 100] = 10;
        float[] excerpt = Make(MagnitudeSpectrogram.From(magnitudes), 100, new(1.25, 1.2, 0, 1000, 6));

        int Loudest(Func<int, int> index, int count) => Enumerable.Range(0, count).MaxBy(i =>
            excerpt[index(i)] * _statistics.Std[index(i) % Bands] + _statistics.Mean[index(i) % Bands]);
        Assert.Equal(ContextFrames + 25, Loudest(row => row * Bands + 5, ExcerptFrames));
        double hz = 120 * (double)SampleRate / FrameLength;
        Assert.Equal(hz, MelFilterbank.CornersHz[Loudest(band => band, Bands) + 1], 100.0);
    }

    [Fact]
    public void DrawsStayInsideTheirLimitsAndFillThem()
    {
        RandomSource random = new(1);
        Augmentation.Change[] draws = [.. Enumerable.Range(0, 2000).Select(_ => new Augmentation().Draw(random))];
        Covers(draws.Select(draw => draw.Stretch), 0.7, 1.3);
        Covers(draws.Select(draw => draw.Shift), 0.7, 1.3);
        Covers(draws.Select(draw => draw.Decibels), -10, 10);
        Covers(draws.Select(draw => Math.Log(draw.CentreHz)), Math.Log(150), Math.Log(8000));
        Covers(draws.Select(draw => draw.Semitones), 5, 7);
        Augmentation.Change none = Augmentation.None.Draw(random);
        Assert.Equal((1, 1, 0), (none.Stretch, none.Shift, none.Decibels));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Augmentation(MaxStretch: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Augmentation(MaxShift: -0.1));

        static void Covers(IEnumerable<double> values, double low, double high)
        {
            double margin = (high - low) / 100;
            Assert.InRange(values.Min(), low, low + margin);
            Assert.InRange(values.Max(), high - margin, high);
            Assert.Equal((low + high) / 2, values.Average(), 3 * margin);
        }
    }

    [Fact]
    public void ABatchDependsOnSeedAndNumberAlone()
    {
        TrainingSong[] songs = [.. new[] { 200, 90, 400 }.Select(frames =>
            new TrainingSong(MagnitudeSpectrogram.From(Noise(frames)), [.. Enumerable.Range(0, frames).Select(i => (float)(i % 2))]))];
        TrainingExcerpts excerpts = new(songs, _statistics, new Augmentation(), seed: 5);
        ExcerptBatch third = Batch(excerpts, 3);
        Batch(excerpts, 4);
        ExcerptBatch again = Batch(new TrainingExcerpts(songs, _statistics, new Augmentation(), seed: 5), 3);
        Assert.Equal(third.Inputs, again.Inputs);
        Assert.Equal(third.Labels, again.Labels);
        Assert.Contains(1f, third.Labels);
        Assert.Contains(0f, third.Labels);
        Assert.NotEqual(third.Inputs, Batch(excerpts, 4).Inputs);
        Assert.NotEqual(third.Inputs, Batch(new TrainingExcerpts(songs, _statistics, new Augmentation(), seed: 6), 3).Inputs);

        // The same excerpts whatever is done to them.
        Assert.Equal(third.Labels, Batch(new TrainingExcerpts(songs, _statistics, Augmentation.None, seed: 5), 3).Labels);
        Assert.Throws<ArgumentException>(() => new TrainingExcerpts([songs[0] with { Labels = [1] }], _statistics, Augmentation.None, 1));

        static ExcerptBatch Batch(TrainingExcerpts excerpts, long number)
        {
            ExcerptBatch batch = new(16);
            excerpts.Fill(number, batch);
            return batch;
        }
    }

    [Fact]
    public void ThePipelinesThreadsDoNotChangeABit()
    {
        TrainingSong[] songs = [new(MagnitudeSpectrogram.From(Noise(300)), new float[300])];
        TrainingExcerpts excerpts = new(songs, _statistics, new Augmentation(), seed: 5);
        Assert.Equal(Inputs(1), Inputs(4));

        float[] Inputs(int threads)
        {
            using BatchPipeline<ExcerptBatch> pipeline = new(() => new ExcerptBatch(4), excerpts.Fill, first: 7, threads);
            return [.. Enumerable.Range(0, 20).SelectMany(_ => (float[])pipeline.Next().Inputs.Clone())];
        }
    }

    [Fact]
    public void MagnitudesBeyondHalfPrecisionAreItsLargest()
    {
        float[] magnitudes = new float[SpectrumBins];
        magnitudes[3] = 1e9f;
        Assert.Equal(Half.MaxValue, MagnitudeSpectrogram.From(magnitudes).Frame(0)[3]);
        Assert.Throws<ArgumentException>(() => MagnitudeSpectrogram.From(magnitudes.AsSpan(1)));
    }

    private static float[] Make(MagnitudeSpectrogram song, int frame, Augmentation.Change change)
    {
        float[] excerpt = new float[ExcerptLength];
        new ExcerptMaker(_statistics).Make(song, frame, change, excerpt);
        return excerpt;
    }

    // Magnitudes that half precision holds exactly.
    private static float[] Noise(int frames)
    {
        Random random = new(frames);
        return [.. Enumerable.Range(0, frames * SpectrumBins).Select(_ => (float)(Half)Math.Exp(random.NextDouble() * 8 - 5))];
    }

    private static double[] Definition(float[] magnitudes, int labelFrame, Augmentation.Change change)
    {
        double[] weights = MelFilterbank.Weights(), excerpt = new double[ExcerptLength];
        double width = change.CentreHz * (Math.Pow(2, change.Semitones / 12) - 1);
        for (int row = 0; row < ExcerptFrames; row++)
        {
            double[] resampled =
                [.. Enumerable.Range(0, Bins).Select(bin => At(labelFrame + (row - ContextFrames) / change.Stretch, bin / change.Shift))];
            for (int band = 0; band < Bands; band++)
            {
                double sum = 0, gain = 0;
                for (int bin = 0; bin < Bins; bin++)
                {
                    double distance = (bin * (SampleRate / (double)FrameLength) - change.CentreHz) / width;
                    double decibels = change.Decibels * Math.Exp(-distance * distance / 2), weight = weights[bin * Bands + band];
                    sum += weight * resampled[bin];
                    gain += weight * Math.Pow(10, decibels / 20);
                }

                double logarithm = Math.Log(Math.Max(sum, MagnitudeFloor)) + Math.Log(gain);
                excerpt[row * Bands + band] = (logarithm - _statistics.Mean[band]) / _statistics.Std[band];
            }
        }

        return excerpt;

        double At(double frame, double bin)
        {
            int f = (int)Math.Floor(frame), k = (int)Math.Floor(bin);
            if (bin > SpectrumBins - 1) return 0;
            double u = frame - f, v = bin - k;
            return (1 - u) * ((1 - v) * Value(f, k) + v * Value(f, k + 1)) + u * ((1 - v) * Value(f + 1, k) + v * Value(f + 1, k + 1));
        }

        double Value(int frame, int bin) =>
            frame < 0 || frame >= magnitudes.Length / SpectrumBins || bin >= SpectrumBins ? 0 : magnitudes[frame * SpectrumBins + bin];
    }
}
