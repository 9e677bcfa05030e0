using System.CommandLine;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;

namespace Engine.Svd.Cli;

/// <summary><c>svd calibrate</c>: calibrates a detector's probabilities.</summary>
internal static class CalibrateCommand
{
    private const string UsualSplit = "valid";

    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> split = new("--split") { Description = "The songs to calibrate on.", HelpName = "NAME", DefaultValueFactory = _ => UsualSplit };
        Option<string?> folds = Folds.Option();
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string> output = Options.OutFile("the calibrated weights (.npz); this may be the file given with --classifier");
        CacheOptions cache = new();
        Option<string?> shard = Options.Shard(CacheOptions.SharedOut);
        Option<bool> force = Options.Force();
        DeviceOptions device = new();
        Command command = new(
            "calibrate",
            "Calibrates a detector, so that 70 % of the frames with P = 0.7 are sung. It divides the logit by a temperature and adds an offset, chooses both "
            + "so that the labels of the songs are most likely, and writes them into the weights of the last layer. The order of the frames stays the same, so "
            + "only thresholds change. Calibrate on songs that the detector was not trained with. If it was trained with all songs, use --folds: each "
            + "detector of a cross-validation then predicts the songs that it was not trained with.\n\n"
            + "Example:\n  svd calibrate --data jamendo --classifier svdnet.npz --stats svdnet.meanstd.npz --out svdnet.npz")
        {
            data, split, folds, classifier, statistics, output, cache, shard, force, device,
        };
        command.Validators.Add(result => Folds.RefuseBoth(result, folds, split));
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(split), parsed.GetValue(folds), parsed.GetValue(classifier) ?? BundledFiles.Classifier,
            parsed.GetValue(statistics) ?? BundledFiles.Statistics, parsed.GetRequiredValue(output), cache.Of(parsed),
            Options.ShardIn(parsed.GetValue(shard)), parsed.GetValue(force), device.Of(parsed)));
        return command;
    }

    private static int Run(
        string data, string split, string? folds, string classifier, string statisticsPath, string output, CacheChoice cacheChoice, Shard shard,
        bool force, Func<IBackend> createBackend)
    {
        Corpus corpus = Corpus.Open(data);
        using IBackend backend = createBackend();
        WeightFile file = WeightFile.Read(classifier);
        using SvdNet network = SvdNet.Load(backend, file);
        OutputFolder.Require([output], [statisticsPath, .. folds is null ? Corpus.InputsOf(data, split, corpus.Split(split)) : Folds.InputsOf(corpus, folds)]);
        SpectrogramCache cache = cacheChoice.Open(data);
        if (shard.IsPart)
        {
            IReadOnlyList<Song> all = folds is null ? corpus.Split(split) : Folds.SongsOf(corpus, folds);
            using LogMelExtractor extractor = new(backend);
            int missing = ProgressDisplay.Run(Counted.Of(all.Count, "song"), report => cache.FillPart(extractor, all, shard, report));
            if (missing > 0) return ShardReport.Print(shard, all.Count - missing, all.Count, json: false);
        }

        LabelledSong songs = LabelledSong.Together(folds is not null
            ? [.. Folds.Predict(backend, corpus, cache, folds, force).SelectMany(fold => fold)]
            : PredictSplit(backend, new ModelPaths(classifier, statisticsPath), force, cache, corpus.Split(split)));
        Calibration calibration = Calibration.Fit(songs.Probabilities, songs.Labels)
            ?? throw new EngineException($"the songs of {folds ?? split} cannot calibrate the detector: that needs frames with and without singing, and a "
                + "detector that tells them apart");
        LabelledSong calibrated = songs with { Probabilities = [.. songs.Probabilities.Select(p => (float)calibration.Apply(p))] };
        network.Calibrate(calibration.Temperature, calibration.Offset);
        double threshold = calibrated.TuneThreshold();
        network.Layers.Save(output, ((WeightNotes.Of(file) ?? new WeightNotes()) with { ClassThreshold = threshold }).ToString());
        (DetectionScores before, DetectionScores after) = (songs.Scores(songs.TuneThreshold()), calibrated.Scores(threshold));
        Console.WriteLine($"temperature {calibration.Temperature:F3}, offset {calibration.Offset:F3} → {output}");
        Console.WriteLine(
            $"expected calibration error {before.CalibrationError:F3} → {after.CalibrationError:F3}, "
            + $"Brier score {before.BrierScore:F3} → {after.BrierScore:F3}; "
            + $"the threshold with the fewest errors is now {threshold:F4} ({after.Error:P1})");
        return 0;
    }

    private static LabelledSong[] PredictSplit(IBackend backend, ModelPaths paths, bool force, SpectrogramCache cache, IReadOnlyList<Song> songs)
    {
        using Models models = Models.Load(backend, paths, force);
        return ProgressDisplay.Run("songs", report => LabelledSong.PredictAll(backend, models.Detector, models.Statistics, cache, songs, report));
    }
}
