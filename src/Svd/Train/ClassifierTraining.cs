using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Train;

/// <summary>A song that a classifier is scored on.</summary>
/// <param name="Frames">Normalised log-mel, frames×80.</param>
/// <param name="Labels">1 where it is sung and 0 elsewhere, one a frame.</param>
internal sealed record ValidationSong(float[] Frames, float[] Labels);

/// <summary>
/// Trains SVDNet (Schlüter and Grill, ISMIR 2015): binary cross-entropy on targets 0.02 and 0.98, batches of 32, orthogonal weights, dropout 0.5 before the
/// dense layers, Nesterov momentum 0.95, learning rate 0.01, times 0.85 an epoch. Batches are prepared on background threads.
/// </summary>
internal sealed class ClassifierTraining : IDisposable
{
    /// <summary>Excerpts of a step.</summary>
    public const int BatchSize = 32;

    private const double InitialLearningRate = 0.01;
    private const double Decay = 0.85;
    private const float Momentum = 0.95f;
    private const float LowTarget = 0.02f;
    private const float HighTarget = 0.98f;
    private const double ValidationThreshold = 0.5;

    // A step's operations are fewer than this, so no two operations of a training share a dropout mask.
    private const ulong SeedsPerStep = 256;

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly TrainingExcerpts _excerpts;
    private readonly IReadOnlyList<ValidationSong> _validation;
    private readonly SongPredictor _predictor;
    private readonly TrainableParameters _parameters;
    private readonly int _batchesPerEpoch;
    private readonly ulong _seed;
    private readonly Tape _tape = new();
    private readonly Tensor _input;
    private readonly Tensor _target;
    private readonly float[] _targetValues = new float[BatchSize];
    private readonly float[] _loss = new float[1];
    private BatchPipeline<ExcerptBatch>? _pipeline;

    /// <summary>Draws the first weights.</summary>
    public ClassifierTraining(
        IBackend backend, IReadOnlyList<TrainingSong> songs, IReadOnlyList<ValidationSong> validation, BandStatistics statistics, bool augment,
        int batchesPerEpoch, ulong seed)
    {
        (_backend, _validation, _batchesPerEpoch, _seed) = (backend, validation, batchesPerEpoch, seed);
        _excerpts = new TrainingExcerpts(songs, statistics, augment ? new Augmentation() : Augmentation.None, seed);
        _network = SvdNet.Create(backend, new RandomSource(seed));
        _predictor = new SongPredictor(backend, _network, statistics);
        _parameters = new TrainableParameters(_network.Layers, backend);
        Optimizer = new NesterovMomentum(_parameters, Momentum);
        _input = _tape.Watch(Tensor.Allocate(backend, new Shape(BatchSize, 1, ExcerptFrames, Bands)));
        _target = Tensor.Allocate(backend, new Shape(BatchSize, 1));
    }

    /// <summary>The layers in training.</summary>
    public Sequential Network => _network.Layers;

    /// <summary>Their optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The plan of a run of so many epochs.</summary>
    public TrainingPlan Plan(int epochs, IReadOnlyList<(string Name, double Number)> identity) =>
        new(Network, Optimizer, new StepDecay(InitialLearningRate, Decay), epochs, _batchesPerEpoch, BatchSize, identity)
        {
            Step = Step, Validate = Validate,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        _pipeline?.Dispose();
        _tape.Dispose();
        Optimizer.Dispose();
        _parameters.Dispose();
        _input.Dispose();
        _target.Dispose();
        _network.Dispose();
    }

    private double Step(int epoch, int batch)
    {
        long step = (long)epoch * _batchesPerEpoch + batch;
        _pipeline ??= new BatchPipeline<ExcerptBatch>(() => new ExcerptBatch(BatchSize), _excerpts.Fill, step);
        ExcerptBatch next = _pipeline.Next();
        for (int n = 0; n < BatchSize; n++) _targetValues[n] = next.Labels[n] > 0 ? HighTarget : LowTarget;
        _backend.Upload(next.Inputs, _input.View);
        _backend.Upload(_targetValues, _target.View);
        _tape.Reset();
        _tape.Seed = unchecked((_seed << 40) + (ulong)step * SeedsPerStep);
        Tensor loss = _network.Logits(_input).SigmoidCrossEntropy(_target);
        _tape.Backward(loss);
        loss.CopyTo(_loss);
        return _loss[0];
    }

    private IReadOnlyList<(string Name, double Value)> Validate()
    {
        _network.WeightsChanged();
        LabelledSong all = LabelledSong.Together(
            [.. _validation.Select(song => new LabelledSong("", Segments.Median(_predictor.Predict(song.Frames)), song.Labels))]);
        return [("valid_error", all.Scores(ValidationThreshold).Error!.Value)];
    }
}
