using System.CommandLine;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Cli;

/// <summary><c>svd train</c>: trains the paper's two networks and the mask network.</summary>
internal static class TrainCommand
{
    private const string TrainingSplit = "train", ValidationSplit = "valid", SoloSplit = "solo";

    public static Command Create() =>
        new("train", "Trains a network on a corpus.\n\nExample:\n  svd train inverter --data jamendo --out inverter.npz --checkpoint run1")
        {
            CreateInverter(), CreateClassifier(), CreateMasker(),
        };

    private static Command CreateInverter()
    {
        Option<string> data = Options.Data();
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string> output = Options.OutFile("the weights (.npz); the log and its figure are written beside it (.csv, .png)");
        Option<string?> layer = Options.Layer("The layer of SVDNet whose output is inverted. Default: fc8.");
        Option<string?> architecture = new("--architecture")
        {
            Description = "paper: the size in the paper's Table I, for fc8 alone. published: the size of the published weights. matched: upsampling by 3, as "
                + "SVDNet's pooling has it. Default: paper for fc8, published for other layers.",
        };
        architecture.AcceptOnlyFromAmong([.. InversionArchitecture.Names]);
        Option<int> epochs = Options.Count("--epochs", "The number of passes over all excerpts.", 30);
        Option<string?> holdOut = HoldOutOfFold();
        Option<bool> force = Options.Force();
        Option<int> hop = Options.Count("--hop", "The number of frames from one excerpt to the next.", 10);
        Option<int> batch = Options.Count("--batch", "The number of excerpts in a training step.", 32);
        Option<ulong> seed = Options.Seed();
        DeviceOptions device = new();
        Option<string?> checkpoint = Options.Checkpoint();
        CacheOptions cache = new();
        Option<bool> dryRun = Options.DryRun();
        Command command = new(
            "inverter",
            "Trains an inversion network, which reconstructs the spectrogram from the detector's 64 deepest features, or from the output of another layer. "
            + "The songs need no labels. If there is a list of validation songs, the log holds their loss, too.\n\n"
            + "Examples:\n  svd train inverter --data jamendo --classifier svdnet.npz --stats meanstd.npz --out inverter.npz --checkpoint run1\n"
            + "  svd train inverter --data jamendo --layer conv5 --out inverter-conv5.npz")
        {
            data, classifier, statistics, output, layer, architecture, epochs, hop, batch, holdOut, seed, force, device, checkpoint, cache, dryRun,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(architecture) is { } name && LayerOf(result.GetValue(layer)) is { } of && InversionArchitecture.Of(of, name) is null)
            {
                result.AddError($"--architecture {name} has no network for {of}");
            }
        });
        command.SetAction(parsed => TrainInverter(new InverterRequest(
            parsed.GetRequiredValue(data), parsed.GetValue(holdOut),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics),
            parsed.GetValue(force), parsed.GetRequiredValue(output),
            InversionArchitecture.Of(LayerOf(parsed.GetValue(layer))!, parsed.GetValue(architecture))!,
            parsed.GetValue(epochs), parsed.GetValue(hop), parsed.GetValue(batch), parsed.GetValue(seed), device.Of(parsed), parsed.GetValue(checkpoint),
            cache.Of(parsed), parsed.GetValue(dryRun))));
        return command;
    }

    private static Option<string?> HoldOut(string what) =>
        new("--hold-out") { Description = $"Leave the songs of filelists/NAME out of the training, {what}.", HelpName = "NAME" };

    private static Option<string?> HoldOutOfFold() => HoldOut("for a fold of svd evaluate --folds");

    private static SvdNetLayer? LayerOf(string? name) => name is null ? SvdNetLayer.Fc8 : SvdNetLayer.Of(name);

    private static Command CreateClassifier()
    {
        Option<string> data = Options.Data();
        Option<string> output = Options.OutFile(
            "the weights (.npz); the statistics (.meanstd.npz), the log (.csv) and its figure (.png) are written beside it");
        Option<int> epochs = Options.Count("--epochs", "The number of epochs. After each, the validation songs are scored and the learning rate falls.", 20);
        Option<int> batches = Options.Count("--batches", "The number of training steps in an epoch, with 32 excerpts each.", 2000);
        Option<string?> holdOut = HoldOut(
            "and score them after each epoch instead of those of filelists/valid. This trains one fold of a cross-validation for svd score --folds");
        Option<string> augment = new("--augment") { Description = "Stretch, shift and filter each excerpt at random.", DefaultValueFactory = _ => "on" };
        augment.AcceptOnlyFromAmong("on", "off");
        Option<ulong> seed = Options.Seed();
        DeviceOptions device = new();
        Option<string?> checkpoint = Options.Checkpoint();
        CacheOptions cache = new();
        Option<bool> dryRun = Options.DryRun();
        Command command = new(
            "classifier",
            "Trains SVDNet, the singing-voice detector, and scores it on the validation songs after each epoch.\n\n"
            + "Example:\n  svd train classifier --data jamendo --out svdnet.npz --checkpoint run1")
        {
            data, output, epochs, batches, holdOut, augment, seed, device, checkpoint, cache, dryRun,
        };
        command.SetAction(parsed => TrainClassifier(new ClassifierRequest(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(output), parsed.GetValue(epochs), parsed.GetValue(batches),
            parsed.GetValue(holdOut), parsed.GetValue(augment) == "on", parsed.GetValue(seed), device.Of(parsed),
            parsed.GetValue(checkpoint), cache.Of(parsed), parsed.GetValue(dryRun))));
        return command;
    }

    private static Command CreateMasker()
    {
        Option<string> data = Options.Data();
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string[]> judges = new("--judge")
        {
            Description = "The weights (.npz) of another detector in the loop, trained with the same statistics; may be given several times. The regions must "
                + "then hold for all of them, and hold better for others.",
            HelpName = "FILE",
        };
        Option<string> output = Options.OutFile("the weights (.npz); the log and its figure are written beside it (.csv, .png)");
        Option<int> epochs = Options.Count("--epochs", "The number of passes over all excerpts.", 3);
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<string?> holdOut = HoldOutOfFold();
        Option<bool> force = Options.Force();
        Option<int> hop = Options.Count("--hop", "The number of frames from one excerpt to the next.", 20);
        Option<int> batch = Options.Count("--batch", "The number of excerpts in a training step.", 16);
        Option<ulong> seed = Options.Seed();
        DeviceOptions device = new();
        Option<string?> checkpoint = Options.Checkpoint();
        CacheOptions cache = new();
        Option<bool> dryRun = Options.DryRun();
        Command command = new(
            "masker",
            "Trains a mask network, which finds the region that decides from the detector's features, with the detector in the loop. The log gives the "
            + "percentage of the validation excerpts whose label changes if only 40, 20 or 10 % of the bins are kept, and if only these are removed. "
            + "The songs need no labels.\n\n"
            + "Example:\n  svd train masker --data jamendo --classifier svdnet.npz --stats meanstd.npz --out masker.npz --checkpoint run1")
        {
            data, classifier, judges, statistics, output, epochs, hop, batch, holdOut, classThreshold, seed, force, device, checkpoint, cache, dryRun,
        };
        command.SetAction(parsed => TrainMasker(new MaskerRequest(
            parsed.GetRequiredValue(data), parsed.GetValue(holdOut),
            new ModelPaths(
                parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics)
            {
                Judges = parsed.GetValue(judges) ?? [],
            },
            parsed.GetValue(force), parsed.GetRequiredValue(output), parsed.GetValue(epochs), parsed.GetValue(hop), parsed.GetValue(batch),
            parsed.GetValue(classThreshold), parsed.GetValue(seed), device.Of(parsed), parsed.GetValue(checkpoint),
            cache.Of(parsed), parsed.GetValue(dryRun))));
        return command;
    }

    private static int TrainInverter(InverterRequest request)
    {
        (IReadOnlyList<Song> songs, IReadOnlyList<Song> validation) = UnlabelledSongs(request.Data, request.HoldOut);
        if (!request.DryRun)
        {
            PrepareOutputs(request.Out, request.Checkpoint, [.. InputsOf(request.Data, songs, validation, request.HoldOut), .. request.Paths.All]);
        }

        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        SpectrogramCache cache = request.Cache.Open(request.Data);
        float[][] frames = Normalize(backend, models.Statistics, LogMels(backend, [.. songs, .. validation], cache));
        using InverterTraining training = ProgressDisplay.Run("features", report => new InverterTraining(
            backend, models.Detector, frames[..songs.Count], frames[songs.Count..], request.Architecture, request.Hop, request.Batch, request.Seed,
            (done, of) => report(done, of)));
        TrainingPlan plan = training.Plan(
            request.Epochs,
            [
                ("seed", request.Seed), ("digest_of_the_architecture", Digest.Of($"{request.Architecture}", [])), ("hop", request.Hop),
                ("batch_size", request.Batch), ("digest_of_the_songs", DigestOf(songs, cache)), ("digest_of_the_validation_songs", DigestOf(validation, cache)),
                ("digest_of_the_classifier", Digest.OfFiles(request.Paths.Classifier, request.Paths.Statistics)),
            ]) with { Device = DeviceIdentity.Of(backend) };
        return request.DryRun ? TrainingDisplay.DryRun(plan, backend.Name) : TrainingDisplay.Run(
            plan, request.Checkpoint, request.Out,
            () => new WeightNotes { Detector = models.DetectorDigest, Statistics = models.Statistics.Digest, Layer = request.Architecture.Layer.Name },
            $"svd train inverter: {request.Architecture.Layer}, {request.Architecture.Name} size, {request.Epochs} epochs, hop {request.Hop}, "
                + $"batches of {request.Batch}, seed {request.Seed}");
    }

    private static int TrainClassifier(ClassifierRequest request)
    {
        Corpus corpus = Corpus.Open(request.Data);
        IReadOnlyList<Song> validation = corpus.Split(request.HoldOut ?? ValidationSplit), songs = corpus.Split(TrainingSplit);
        if (request.HoldOut is { } list) songs = Without(songs, validation, list);

        IReadOnlyList<Song> solo = corpus.Has(SoloSplit) ? corpus.Split(SoloSplit) : [];
        LabelTrack[] labels = [.. songs.Concat(validation).Concat(solo).Select(song => LabelTrack.Read(song.LabelPath))];
        string statisticsFile = Path.ChangeExtension(request.Out, ".meanstd.npz");
        if (!request.DryRun)
        {
            PrepareOutputs(
                request.Out, request.Checkpoint,
                [
                    .. InputsOf(request.Data, songs, validation, request.HoldOut), .. Corpus.InputsOf(request.Data, SoloSplit, solo),
                ],
                statisticsFile);
        }

        using IBackend backend = request.CreateBackend();
        SpectrogramCache cache = request.Cache.Open(request.Data);
        float[][] logMels = LogMels(backend, [.. songs, .. validation], cache);
        BandMoments moments = new();
        foreach (float[] song in logMels.Take(songs.Count)) moments.Add(song);

        // In training, the songs keep their levels, which makes the network less sensitive to them. In use, each song is brought to their mean.
        double[] levels = [.. logMels.Take(songs.Count).Where((_, i) => labels[i].Segments.Any(segment => segment.Singing)).Select(song => SongLevel.Of(song))];
        BandStatistics statistics = moments.ToStatistics().At(levels.Length > 0 ? levels.Average() : null);
        float[][] held = Normalize(backend, statistics, [.. logMels.Skip(songs.Count)]);
        ValidationSong[] validationSongs =
            [.. held.Select((frames, i) => new ValidationSong(frames, labels[songs.Count + i].ForFrames(frames.Length / Bands, cache.Warn)))];
        using LogMelExtractor extractor = new(backend);
        TrainingSong[] trainingSongs = ProgressDisplay.Run("spectrograms", report => songs.Concat(solo).Select((song, i) =>
        {
            MagnitudeSpectrogram magnitudes = MagnitudeSpectrogram.Compute(extractor, song.AudioPath, decoder: cache.Decoder);
            report(i + 1, songs.Count + solo.Count);
            LabelTrack track = labels[i < songs.Count ? i : i + validation.Count];
            return new TrainingSong(magnitudes, track.ForFrames(magnitudes.Frames, cache.Warn));
        }).ToArray());
        using ClassifierTraining training = new(
            backend, trainingSongs[..songs.Count], trainingSongs[songs.Count..], validationSongs, statistics, request.Augment, request.Batches,
            ClassifierTraining.UsualBatchSize, request.Seed);
        TrainingPlan plan = training.Plan(
            request.Epochs,
            [
                ("seed", request.Seed), ("batches_of_an_epoch", request.Batches), ("augmentation", request.Augment ? 1 : 0),
                ("digest_of_the_songs", DigestOf(songs, cache, withLabels: true)),
                ("digest_of_the_validation_songs", DigestOf(validation, cache, withLabels: true)),
                ("digest_of_the_solo_singing", DigestOf(solo, cache, withLabels: true)),
            ]) with { Device = DeviceIdentity.Of(backend) };
        if (request.DryRun) return TrainingDisplay.DryRun(plan, backend.Name);
        int exitCode = TrainingDisplay.Run(
            plan, request.Checkpoint, request.Out,
            () => new WeightNotes { Statistics = statistics.Digest, ClassThreshold = training.TuneThreshold() },
            $"svd train classifier: {request.Epochs} epochs of {request.Batches} batches, augmentation {(request.Augment ? "on" : "off")}, "
                + $"seed {request.Seed}");
        if (exitCode == 0) statistics.Write(statisticsFile);
        return exitCode;
    }

    private static int TrainMasker(MaskerRequest request)
    {
        (IReadOnlyList<Song> songs, IReadOnlyList<Song> validation) = UnlabelledSongs(request.Data, request.HoldOut);
        if (!request.DryRun)
        {
            PrepareOutputs(request.Out, request.Checkpoint, [.. InputsOf(request.Data, songs, validation, request.HoldOut), .. request.Paths.All]);
        }

        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        (BandStatistics statistics, SvdNet classifier) = (models.Statistics, models.Detector);
        SpectrogramCache cache = request.Cache.Open(request.Data);
        float[][] frames = Normalize(backend, statistics, LogMels(backend, [.. songs, .. validation], cache));
        double classThreshold = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold).Value;
        if (classThreshold is <= 0 or >= 1)
        {
            throw new EngineException($"with a class threshold of {classThreshold} all excerpts get the same label; give one between 0 and 1");
        }

        using MaskerTraining training = new(
            backend, classifier, models.Judges, frames[..songs.Count], frames[songs.Count..], request.Hop, request.Batch, classThreshold, request.Seed);
        TrainingPlan plan = training.Plan(
            request.Epochs,
            [
                ("seed", request.Seed), ("hop", request.Hop), ("batch_size", request.Batch), ("class_threshold", classThreshold),
                ("digest_of_the_songs", DigestOf(songs, cache)),
                ("digest_of_the_validation_songs", DigestOf(validation, cache)),
                ("digest_of_the_classifier", Digest.OfFiles(request.Paths.Classifier, request.Paths.Statistics)),
                ("digest_of_the_other_detectors", request.Paths.Judges.Count == 0 ? 0 : Digest.OfFiles([.. request.Paths.Judges])),
            ]) with { Device = DeviceIdentity.Of(backend) };
        return request.DryRun ? TrainingDisplay.DryRun(plan, backend.Name) : TrainingDisplay.Run(
            plan, request.Checkpoint, request.Out,
            () => new WeightNotes { Detector = models.DetectorDigest, Statistics = statistics.Digest, ClassThreshold = classThreshold },
            $"svd train masker with {models.Judges.Count + 1} detectors in the loop: {request.Epochs} epochs, hop {request.Hop}, "
                + $"batches of {request.Batch}, seed {request.Seed}");
    }

    // The songs to train with, and those to validate with if the corpus has a list of them.
    private static (IReadOnlyList<Song> Training, IReadOnlyList<Song> Validation) UnlabelledSongs(string data, string? holdOut)
    {
        Corpus corpus = Corpus.Open(data, withLabels: false);
        IReadOnlyList<Song> songs = corpus.Split(TrainingSplit);
        if (holdOut is not null) songs = Without(songs, corpus.Split(holdOut), holdOut);
        return (songs, corpus.Has(ValidationSplit) ? corpus.Split(ValidationSplit) : []);
    }

    private static Song[] Without(IReadOnlyList<Song> songs, IReadOnlyList<Song> heldOut, string list)
    {
        HashSet<string> names = [.. heldOut.Select(song => song.Name)];
        Song[] left = [.. songs.Where(song => !names.Contains(song.Name))];
        return left.Length > 0 ? left : throw new EngineException($"filelists/{list} contains all songs of filelists/train, so none are left to train with");
    }

    // Runs before the songs are read, which takes time.
    private static void PrepareOutputs(string output, string? checkpoint, IEnumerable<string> inputs, params string[] beside)
    {
        if (string.IsNullOrWhiteSpace(output)) throw new EngineException("--out is blank; give the name of a file");
        string[] kept = checkpoint is null ? [] : [TrainingRun.CheckpointIn(checkpoint)];
        if (checkpoint is not null) OutputFolder.Prepare(checkpoint, "--checkpoint");
        OutputFolder.Require([output, TrainingDisplay.LogOf(output), TrainingDisplay.FigureOf(output), .. beside, .. kept], inputs);
    }

    private static IEnumerable<string> InputsOf(string data, IReadOnlyList<Song> songs, IReadOnlyList<Song> validation, string? holdOut) =>
    [
        .. Corpus.InputsOf(data, TrainingSplit, songs), .. Corpus.InputsOf(data, ValidationSplit, validation),
        .. holdOut is null ? [] : Corpus.InputsOf(data, holdOut, []),
    ];

    private static double DigestOf(IEnumerable<Song> songs, SpectrogramCache cache, bool withLabels = false) => Digest.Of("", songs.SelectMany(song =>
        withLabels ? (byte[][])[cache.DigestOf(song.AudioPath), Digest.OfFile(song.LabelPath)] : [cache.DigestOf(song.AudioPath)]));

    private static float[][] LogMels(IBackend backend, IReadOnlyList<Song> songs, SpectrogramCache cache)
    {
        using LogMelExtractor extractor = new(backend);
        return ProgressDisplay.Run("log-mel spectrograms", report => songs.Select((song, i) =>
        {
            float[] frames = cache.LogMel(extractor, song.AudioPath);
            report(i + 1, songs.Count);
            return frames;
        }).ToArray());
    }

    private static float[][] Normalize(IBackend backend, BandStatistics statistics, IReadOnlyList<float[]> songs)
    {
        using BandNormalizer normalizer = statistics.On(backend);
        return [.. songs.Select(song => normalizer.NormalizeSong(song))];
    }

    private sealed record InverterRequest(
        string Data, string? HoldOut, ModelPaths Paths, bool Force, string Out, InversionArchitecture Architecture, int Epochs, int Hop, int Batch,
        ulong Seed, Func<IBackend> CreateBackend, string? Checkpoint, CacheChoice Cache, bool DryRun);

    private sealed record MaskerRequest(
        string Data, string? HoldOut, ModelPaths Paths, bool Force, string Out, int Epochs, int Hop, int Batch,
        double? ClassThreshold, ulong Seed, Func<IBackend> CreateBackend, string? Checkpoint, CacheChoice Cache, bool DryRun);

    private sealed record ClassifierRequest(
        string Data, string Out, int Epochs, int Batches, string? HoldOut, bool Augment, ulong Seed,
        Func<IBackend> CreateBackend, string? Checkpoint, CacheChoice Cache, bool DryRun);
}
