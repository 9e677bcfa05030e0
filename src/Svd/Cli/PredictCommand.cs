using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd predict</c>: writes the probability of singing for every frame, and the sung segments.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        Argument<string[]> audio = new("AUDIO") { Description = "Songs: WAV, or anything that ffmpeg decodes.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = Options.Out("NAME.probability.npy and NAME.lab of every song");
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<bool> force = Options.Force();
        Option<bool> overwrite = new("--overwrite") { Description = "Also replace label files that svd did not write or that were changed since." };
        Option<Channel> channel = Options.Channel();
        DeviceOptions device = new();
        Option<string?> shard = Options.Shard("The jobs together predict every song once.");
        Option<bool> json = Options.Json("Print one line of JSON per song.");
        Command command = new(
            "predict",
            "Finds singing in songs. Writes the probability of singing 70 times a second (NAME.probability.npy, float32), and the segments with "
            + "and without singing (NAME.lab) after a running median over 56 frames.\n\nExample:\n  svd predict *.mp3 --out predictions")
        {
            audio, output, classifier, statistics, classThreshold, overwrite, force, channel, shard, device, json,
        };
        audio.Validators.Add(result =>
        {
            foreach (IGrouping<string, string> songs in result.Tokens.Select(token => token.Value).GroupBy(ResultName.OfFile).Where(songs => songs.Count() > 1))
            {
                result.AddError($"{string.Join(" and ", songs)} would both be written to {songs.Key}.lab; predict them into different folders");
            }
        });
        command.SetAction(parsed => Run(
            Options.ShardIn(parsed.GetValue(shard)).Of(parsed.GetRequiredValue(audio)), parsed.GetRequiredValue(output),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics),
            parsed.GetValue(classThreshold), parsed.GetValue(overwrite), parsed.GetValue(force), parsed.GetValue(channel), device.Of(parsed),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(
        string[] songs, string folder, ModelPaths paths, double? givenThreshold, bool overwrite, bool force, Channel channel,
        Func<IBackend> createBackend, bool json)
    {
        PrepareOutputs(songs, folder, paths, overwrite);
        using IBackend backend = createBackend();
        using Models models = Models.Load(backend, paths, force);
        ClassDecision threshold = ClassDecision.Of(givenThreshold, models.TunedThreshold);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        SongPredictor predictor = new(backend, models.Detector, models.Statistics);
        int exitCode = 0;
        foreach (string song in songs)
        {
            try
            {
                PredictSong(song);
            }
            catch (EngineException failure)
            {
                // Go on with the other songs.
                exitCode = SvdCommand.Fail(DeviceAdvice.MessageOf(failure));
            }
        }

        return exitCode;

        void PredictSong(string song)
        {
            long start = Stopwatch.GetTimestamp();
            List<float> probabilities = [];
            using AudioStream audio = AudioStream.Open(song, channel);
            LogMelReader reader = new(audio, extractor, normalizer);
            ProgressDisplay.Run(Path.GetFileName(song), report => predictor.Predict(reader.Read, (_, block, _) =>
            {
                probabilities.AddRange(block);
                report(reader.Seconds, audio.DurationSeconds);
            }));
            reader.RequireUsable(song);
            SvdCommand.Warn(audio.Warnings);
            float[] values = [.. probabilities];
            IReadOnlyList<Segment> segments = Segments.Find(values, threshold.Value);
            (string labels, string array) = FilesOf(song, folder);
            OutputFolder.WriteBoth(
                labels, LabFile.Encode(segments, $"singing if P >= {threshold}"), () => NpyFile.Write(array, new NpyArray([values.Length], values)));
            double seconds = (double)values.Length / FrontEndSettings.FramesPerSecond;
            double singing = segments.Where(segment => segment.Singing).Sum(segment => segment.EndSeconds - segment.StartSeconds);
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Console.WriteLine(json
                ? JsonSerializer.Serialize(
                    new Report(
                        song, values.Length, seconds, singing / seconds, segments.Count(s => s.Singing), threshold.Value, threshold.From, [array, labels],
                        backend.Name, milliseconds, audio.Warnings),
                    Json.Line)
                : $"{MessageText.Line(song)}: {seconds:F1} s, singing {singing / seconds:P1} of it in {segments.Count(s => s.Singing)} segments "
                    + $"(P >= {threshold}) → {labels}, {array} ({milliseconds / 1000:F1} s)");
        }
    }

    private static (string Labels, string Array) FilesOf(string song, string folder)
    {
        string stem = Path.Combine(folder, ResultName.OfFile(song));
        return ($"{stem}.lab", $"{stem}.probability.npy");
    }

    private static void PrepareOutputs(string[] songs, string folder, ModelPaths paths, bool overwrite)
    {
        OutputFolder.Prepare(folder);
        (string Labels, string Array)[] files = [.. songs.Select(song => FilesOf(song, folder))];
        OutputFolder.Require([.. files.SelectMany(file => (string[])[file.Labels, file.Array])], [.. songs, .. paths.All]);
        foreach ((string labels, _) in files)
        {
            if (overwrite || !File.Exists(labels) || LabFile.IsUnchanged(labels)) continue;
            throw new EngineException(
                $"{labels} was not written by svd predict, or was changed since; replace it with --overwrite, or give another folder with --out");
        }
    }

    internal sealed record Report(
        string Audio, int Frames, double Seconds, double Singing, int Segments, double ClassThreshold, string ClassThresholdFrom, string[] Files, string Device,
        double Milliseconds, IReadOnlyList<string> Warnings);
}
