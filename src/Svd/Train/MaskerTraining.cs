using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Train;

/// <summary>
/// Trains a mask network with a fixed classifier in the loop. For each excerpt x with label y (the classifier's own), the importance z becomes a mask that
/// keeps a random share of the bins, the most important ones. Since the share varies, the network learns the order of the bins. The loss is
/// <code>cross-entropy(f(m ⊙ x) − θ, y) + ¼ · cross-entropy(f(x − m ⊙ x) − θ, 1 − y)</code>
/// for sufficiency and necessity, plus an L2 penalty. Here f is the classifier's logit, and θ is the logit at which it begins to say singing. If there are
/// other detectors in the loop, the loss is the mean of all, each with its own label: the mask network sees only the first one's features, but its regions
/// must hold for all, and so for detectors that are not there, too. Nothing asks for masks in one piece; the architecture alone gives them. The optimiser is
/// ADAM, and the learning rate falls by a factor after each epoch.
/// </summary>
/// <remarks>
/// The mask is of 0 and 1, and its gradient is that of a sigmoid (see <see cref="TopKMaskOp"/>): with soft masks the network would use shades of grey that no
/// threshold keeps. The classifier's weights are not on the tape, so no gradients of filters are computed.
/// </remarks>
internal sealed class MaskerTraining : IDisposable
{
    private const float L2 = 1e-5f;
    private const double InitialLearningRate = 0.002;
    private const double Decay = 0.7;
    private const float NecessityWeight = 0.25f;
    private const double SmallestArea = 0.05, LargestArea = 0.5;

    // Half of the bins lie where the sigmoid still has a slope.
    private const float Steepness = 2;
    private const int ValidationHop = FramesPerSecond / 2;

    // The areas for which the log reports the validation songs.
    private static readonly double[] _validationAreas = [0.4, 0.2, 0.1];

    private readonly IBackend _backend;
    private readonly SvdNet _classifier;
    private readonly SvdNet[] _inTheLoop;
    private readonly MaskNetwork _network;
    private readonly ExcerptBatches _excerpts;
    private readonly IReadOnlyList<float[]> _validation;
    private readonly ExcerptDetector _detector;
    private readonly TrainableParameters _parameters;
    private readonly int _batchSize;
    private readonly double _classThreshold;
    private readonly float _logitThreshold;
    private readonly ulong _seed;
    private readonly Tape _tape = new();
    private readonly Tensor _batch;
    private readonly Tensor _input;
    private readonly Tensor _counts;
    private readonly Tensor _logitThresholds;
    private readonly Tensor _ones;
    private readonly Tensor[] _silent;
    private readonly float[] _values;
    private readonly RandomSource _random = new(0);

