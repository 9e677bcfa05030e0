using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary>The files from which a command reads its networks; null for a network that it does not need.</summary>
internal sealed record ModelPaths(string Classifier, string Statistics, string? Inverter = null, string? Masker = null)
{
    /// <summary>Further inversion networks, of several layers.</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>Further detectors.</summary>
    public IReadOnlyList<string> Judges { get; init; } = [];

    /// <summary>The files that are given.</summary>
    public IEnumerable<string> All => new[] { Classifier, Statistics, Inverter, Masker }.OfType<string>().Concat(Judges).Concat(Layers);
}

/// <summary>A class threshold and where it comes from.</summary>
/// <param name="Value">Frames and excerpts with at least this probability count as singing.</param>
/// <param name="From">given, tuned (read from the weight file) or default.</param>
internal readonly record struct ClassDecision(double Value, string From)
{
    private const double Default = 0.5;

    /// <summary>The given threshold, else the one that was tuned for the detector, else the default.</summary>
    public static ClassDecision Of(double? given, double? tuned) =>
        given is { } value ? new ClassDecision(value, "given") : tuned is { } own ? new ClassDecision(own, "tuned") : new ClassDecision(Default, "default");

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Value:0.####}") + From switch
    {
        "given" => ", as given", "tuned" => ", tuned for the detector", _ => ", the default",
    };
}

/// <summary>The networks of a command. They must belong together; a mismatch is an error.</summary>
internal sealed class Models : IDisposable
{
    private readonly Files _files;

    private Models(IBackend backend, BandStatistics statistics, Files files)
    {
        (Statistics, _files) = (statistics, files);
        Detector = SvdNet.Load(backend, files.Classifier);
        Inversion = files.Inverter is null ? null : InversionNetwork.Load(backend, files.Inverter);
        Layers = [.. files.Layers.Select(file => InversionNetwork.Load(backend, file))];
        Mask = files.Masker is null ? null : MaskNetwork.Load(backend, files.Masker);
        Judges = [.. files.Judges.Select(file => SvdNet.Load(backend, file))];
    }

    /// <summary>The statistics that normalise spectrograms.</summary>
    public BandStatistics Statistics { get; }

    /// <summary>The detector.</summary>
    public SvdNet Detector { get; }

    /// <summary>The detector's <see cref="SvdNet.DigestOfFeatures"/>.</summary>
    public required string DetectorDigest { get; init; }

    /// <summary>The class threshold in the detector's weight file; null if it has none.</summary>
    public double? TunedThreshold { get; init; }

    /// <summary>The inversion network, if the command needs one.</summary>
    public InversionNetwork? Inversion { get; }

    /// <summary>The further inversion networks, in the order of their files.</summary>
    public IReadOnlyList<InversionNetwork> Layers { get; }

    /// <summary>The mask network, if the command needs one.</summary>
    public MaskNetwork? Mask { get; }

    /// <summary>The further detectors, in the order of their files.</summary>
    public IReadOnlyList<SvdNet> Judges { get; }

    /// <summary>Reads the networks. A file that does not say what it belongs to is used, with a note.</summary>
    /// <exception cref="EngineException">
    /// A file cannot be read or holds something else, or it belongs to another file and <paramref name="force"/> is false.
    /// </exception>
    public static Models Load(IBackend backend, ModelPaths paths, bool force)
    {
        BandStatistics statistics = BandStatistics.Read(paths.Statistics);
        WeightFile? Read(string? path) => path is null ? null : WeightFile.Read(path);
        Files files = new(WarmUp.Read(paths.Classifier), Read(paths.Inverter), Read(paths.Masker), [.. paths.Judges.Select(WeightFile.Read)],
            [.. paths.Layers.Select(WeightFile.Read)]);
        Task<string> digest = Task.Run(() => SvdNet.DigestOfFeatures(files.Classifier));
        Models models = new(backend, statistics, files)
        {
            TunedThreshold = WeightNotes.Of(files.Classifier)?.ClassThreshold, DetectorDigest = digest.GetAwaiter().GetResult(),
        };
        List<string> silent = [];
        foreach (WeightFile file in files.All) Require(file, file != files.Classifier && !files.Judges.Contains(file));
        if (silent.Count > 0)
        {
            SvdCommand.Note(silent.Count == 1
                ? $"{silent[0]} does not say what it belongs to and is used without a check"
                : $"{string.Join(" and ", silent)} do not say what they belong to and are used without a check");
        }

        return models;

        void Require(WeightFile file, bool needsDetector)
        {
            WeightNotes? notes = WeightNotes.Of(file);
            if (notes?.Statistics is null || (needsDetector && notes.Detector is null)) silent.Add(file.Path);
            if (needsDetector && notes?.Detector is { } detector && detector != models.DetectorDigest)
            {
                Mismatch(file, $"was trained on another detector than {paths.Classifier}", "--classifier");
            }

            if (notes?.Statistics is { } own && own != statistics.Digest)
            {
                Mismatch(file, $"was trained with other statistics than {paths.Statistics}", "--stats");
            }
        }

        void Mismatch(WeightFile file, string problem, string option)
        {
            if (!force) throw new EngineException($"{file.Path} {problem}; give the file it belongs to with {option}, or use it anyway with --force");
            SvdCommand.Note($"{file.Path} {problem}; it is used anyway because of --force");
        }
    }

    /// <summary>Checks that the inversion network is for a layer.</summary>
    /// <param name="layer">The layer that the command needs.</param>
    /// <param name="path">The network's file, for the message.</param>
    /// <exception cref="EngineException">It is for another layer.</exception>
    public void RequireInversionOf(SvdNetLayer layer, string path)
    {
        if (Inversion!.Architecture.Layer != layer) throw new EngineException($"{path} holds {Inversion.Architecture}, and one for {layer} is needed");
    }

    /// <summary>The same networks on another backend.</summary>
    public Models On(IBackend backend) => new(backend, Statistics, _files) { TunedThreshold = TunedThreshold, DetectorDigest = DetectorDigest };

    /// <inheritdoc/>
    public void Dispose()
    {
        Detector.Dispose();
        Inversion?.Dispose();
        foreach (InversionNetwork layer in Layers) layer.Dispose();
        Mask?.Dispose();
        foreach (SvdNet judge in Judges) judge.Dispose();
    }

    private sealed record Files(WeightFile Classifier, WeightFile? Inverter, WeightFile? Masker, WeightFile[] Judges, WeightFile[] Layers)
    {
        public IEnumerable<WeightFile> All => new[] { Classifier, Inverter, Masker }.OfType<WeightFile>().Concat(Judges).Concat(Layers);
    }
}
