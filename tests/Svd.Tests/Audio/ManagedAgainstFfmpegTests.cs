using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Cli;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tests;
using Xunit.Abstractions;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Audio;

/// <summary>The managed decoders give what ffmpeg gives, as far as the detector can tell.</summary>
public sealed class ManagedAgainstFfmpegTests(ITestOutputHelper output)
{
    // Above 7 kHz the two resamplers roll off.
    private const double HighestHz = 7000;
    private const double LargestRms = 0.02, LargestDifference = 0.2;
    private const double LargestProbabilityDifference = 0.02, ShareOfFrames = 0.99;

    // Frames at either end that may be there in one alone.
    private const int SpareFrames = 1;

    [FfmpegReferenceFact]
    public void EverySongOfTheReference() => Compare(
        ((string[])["music/audio", "songs/audio"]).SelectMany(folder => Directory.GetFiles(ReferenceData.PathOf(folder))).Order(),
        song => AudioStream.Open(song, decoder: Decoder.Ffmpeg),
        HighestHz);

    // All that is above 4 kHz comes of the resampler and decides what the detector says: so it is the same one for both.
    [FfmpegReferenceFact]
    public void SongsAtEightKilohertz()
    {
        using TempFolder temp = new();
        string[] songs = [.. Directory.GetFiles(ReferenceData.PathOf("music/audio")).Order().Take(2)];
        string mono = temp.PathOf("mono.mp3"), stereo = temp.PathOf("stereo.mp3");
        FfmpegTool.Run("-t", "60", "-i", songs[0], "-ar", "8000", "-ac", "1", "-b:a", "32k", mono);
        FfmpegTool.Run("-t", "60", "-i", songs[1], "-ar", "8000", "-q:a", "4", stereo);
        Compare([mono, stereo], Resampled, HighestHz / 2);

        static AudioStream Resampled(string song)
        {
            FfmpegTool.Run("-i", song, "-c:a", "pcm_f32le", $"{song}.wav");
            return AudioStream.Open($"{song}.wav", decoder: Decoder.Managed);
        }
    }

    private void Compare(IEnumerable<string> songs, Func<string, AudioStream> openExpected, double highestHz)
    {
        using IBackend backend = Backends.CreateCpu();
        using Models models = Models.Load(backend, new ModelPaths(BundledFiles.Classifier, BundledFiles.Statistics), force: false);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        SongPredictor predictor = new(backend, models.Detector, models.Statistics);
        int bands = Enumerable.Range(0, Bands).Count(band => MelFilterbank.CornersHz[band + 2] <= highestHz);
        List<string> failures = [];
        output.WriteLine("song                                                      frames     rms     max  frames within 0.02");
        foreach (string song in songs)
        {
            (float[] managed, float[] managedFrames) = Decode(AudioStream.Open(song, decoder: Decoder.Managed));
            (float[] ffmpeg, float[] ffmpegFrames) = Decode(openExpected(song));
            Comparison found = Compare(managed, ffmpeg, bands);
            float[] managedP = predictor.Predict(managedFrames), ffmpegP = predictor.Predict(ffmpegFrames);
            double near = managedP.Zip(ffmpegP).Average(pair => Math.Abs(pair.First - pair.Second) <= LargestProbabilityDifference ? 1.0 : 0);
            string row = $"{Path.GetFileName(song),-56} {managed.Length / Bands,7} {found.Rms,7:F4} {found.Max,7:F3} {near,8:P2}";
            output.WriteLine(row);
            bool isSame = Math.Abs(managed.Length - ffmpeg.Length) <= SpareFrames * Bands && found.Rms <= LargestRms && found.Max <= LargestDifference
                && near >= ShareOfFrames;
            if (!isSame) failures.Add($"{row}, {ffmpeg.Length / Bands} frames from ffmpeg, the largest difference in frame {found.Frame}, band {found.Band}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));

        (float[] LogMel, float[] Normalized) Decode(AudioStream audio)
        {
            using (audio)
            {
                float[] samples = Samples.Of(audio);
                Assert.All(audio.Warnings, warning => Assert.Contains("samples a second", warning, StringComparison.Ordinal));
                return (LogMelOf(extractor, samples), LogMelOf(extractor, samples, normalizer));
            }
        }
    }

    private static float[] LogMelOf(LogMelExtractor extractor, float[] samples, BandNormalizer? normalizer = null)
    {
        const int block = 4096;
        List<float> all = [];
        for (int frame = 0, frames = (int)FrameCount(samples.Length); frame < frames; frame += block)
        {
            int count = Math.Min(block, frames - frame);
            using Tensors.Tensor logMel = extractor.Transform(samples.AsSpan(frame * Hop, (count - 1) * Hop + FrameLength));
            all.AddRange(logMel.ToArray());
        }

        return normalizer?.NormalizeSong([.. all]) ?? [.. all];
    }

    private static Comparison Compare(float[] managed, float[] ffmpeg, int bands)
    {
        int frames = Math.Min(managed.Length, ffmpeg.Length) / Bands;
        double sum = 0, max = 0;
        int atFrame = 0, atBand = 0;
        for (int frame = 0; frame < frames; frame++)
        for (int band = 0; band < bands; band++)
        {
            double difference = Math.Abs(managed[frame * Bands + band] - ffmpeg[frame * Bands + band]);
            sum += difference * difference;
            if (difference > max) (max, atFrame, atBand) = (difference, frame, band);
        }

        return new Comparison(Math.Sqrt(sum / ((double)frames * bands)), max, atFrame, atBand);
    }

    private sealed record Comparison(double Rms, double Max, int Frame, int Band);
}
