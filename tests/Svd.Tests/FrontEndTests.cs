using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests;

public class FrontEndTests
{
    // The filterbank is float32 in the file: ours, rounded the same, must be equal but for the last digits of a double.
    private const double FilterbankTolerance = 1e-12;

    // A float32 transform: about 2e-7 of a frame's largest bin, seen through the logarithm of its small bands.
    private const double LogMelTolerance = 2e-5;

    // Versions of ffmpeg and of its decoders differ in the last bits of a sample.
    private const double DecodedLogMelTolerance = 1e-3;

    public static TheoryData<string> Devices => Golden.Devices;

    [ReferenceFact]
    public void FilterbankIsThePublishedOne() =>
        Golden.AssertAbsolute(
            Golden.Read("frontend_golden.npz", "filterbank"), Array.ConvertAll(MelFilterbank.Weights(), weight => (float)weight),
            FilterbankTolerance, "filterbank");

    [Fact]
    public void EveryFilterSumsToOne()
    {
        double[] weights = MelFilterbank.Weights();
        for (int band = 0; band < FrontEndSettings.Bands; band++)
        {
            double sum = 0;
            for (int bin = 0; bin < FrontEndSettings.Bins; bin++) sum += weights[bin * FrontEndSettings.Bands + band];
            Assert.Equal(1, sum, 1e-12);
        }
    }

    [ReferenceTheory]
    [MemberData(nameof(Devices))]
    public void ClipLogMel(string device)
    {
        using IBackend backend = Golden.Create(device);
        Golden.AssertAbsolute(
            Golden.Read("frontend_golden.npz", "clip_logmel"), LogMelOf(backend, ReferenceData.PathOf("reference/clip.wav")),
            LogMelTolerance, "clip_logmel");
    }

    [FfmpegReferenceFact]
    public void SongLogMel()
    {
        using IBackend backend = Backends.CreateCpu();
        float[] song = LogMelOf(backend, ReferenceData.PathOf("music/audio/joshua_morin_on_the_run.ogg"));
        Golden.AssertAbsolute(
            Golden.Read("frontend_golden.npz", "song_logmel"), song.AsSpan(4000 * FrontEndSettings.Bands, 400 * FrontEndSettings.Bands),
            DecodedLogMelTolerance, "song_logmel");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1023, 0)]
    [InlineData(1024, 1)]
    [InlineData(1024 + 314, 1)]
    [InlineData(1024 + 315, 2)]
    [InlineData(FrontEndSettings.ExcerptSamples, 115)]
    public void FramesAreWholeOnes(long samples, long frames) => Assert.Equal(frames, FrontEndSettings.FrameCount(samples));

    private static float[] LogMelOf(IBackend backend, string path)
    {
        using LogMelExtractor extractor = new(backend);
        using AudioStream audio = AudioStream.Open(path);
        LogMelReader reader = new(audio, extractor);
        List<float> frames = [];
        float[] block = new float[LogMelReader.BlockFrames * FrontEndSettings.Bands];
        for (int count; (count = reader.Read(block)) > 0;) frames.AddRange(block.AsSpan(0, count * FrontEndSettings.Bands));
        return [.. frames];
    }
}
