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

    private static readonly int _bands = Enumerable.Range(0, Bands).Count(band => MelFilterbank.CornersHz[band + 2] <= HighestHz);

    [FfmpegReferenceFact]
    public void EverySongOfTheReference()
    {
        using IBackend backend = Backends.CreateCpu();
        using Models models = Models.Load(backend, new ModelPaths(BundledFiles.Classifier, BundledFiles.Statistics), force: false);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        SongPredictor predictor = new(backend, models.Detector, models.Statistics);
        List<string> failures = [];
        output.WriteLine("song                                                      frames     rms     max  frames within 0.02");
        foreach (string song in ((string[])["music/audio", "songs/audio"]).SelectMany(folder => Directory.GetFiles(ReferenceData.PathOf(folder))).Order())
        {
            (float[] managed, float[] managedFrames) = Decode(song, Decoder.Managed);
            (float[] ffmpeg, float[] ffmpegFrames) = Decode(song, Decoder.Ffmpeg);
            Comparison found = Compare(managed, ffmpeg);
            float[] managedP = predictor.Predict(managedFrames), ffmpegP = predictor.Predict(ffmpegFrames);
            double near = managedP.Zip(ffmpegP).Average(pair => Math.Abs(pair.First - pair.Second) <= LargestProbabilityDifference ? 1.0 : 0);
            string row = $"{Path.GetFileName(song),-56} {managed.Length / Bands,7} {found.Rms,7:F4} {found.Max,7:F3} {near,8:P2}";
            output.WriteLine(row);
            bool isSame = Math.Abs(managed.Length - ffmpeg.Length) <= SpareFrames * Bands && found.Rms <= LargestRms && found.Max <= LargestDifference
                && near >= ShareOfFrames;
            if (!isSame) failures.Add($"{row}, {ffmpeg.Length / Bands} frames from ffmpeg, the largest difference in frame {found.Frame}, band {found.Band}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));

        (float[] LogMel, float[] Normalized) Decode(string song, Decoder decoder)
        {
            using AudioStream audio = AudioStream.Open(song, decoder: decoder);
            Assert.Equal(decoder, audio.Decoder);
            float[] samples = Samples.Of(audio);
            Assert.Empty(audio.Warnings);
            return (LogMelOf(extractor, samples), LogMelOf(extractor, samples, normalizer));
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

    private static Comparison Compare(float[] managed, float[] ffmpeg)
    {
        int frames = Math.Min(managed.Length, ffmpeg.Length) / Bands;
        double sum = 0, max = 0;
        int atFrame = 0, atBand = 0;
        for (int frame = 0; frame < frames; frame++)
        for (int band = 0; band < _bands; band++)
        {
            double difference = Math.Abs(managed[frame * Bands + band] - ffmpeg[frame * Bands + band]);
            sum += difference * difference;
            if (difference > max) (max, atFrame, atBand) = (difference, frame, band);
        }

        return new Comparison(Math.Sqrt(sum / ((double)frames * _bands)), max, atFrame, atBand);
    }

    private sealed record Comparison(double Rms, double Max, int Frame, int Band);
}
