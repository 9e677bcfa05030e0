using Engine.Bench.Peers;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench.Report;

/// <summary>The whole pieces of work. Each compares our output with the peer's when it is made.</summary>
internal sealed class Contests : IDisposable
{
    /// <summary>What the report calls them.</summary>
    public const string Group = "whole work";

    private const int Batch = 32;
    private const int SongFrames = 60 * FramesPerSecond;

    // The loss before the first step and the one after it, which has gone through all gradients and one update.
    private const int ComparedSteps = 2;

    /// <summary>The two sizes of the inversion network for fc8.</summary>
    public static IReadOnlyList<InversionArchitecture> InversionSizes { get; } = [InversionArchitecture.Paper, InversionArchitecture.Published];

    /// <summary>All of them; each is made when it is called for, so that one's memory is given back before the next.</summary>
    public static IReadOnlyList<(string Name, Func<Contests, Contest> Make)> All { get; } =
    [
        ("SVDNet forward, 32 excerpts", contests => contests.Forward("SVDNet forward, 32 excerpts", Batch)),
        ("SVDNet forward, 1 excerpt", contests => contests.Forward("SVDNet forward, 1 excerpt", 1)),
        ("whole song, a minute", contests => contests.WholeSong()),
        ("SVDNet training step, 32 excerpts", contests => contests.TrainClassifier()),
        .. InversionSizes.Select<InversionArchitecture, (string, Func<Contests, Contest>)>(
            size => ($"inversion forward, 32, {size.Name} size", contests => contests.Invert(size))),
        .. InversionSizes.Select<InversionArchitecture, (string, Func<Contests, Contest>)>(
            size => ($"inversion training step, 32, {size.Name} size", contests => contests.TrainInverter(size))),
        ("log-mel, a minute, 1 thread", contests => contests.LogMel()),
    ];

    private readonly Machine _machine;
    private readonly string _folder = Directory.CreateTempSubdirectory("bench").FullName;
    private readonly float[] _excerpts = Random(Batch * ExcerptLength, 1);
    private readonly float[] _features = Random(Batch * SvdNet.FeatureCount, 2);
    private readonly float[] _targets = [.. Enumerable.Range(0, Batch).Select(n => n % 3 == 0 ? 0.98f : 0.02f)];
    private readonly TorchPeer? _torch;

    private Contests(Machine machine, string? python)
    {
        _machine = machine;
        NpyFile.Write(PathOf("excerpts.npy"), new NpyArray([Batch, 1, ExcerptFrames, Bands], _excerpts));
        NpyFile.Write(PathOf("features.npy"), new NpyArray([Batch, SvdNet.FeatureCount], _features));
        NpyFile.Write(PathOf("targets.npy"), new NpyArray([Batch, 1], _targets));
        using IBackend backend = Backends.CreateCpu(1);
        using SvdNet classifier = SvdNet.Create(backend, new RandomSource(1));
        classifier.Layers.Save(PathOf("svdnet.npz"));
        foreach (InversionArchitecture architecture in InversionSizes)
        {
            using Sequential network = architecture.Build();
            Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
            network.Save(PathOf($"inversion-{architecture.Name}.npz"));
        }

        _torch = python is null ? null : TorchPeer.Start(python, _folder, machine.Threads, machine.IsCuda);
    }

    /// <summary>Writes weights and inputs for the peers and starts PyTorch if there is a Python for it.</summary>
    public static Contests Open(Machine machine, string? python) => new(machine, python);

    /// <summary>The peers' names and versions.</summary>
    public IReadOnlyList<string> Peers =>
        [OnnxPeer.Version, NWavesPeer.Version, _torch?.Version ?? "no Python with PyTorch: the ratios of training steps are left empty"];