    /// <summary>Draws the network's initial weights.</summary>
    /// <param name="backend">The backend that trains.</param>
    /// <param name="classifier">The fixed classifier, without dropout.</param>
    /// <param name="judges">Other fixed detectors in the loop, for inputs with the same statistics; there may be none.</param>
    /// <param name="songs">Normalised log-mel frames of each training song, frames×80.</param>
    /// <param name="validation">The same for the validation songs, which the log reports; there may be none.</param>
    /// <param name="hop">The number of frames from one excerpt to the next.</param>
    /// <param name="batchSize">The number of excerpts in a step.</param>
    /// <param name="classThreshold">Excerpts with at least this probability count as singing.</param>
    /// <param name="seed">Seeds the weights, the order and the areas.</param>
    /// <exception cref="EngineException">The excerpts do not fill a batch.</exception>
    public MaskerTraining(
        IBackend backend, SvdNet classifier, IReadOnlyList<SvdNet> judges, IReadOnlyList<float[]> songs, IReadOnlyList<float[]> validation, int hop,
        int batchSize, double classThreshold, ulong seed)
    {
        (_backend, _classifier, _validation, _batchSize, _classThreshold, _seed) = (backend, classifier, validation, batchSize, classThreshold, seed);
        _inTheLoop = [classifier, .. judges];
        _logitThreshold = (float)Math.Log(classThreshold / (1 - classThreshold));
        _excerpts = new ExcerptBatches(songs, hop, batchSize, seed);
        _detector = new ExcerptDetector(backend, classifier);
        _network = MaskNetwork.Create(backend, new RandomSource(seed));
        _parameters = new TrainableParameters(_network.Layers, backend);
        Optimizer = new Adam(_parameters);
        (Shape excerpts, Shape logits) = (new Shape(batchSize, 1, ExcerptFrames, Bands), new Shape(batchSize, 1));
        _values = new float[excerpts.Length + batchSize];
        _batch = Tensor.Allocate(backend, new Shape(_values.Length));
        _input = _tape.Watch(_batch.Part(0, excerpts));
        _counts = _batch.Part(excerpts.Length, new Shape(batchSize));
        _logitThresholds = _tape.Watch(Tensor.From(backend, logits, [.. Enumerable.Repeat(_logitThreshold, batchSize)]));
        _ones = Tensor.From(backend, logits, [.. Enumerable.Repeat(1f, batchSize)]);
        _silent = [.. _inTheLoop.Select(_ => Tensor.Allocate(backend, logits))];
    }

    /// <summary>The layers in training.</summary>
    public Module Network => _network.Layers;

