using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>Songs that are brought to a level.</summary>
public sealed class SongLevelTests : IDisposable
{
    // Float32 logarithms of about −7 and their sums with a gain.
    private const double Tolerance = 2e-6;

    private readonly TempFolder _temp = new();
    private readonly IBackend _backend = Backends.CreateCpu(1);

    public void Dispose()
    {
        _backend.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public void TheLevelIsTheMeanPowerOfTheFirstThreeMinutes()
    {
        Random random = new(1);
        float[] logMel = [.. Enumerable.Range(0, (SongLevel.Frames + 500) * Bands).Select(_ => (float)(random.NextDouble() * 8 - 8))];
        double power = logMel.Take(SongLevel.Frames * Bands).Sum(value => Math.Exp(2.0 * value)) / SongLevel.Frames;
        Assert.Equal(10 * Math.Log10(power), SongLevel.Of(logMel), 1e-5);
        Assert.Equal(-12, SongLevel.Of(Amplified(logMel, SongLevel.GainTo(-12, logMel))), 1e-4);
        Assert.Equal(SongLevel.LargestGain, SongLevel.GainTo(1000, logMel));
        Assert.Equal(-SongLevel.LargestGain, SongLevel.GainTo(-1000, logMel));

        // Nothing gets below the front end's floor.
        Assert.Equal(MathF.Log(MagnitudeFloor), Amplified([.. Enumerable.Repeat(MathF.Log(MagnitudeFloor), Bands)], -20)[0]);
    }

    [Fact]
    public void AReaderThatLooksAheadGivesTheWholeSongAtItsLevel()
    {
        // Longer than what is read ahead, so that blocks come from both sides of its end.
        Random random = new(2);
        float[] samples = [.. Enumerable.Range(0, SampleRate * 190).Select(i => (float)(random.NextDouble() - 0.5) * (i < SampleRate * 60 ? 0.1f : 1))];
        string path = _temp.PathOf("noise.wav");
        File.WriteAllBytes(path, WavFile.Encode(samples));
        using LogMelExtractor extractor = new(_backend);
        const double gain = 6;
        float[] logMel = Read(null);
        BandStatistics plain = new([.. Enumerable.Repeat(-3.0, Bands)], [.. Enumerable.Repeat(2.0, Bands)]), levelled = plain.At(SongLevel.Of(logMel) + gain);
        float[] asIs = Read(plain), brought = Read(levelled);
        float[] expected = Amplified(logMel, gain);
        Golden.AssertAbsolute([.. expected.Select(value => (value + 3.0) / 2)], brought, Tolerance, "at the level");
        Golden.AssertAbsolute([.. logMel.Select(value => (value + 3.0) / 2)], asIs, Tolerance, "as it is");
        using BandNormalizer normalizer = levelled.On(_backend);
        Assert.Equal(brought, normalizer.NormalizeSong(logMel));

        float[] Read(BandStatistics? statistics)
        {
            using BandNormalizer? normalizing = statistics?.On(_backend);
            using AudioStream audio = AudioStream.Open(path);
            return new LogMelReader(audio, extractor, normalizing).ReadToEnd(path);
        }
    }

    [Fact]
    public void ALouderSongGetsTheSamePrediction()
    {
        float[] samples = Samples.Of(BundledFiles.Sample);
        string quiet = _temp.PathOf("quiet.wav");
        File.WriteAllBytes(quiet, WavFile.Encode([.. samples.Select(value => value * 0.25f)]));
        using Detector detector = Detector.LoadBundled();
        float[] expected = detector.Predict(BundledFiles.Sample).Probabilities, actual = detector.Predict(quiet).Probabilities;

        // What was below the floor of the front end differs. Without the level, some frames differ by 0.9.
        Golden.AssertAbsolute([.. expected.Select(value => (double)value)], actual, 0.1, "12 dB quieter");
        Assert.InRange(expected.Zip(actual, (loud, soft) => Math.Abs(loud - soft)).Average(), 0, 0.005);
    }

    [Fact]
    public void StatisticsKeepTheLevelAndAreOthersWithIt()
    {
        BandStatistics plain = new(new double[Bands], [.. Enumerable.Repeat(1.0, Bands)]), levelled = plain.At(-11.5);
        string file = _temp.PathOf("levelled.npz"), other = _temp.PathOf("plain.npz");
        levelled.Write(file);
        plain.Write(other);
        Assert.Equal(-11.5, BandStatistics.Read(file).Level);
        Assert.Null(BandStatistics.Read(other).Level);
        Assert.NotEqual(plain.Digest, levelled.Digest);
        NpzFile.Write(file, [.. Arrays(), ("level", new NpyArray([2], [1.0, 2.0]))]);
        Failure.Says(() => BandStatistics.Read(file), "level", "one finite number");
        NpzFile.Write(file, [.. Arrays(), ("level", new NpyArray([1], [double.NaN]))]);
        Failure.Says(() => BandStatistics.Read(file), "level", "one finite number");

        static (string, NpyArray)[] Arrays() =>
            [("mean", new NpyArray([Bands], new double[Bands])), ("std", new NpyArray([Bands], [.. Enumerable.Repeat(1.0, Bands)]))];
    }

    private static float[] Amplified(float[] logMel, double decibels)
    {
        float[] amplified = [.. logMel];
        SongLevel.Amplify(amplified, decibels);
        return amplified;
    }
}