    /// <inheritdoc/>
    public void Dispose()
    {
        _torch?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Contest Forward(string name, int count)
    {
        IBackend backend = _machine.Open();
        SvdNet network = SvdNet.Load(backend, BundledFiles.Classifier);
        float[] values = _excerpts[..(count * ExcerptLength)];
        Tensor input = Tensor.From(backend, new Shape(count, 1, ExcerptFrames, Bands), values);
        float[] ours = new float[count * SvdNet.FeatureCount];
        void Run()
        {
            using Tensor features = network.Features(input);
            using Tensor probability = network.Probability(features);
            features.CopyTo(ours);
        }

        OnnxPeer peer = new(network.Export(), _machine.Threads, [count, 1, ExcerptFrames, Bands], values);
        Run();
        Check.Close(peer.Output("features"), ours, Check.NetworkTolerance, $"{name}, features against ONNX Runtime's");
        return new Contest
        {
            Name = name, Run = Run,
            Peer = InferencePeer, PeerTimes = TimesOf(peer, count == Batch ? "svdnet-forward" : null), Owned = [backend, network, input, peer],
        };
    }

    private Contest WholeSong()
    {
        IBackend backend = _machine.Open();
        SvdNet network = SvdNet.Load(backend, BundledFiles.Classifier);
        BandStatistics statistics = BandStatistics.Read(BundledFiles.Statistics);
        SongPredictor predictor = new(backend, network, statistics);
        float[] song = Random(SongFrames * Bands, 3), ours = new float[SongFrames];
        void Run()
        {
            int at = 0;
            predictor.Predict(
                frames =>
                {
                    int count = Math.Min(LogMelReader.BlockFrames, SongFrames - at);
                    song.AsSpan(at * Bands, count * Bands).CopyTo(frames);
                    at += count;
                    return count;
                },
                (first, probabilities, _) => probabilities.CopyTo(ours.AsSpan((int)first)));
        }

        float[] silence = [.. Enumerable.Repeat(statistics.Silence, ContextFrames).SelectMany(frame => frame)];
        OnnxPeer peer = new(network.ExportEveryFrame(), _machine.Threads, [1, 1, SongFrames + 2 * ContextFrames, Bands], [.. silence, .. song, .. silence]);
        Run();
        Check.Close(peer.Output("probability"), ours, Check.NetworkTolerance, "whole song, probabilities against ONNX Runtime's");
        return new Contest
        {
            Name = "whole song, a minute", Run = Run,
            Peer = InferencePeer, PeerTimes = TimesOf(peer, null), Owned = [backend, network, peer],
        };
    }

    private Contest TrainClassifier()
    {
        const string name = "SVDNet training step, 32 excerpts", work = "svdnet-step";
        CompareLosses(name, work, (backend, owned) => ClassifierStep(backend, SvdNet.Load(backend, PathOf("svdnet.npz")), owned));
        IBackend backend = _machine.Open();
        List<IDisposable> owned = [backend];

        // With dropout, as it is trained.
        Func<double> step = ClassifierStep(backend, SvdNet.Create(backend, new RandomSource(1)), owned);
        return new Contest
        {
            Name = name, Run = () => step(), Owned = owned,
            Peer = TrainingPeer, PeerTimes = TorchTimesOf(work),
        };
    }

    private Func<double> ClassifierStep(IBackend backend, SvdNet network, List<IDisposable> owned)
    {
        TrainableParameters parameters = new(network.Layers, backend);
        NesterovMomentum optimizer = new(parameters, 0.95f);
        Tape tape = new();
        Tensor input = tape.Watch(Tensor.From(backend, new Shape(Batch, 1, ExcerptFrames, Bands), _excerpts));
        Tensor target = Tensor.From(backend, new Shape(Batch, 1), _targets);
        owned.AddRange([network, parameters, optimizer, tape, input, target]);
        float[] value = new float[1];
        return () =>
        {
            tape.Reset();
            Tensor loss = network.Logits(input).SigmoidCrossEntropy(target);
            tape.Backward(loss);
            loss.CopyTo(value);
            optimizer.Step(0.01);
            backend.Synchronize();
            return value[0];
        };
    }

    private Contest Invert(InversionArchitecture size)
    {
        string name = $"inversion forward, 32, {size.Name} size";
        IBackend backend = _machine.Open();
        InversionNetwork network = InversionNetwork.Load(backend, PathOf($"inversion-{size.Name}.npz"));
        Tensor input = Tensor.From(backend, new Shape(Batch, SvdNet.FeatureCount), _features);
        float[] ours = new float[Batch * ExcerptLength];
        void Run()
        {
            using Tensor inverted = network.Forward(input);
            inverted.CopyTo(ours);
        }

        OnnxPeer peer = new(network.Export(), _machine.Threads, [Batch, SvdNet.FeatureCount], _features);
        Run();
        Check.Close(peer.Output("inverted"), ours, Check.NetworkTolerance, $"{name}, against ONNX Runtime's");
        return new Contest
        {
            Name = name, Run = Run,
            Peer = InferencePeer, PeerTimes = TimesOf(peer, $"inversion-{size.Name}-forward"), Owned = [backend, network, input, peer],
        };
    }

    private Contest TrainInverter(InversionArchitecture size)
    {
        string name = $"inversion training step, 32, {size.Name} size", work = $"inversion-{size.Name}-step";
        CompareLosses(name, work, (backend, owned) => InverterStep(backend, size, owned));
        IBackend backend = _machine.Open();
        List<IDisposable> owned = [backend];
        Func<double> step = InverterStep(backend, size, owned);
        return new Contest
        {
            Name = name, Run = () => step(), Owned = owned,
            Peer = TrainingPeer, PeerTimes = TorchTimesOf(work),
        };
    }

    private Func<double> InverterStep(IBackend backend, InversionArchitecture size, List<IDisposable> owned)
    {
        Sequential network = size.Build();
        network.Load(PathOf($"inversion-{size.Name}.npz"), backend);
        TrainableParameters parameters = new(network, backend);
        Adam optimizer = new(parameters);
        Tape tape = new();
        Tensor input = tape.Watch(Tensor.From(backend, new Shape(Batch, SvdNet.FeatureCount), _features));
        Tensor target = Tensor.From(backend, new Shape(Batch, 1, ExcerptFrames, Bands), _excerpts);
        owned.AddRange([network, parameters, optimizer, tape, input, target]);
        return () =>
        {
            tape.Reset();
            Tensor loss = network.Forward(input).MeanSquaredError(target);
            tape.Backward(loss);
            (double error, _) = parameters.AddL2Penalty(1e-4f, loss);
            optimizer.Step(0.001);
            backend.Synchronize();
            return error;
        };
    }

    // The same samples from memory, in blocks as LogMelReader takes them.
    private Contest LogMel()
    {
        IBackend backend = _machine.Open(threads: 1);
        LogMelExtractor extractor = new(backend);
        BandNormalizer normalizer = BandStatistics.Read(BundledFiles.Statistics).On(backend);
        float[] samples = Random(60 * SampleRate, 4), ours = new float[FrameCount(samples.Length) * Bands];
        void Run()
        {
            for (int frame = 0; frame * Bands < ours.Length; frame += LogMelReader.BlockFrames)
            {
                int frames = Math.Min(LogMelReader.BlockFrames, ours.Length / Bands - frame);
                using Tensor logMel = extractor.Transform(samples.AsSpan(frame * Hop, (frames - 1) * Hop + FrameLength));
                using Tensor normalized = normalizer.Normalize(logMel);
                normalized.CopyTo(ours.AsSpan(frame * Bands, frames * Bands));
            }
        }

        const int checkedFrames = 40;
        Run();
        using (IBackend reference = Backends.CreateReference())
        using (LogMelExtractor definition = new(reference))
        using (BandNormalizer normalisation = BandStatistics.Read(BundledFiles.Statistics).On(reference))
        using (Tensor logMel = definition.Transform(samples.AsSpan(0, (checkedFrames - 1) * Hop + FrameLength)))
        using (Tensor normalized = normalisation.Normalize(logMel))
        {
            Check.Close(normalized.ToArray(), ours.AsSpan(0, checkedFrames * Bands), Check.NetworkTolerance, "log-mel against its definition");
        }

        if (_machine.Gpu is not null)
        {
            return new Contest { Name = "log-mel, a minute", Run = Run, AudioSeconds = 60, Owned = [backend, extractor, normalizer] };
        }

        // NWaves does not normalise, so its frames are compared with ours before that.
        NWavesPeer peer = new(samples);
        using (Tensor logMel = extractor.Transform(samples.AsSpan(0, (checkedFrames - 1) * Hop + FrameLength)))
        {
            float[] theirs = [.. peer.Run().Take(checkedFrames).SelectMany(frame => frame)];
            Check.Close(theirs, logMel.ToArray(), Check.NetworkTolerance, "log-mel against NWaves'");
        }

        return new Contest
        {
            Name = "log-mel, a minute, 1 thread", Run = Run, AudioSeconds = 60,
            Peer = "NWaves", PeerTimes = Alternation.TimesOf(() => peer.Run()), Owned = [backend, extractor, normalizer],
        };
    }

    // The peer of inference: ONNX Runtime on the processor, PyTorch on CUDA, none on another GPU. ONNX Runtime's output is compared everywhere.
    private string? InferencePeer => _machine.Gpu is null ? "ONNX Runtime" : _machine.IsCuda ? "PyTorch" : null;

    private string? TrainingPeer => _machine.Gpu is null || _machine.IsCuda ? "PyTorch" : null;

    private Func<int, double[]>? TimesOf(OnnxPeer onnx, string? work) =>
        _machine.Gpu is null ? Alternation.TimesOf(onnx.Run) : work is null ? null : TorchTimesOf(work);

    private Func<int, double[]>? TorchTimesOf(string work) =>
        _torch is null || TrainingPeer is null ? null : runs => _torch.Times(work, runs);

    private void CompareLosses(string name, string work, Func<IBackend, List<IDisposable>, Func<double>> make)
    {
        if (_torch is null) return;
        IBackend backend = _machine.Open();
        List<IDisposable> owned = [backend];
        Func<double> step = make(backend, owned);
        double[] theirs = _torch.Losses(work, ComparedSteps);
        for (int i = 0; i < ComparedSteps; i++)
        {
            Check.Close([(float)theirs[i]], [(float)step()], Check.LossTolerance, $"{name}, loss of step {i + 1} against PyTorch's");
        }

        foreach (IDisposable each in Enumerable.Reverse(owned)) each.Dispose();
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static float[] Random(int count, ulong seed)
    {
        RandomSource random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)random.NextDouble(-1, 1);
        return values;
    }
}