    /// <summary>Their optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The plan of a run with this number of epochs.</summary>
    public TrainingPlan Plan(int epochs, IReadOnlyList<(string Name, double Number)> identity) =>
        new(Network, Optimizer, new StepDecay(InitialLearningRate, Decay), epochs, _excerpts.BatchesPerEpoch, _batchSize, identity)
        {
            Step = Step, Validate = Validate,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        _tape.Dispose();
        _detector.Dispose();
        Optimizer.Dispose();
        _parameters.Dispose();
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[_input, _counts, _batch, _logitThresholds, _ones, .. _silent]) tensor.Dispose();
        _network.Dispose();
    }

    private double Step(int epoch, int batch)
    {
        _excerpts.Read(epoch, batch, _values);
        _random.Restart(_seed, (ulong)RandomPurpose.MaskArea, (ulong)((long)epoch * _excerpts.BatchesPerEpoch + batch));
        DrawCounts();
        _backend.Upload(_values, _batch.View);
        _tape.Reset();
        SvdNetMaps maps = _classifier.Maps(_input);
        for (int i = 0; i < _inTheLoop.Length; i++)
        {
            // 1 where f < θ, the other class's label 1 − y: the slope of ReLU at θ − f.
            Tensor logits = i == 0 ? _classifier.LogitsOf(maps.Features) : _inTheLoop[i].Logits(_input), below = _logitThresholds.Add(logits, -1);
            _backend.Run(new ActivateBackwardOp(Activation.Relu, below.View, _ones.View, _silent[i].View));
        }

        Tensor kept = _network.Forward(maps).TopKMask(_counts, Steepness).Multiply(_input), removed = _input.Add(kept, -1);
        Tensor loss = Loss(0, kept, removed);
        for (int i = 1; i < _inTheLoop.Length; i++) loss = loss.Add(Loss(i, kept, removed));
        _tape.Backward(loss);
        (double error, double penalty) = _parameters.AddL2Penalty(L2, loss);
        return double.IsFinite(penalty) ? error : penalty;
    }

    // A detector's share of the loss. Cross-entropy stays the same if the logit's sign and the label change together.
    private Tensor Loss(int detector, Tensor kept, Tensor removed)
    {
        (SvdNet network, Tensor silent, float share) = (_inTheLoop[detector], _silent[detector], 1f / _inTheLoop.Length);
        return _logitThresholds.Add(network.Logits(kept), -1).SigmoidCrossEntropy(silent, share)
            .Add(network.Logits(removed).Add(_logitThresholds, -1).SigmoidCrossEntropy(silent, share * NecessityWeight));
    }

    // Draws how many bins the mask of each excerpt keeps.
    private void DrawCounts()
    {
        for (int n = 0; n < _batchSize; n++)
        {
            double area = SmallestArea * Math.Pow(LargestArea / SmallestArea, _random.NextDouble());
            _values[_batchSize * ExcerptLength + n] = (float)Math.Round(area * ExcerptLength);
        }
    }

    // The loss on the validation excerpts at fixed areas, and the percentage of them whose label changes if only a share of the bins is kept, and if only it is
    // removed.
    private IReadOnlyList<(string Name, double Value)> Validate()
    {
        if (_validation.Count == 0) return [];
        NetworkMethod method = NetworkMethod.Of(_detector, _network);
        MaskedPredictor predictor = new(_detector);
        double loss = 0;
        int[] changedKept = new int[_validationAreas.Length], changedRemoved = new int[_validationAreas.Length];
        int all = 0;
        foreach (float[] song in _validation)
        {
            ExcerptList excerpts = new([song.Length / Bands], ValidationHop);
            for (int first = 0; first < excerpts.Count; first += _batchSize)
            {
                int count = Math.Min(_batchSize, excerpts.Count - first);
                float[] batch = new float[count * ExcerptLength];
                for (int n = 0; n < count; n++) song.AsSpan(excerpts[first + n].Start * Bands, ExcerptLength).CopyTo(batch.AsSpan(n * ExcerptLength));
                loss += AddChanges(batch, method, predictor, changedKept, changedRemoved);
                all += count;
            }
        }

        return
        [
            ("valid_loss", loss / ((double)all * _validationAreas.Length)),
            .. _validationAreas.SelectMany((area, a) => ((string, double)[])
                [($"valid_kept_{100 * area:F0}", 100.0 * changedKept[a] / all), ($"valid_removed_{100 * area:F0}", 100.0 * changedRemoved[a] / all)]),
        ];
    }

    // Adds, for each area, the number of excerpts whose label changes, and returns the sum of the losses.
    private double AddChanges(float[] batch, NetworkMethod method, MaskedPredictor predictor, int[] changedKept, int[] changedRemoved)
    {
        using DetectorAnswer answer = method.Ask(batch);
        int count = answer.Probabilities.Length, areas = _validationAreas.Length;
        float[] importance = method.ImportanceOf(answer), mask = new float[ExcerptLength];
        float[] kept = new float[count * areas], removed = new float[count * areas];
        ImportanceOrder order = new();
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            order.Sort(importance.AsSpan(at));
            for (int a = 0; a < areas; a++)
            {
                order.Mask((int)Math.Round(_validationAreas[a] * ExcerptLength), mask);
                predictor.Add(batch.AsSpan(at), mask, MaskSide.Kept, [], kept, n * areas + a);
                predictor.Add(batch.AsSpan(at), mask, MaskSide.Removed, [], removed, n * areas + a);
            }
        }

        predictor.Flush();
        double loss = 0;
        for (int i = 0; i < kept.Length; i++)
        {
            bool isSinging = answer.Probabilities[i / areas] >= _classThreshold;
            if (kept[i] >= _classThreshold != isSinging) changedKept[i % areas]++;
            if (removed[i] >= _classThreshold != isSinging) changedRemoved[i % areas]++;
            loss += CrossEntropy(kept[i], isSinging) + NecessityWeight * CrossEntropy(removed[i], !isSinging);
        }

        return loss;
    }

    // −ln σ(±(f − θ)) of a probability σ(f), plus where it should be singing.
    private double CrossEntropy(float probability, bool singing)
    {
        const double least = 1e-7; // Where float32 has rounded to 0 or 1.
        double p = Math.Clamp(probability, least, 1 - least), logit = Math.Log(p / (1 - p)) - _logitThreshold;
        return Math.Log(1 + Math.Exp(singing ? -logit : logit));
    }
}
