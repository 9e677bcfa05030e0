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
    private static readonly double[] _filters = MelFilterbank.Weights();
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
        TrainingExcerpts excerpts = new(songs, [], _statistics, new Augmentation(), seed: 5);
        ExcerptBatch third = Batch(excerpts, 3);
        Batch(excerpts, 4);
        ExcerptBatch again = Batch(new TrainingExcerpts(songs, [], _statistics, new Augmentation(), seed: 5), 3);
        Assert.Equal(third.Inputs, again.Inputs);
        Assert.Equal(third.Labels, again.Labels);
        Assert.Contains(1f, third.Labels);
        Assert.Contains(0f, third.Labels);
        Assert.NotEqual(third.Inputs, Batch(excerpts, 4).Inputs);
        Assert.NotEqual(third.Inputs, Batch(new TrainingExcerpts(songs, [], _statistics, new Augmentation(), seed: 6), 3).Inputs);

        // The same excerpts whatever is done to them.
        Assert.Equal(third.Labels, Batch(new TrainingExcerpts(songs, [], _statistics, Augmentation.None, seed: 5), 3).Labels);
        Assert.Throws<ArgumentException>(() => new TrainingSong(songs[0].Spectrogram, [1]));
    }

    [Fact]
    public void ThePowersOfTwoLayersAddUp()
    {
        Augmentation.Change change = new(0.9, 1.1, 6, 900, 5.5), other = new(1.2, 0.8, -4, 3000, 6.5);
        float[] magnitudes = Noise(300), others = Noise(280);
        float[] excerpt = new float[ExcerptLength];
        new ExcerptMaker(_statistics).Make(
            new ExcerptLayer(MagnitudeSpectrogram.From(magnitudes), 150, change, 3),
            new ExcerptLayer(MagnitudeSpectrogram.From(others), 120, other, -7), excerpt);

        double[] first = Definition(magnitudes, 150, change), second = Definition(others, 120, other), expected = new double[ExcerptLength];
        for (int i = 0; i < ExcerptLength; i++)
        {
            int band = i % Bands;
            double a = LogMel(first[i], band) + 3 * Math.Log(10) / 20, b = LogMel(second[i], band) - 7 * Math.Log(10) / 20;
            expected[i] = (0.5 * Math.Log(Math.Exp(2 * a) + Math.Exp(2 * b)) - _statistics.Mean[band]) / _statistics.Std[band];
        }

        Golden.AssertAbsolute(expected, excerpt, Tolerance, "two layers");

        static double LogMel(double normalised, int band) => normalised * _statistics.Std[band] + _statistics.Mean[band];
    }

    [Fact]
    public void SoloSingingIsMixedWithMusicAndSongs()
    {
        // Each kind sounds in a band of its own: songs in bin 60, music in 120, solo singing in 240.
        TrainingSong song = Tone(60, sung: 200), music = Tone(120, sung: 0), solo = Tone(240, sung: 400);
        TrainingExcerpts excerpts = new([song, music], [solo], _statistics, Augmentation.None, seed: 1);
        (int Sung, int All) songs = (0, 0), pieces = (0, 0), songsWithVoice = (0, 0), piecesWithVoice = (0, 0);
        int songsWithMusic = 0;
        for (int number = 0; number < 40; number++)
        {
            ExcerptBatch batch = Batch(excerpts, number);
            for (int i = 0; i < 16; i++)
            {
                (bool hasSong, bool hasMusic, bool hasVoice) = (Has(batch, i, 60), Has(batch, i, 120), Has(batch, i, 240));
                Assert.Equal(i < 10, hasSong); // 0.6 of 16, rounded
                Assert.True(hasSong || hasMusic);
                if (hasVoice) Assert.Equal(1, batch.Labels[i]);
                else if (!hasSong) Assert.Equal(0, batch.Labels[i]);
                if (hasSong && hasMusic) songsWithMusic++;
                Count(ref hasSong ? ref songs : ref pieces, batch.Labels[i]);
                if (hasVoice) Count(ref hasSong ? ref songsWithVoice : ref piecesWithVoice, batch.Labels[i]);
            }
        }

        Assert.Equal(TrainingExcerpts.MusicShare, (double)songsWithMusic / songs.All, 0.07);
        Assert.Equal(TrainingExcerpts.VoiceShare, (double)songsWithVoice.All / songs.All, 0.05);
        Assert.Equal(0.5, (double)piecesWithVoice.All / pieces.All, 0.1);
        Assert.Equal(0.5 + 0.5 * TrainingExcerpts.VoiceShare, (double)songs.Sung / songs.All, 0.07);

        Failure.Says(() => Batch(new TrainingExcerpts([song], [solo], _statistics, Augmentation.None, seed: 1), 0), "filelists/solo", "nobody sings");
        Failure.Says(() => Batch(new TrainingExcerpts([music], [solo], _statistics, Augmentation.None, seed: 1), 0), "filelists/solo", "somebody sings");
        Failure.Says(() => Batch(new TrainingExcerpts([song, music], [music], _statistics, Augmentation.None, seed: 1), 0), "filelists/solo", "sung frames");

        static TrainingSong Tone(int bin, int sung)
        {
            float[] magnitudes = new float[400 * SpectrumBins];
            for (int frame = 0; frame < 400; frame++) magnitudes[frame * SpectrumBins + bin] = 1;
            return new TrainingSong(MagnitudeSpectrogram.From(magnitudes), [.. Enumerable.Range(0, 400).Select(i => i < sung ? 1f : 0)]);
        }

        static bool Has(ExcerptBatch batch, int i, int bin)
        {
            int band = Enumerable.Range(0, Bands).MaxBy(band => _filters[bin * Bands + band]);
            float value = batch.Inputs[i * ExcerptLength + ContextFrames * Bands + band];
            return value * _statistics.Std[band] + _statistics.Mean[band] > Math.Log(MagnitudeFloor) + 1;
        }

        static void Count(ref (int Sung, int All) counts, float label) => counts = (counts.Sung + (int)label, counts.All + 1);
    }

    private static ExcerptBatch Batch(TrainingExcerpts excerpts, long number)
    {
        ExcerptBatch batch = new(16);
        excerpts.Fill(number, batch);
        return batch;
    }

    [Fact]
    public void ThePipelinesThreadsDoNotChangeABit()
    {
        TrainingSong[] songs = [new(MagnitudeSpectrogram.From(Noise(300)), new float[300])];
        TrainingExcerpts excerpts = new(songs, [], _statistics, new Augmentation(), seed: 5);
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
        double[] excerpt = new double[ExcerptLength];
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
                    double decibels = change.Decibels * Math.Exp(-distance * distance / 2), weight = _filters[bin * Bands + band];
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
