using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Train;

/// <summary>A song that scores a classifier.</summary>
/// <param name="Frames">Normalised log-mel, frames×80.</param>
/// <param name="Labels">One label per frame: 1 if sung, else 0.</param>
internal sealed record ValidationSong(float[] Frames, float[] Labels);

/// <summary>
/// Trains SVDNet (Schlüter and Grill, ISMIR 2015): binary cross-entropy on targets 0.02 and 0.98, batches of 32, orthogonal weights, dropout 0.5 before the
/// dense layers, Nesterov momentum 0.95, learning rate 0.01, times 0.85 an epoch. What is scored and saved is an average of the weights over the steps, which
/// the recipe does not have: <see cref="WeightAverage"/>. Batches are prepared on background threads.
/// </summary>
internal sealed class ClassifierTraining : IDisposable
{
    /// <summary>The recipe's number of excerpts in a step.</summary>
    public const int UsualBatchSize = 32;

    private const double InitialLearningRate = 0.01;
    private const double Decay = 0.85;
    private const float Momentum = 0.95f;
    private const float LowTarget = 0.02f;
    private const float HighTarget = 0.98f;
    private const double ValidationThreshold = 0.5;

    // How much of the average is kept from step to step: it reaches back a thousand steps.
    private const double AverageDecay = 0.999;

    // A step has fewer operations than this, so no two operations of a training share a dropout mask.
    private const ulong SeedsPerStep = 256;

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly SvdNet _average;
    private readonly TrainingExcerpts _excerpts;
    private readonly IReadOnlyList<ValidationSong> _validation;
    private readonly SongPredictor _predictor;
    private readonly TrainableParameters _parameters;
    private readonly int _batchesPerEpoch;
    private readonly ulong _seed;
    private readonly Tape _tape = new();
    private readonly int _batchSize;
    private readonly Tensor _batch;
    private readonly Tensor _input;
    private readonly Tensor _target;
    private readonly float[] _values;
    private readonly float[] _loss = new float[1];
    private BatchPipeline<ExcerptBatch>? _pipeline;

    /// <summary>Draws the initial weights.</summary>
    /// <param name="backend">The backend that trains.</param>
    /// <param name="songs">The songs to train with.</param>
    /// <param name="solo">Singers alone, to mix with them: <see cref="TrainingExcerpts"/>. There may be none.</param>
    /// <param name="validation">The songs that score the network after each epoch.</param>
    /// <param name="statistics">Normalise the training songs.</param>
    /// <param name="augment">Whether to stretch, shift and filter the excerpts at random.</param>
    /// <param name="batchesPerEpoch">The number of steps in an epoch.</param>
    /// <param name="batchSize">The number of excerpts in a step.</param>
    /// <param name="seed">Decides everything random.</param>
    public ClassifierTraining(
        IBackend backend, IReadOnlyList<TrainingSong> songs, IReadOnlyList<TrainingSong> solo, IReadOnlyList<ValidationSong> validation,
        BandStatistics statistics, bool augment, int batchesPerEpoch, int batchSize, ulong seed)
    {
        (_backend, _validation, _batchesPerEpoch, _batchSize, _seed) = (backend, validation, batchesPerEpoch, batchSize, seed);
        _excerpts = new TrainingExcerpts(songs, solo, statistics, augment ? new Augmentation() : Augmentation.None, seed);
        _network = SvdNet.Create(backend, new RandomSource(seed));
        _parameters = new TrainableParameters(_network.Layers, backend);
        WeightAverage averaging = new(new NesterovMomentum(_parameters, Momentum), _parameters, AverageDecay);
        Optimizer = averaging;
        _average = SvdNet.Averaged(averaging);
        _predictor = new SongPredictor(backend, _average, statistics);
        (Shape excerpts, Shape targets) = (new Shape(batchSize, 1, ExcerptFrames, Bands), new Shape(batchSize, 1));
        _values = new float[excerpts.Length + targets.Length];
        _batch = Tensor.Allocate(backend, new Shape(_values.Length));
        _input = _tape.Watch(_batch.Part(0, excerpts));
        _target = _batch.Part(excerpts.Length, targets);
    }

    /// <summary>The layers in training.</summary>
    public Sequential Network => _network.Layers;

    /// <summary>Their optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The plan of a run with this number of epochs.</summary>
    public TrainingPlan Plan(int epochs, IReadOnlyList<(string Name, double Number)> identity) =>
        new(Network, Optimizer, new StepDecay(InitialLearningRate, Decay), epochs, _batchesPerEpoch, _batchSize, identity)
        {
            Step = Step, Result = _average.Layers, Validate = Validate,
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
        _batch.Dispose();
        _network.Dispose();
        _average.Dispose();
    }

    private double Step(int epoch, int batch)
    {
        long step = (long)epoch * _batchesPerEpoch + batch;
        _pipeline ??= new BatchPipeline<ExcerptBatch>(() => new ExcerptBatch(_batchSize), _excerpts.Fill, step);
        ExcerptBatch next = _pipeline.Next();
        next.Inputs.CopyTo(_values, 0);
        for (int n = 0; n < _batchSize; n++) _values[next.Inputs.Length + n] = next.Labels[n] > 0 ? HighTarget : LowTarget;
        _backend.Upload(_values, _batch.View);
        _tape.Reset();
        _tape.Seed = unchecked((_seed << 40) + (ulong)step * SeedsPerStep);
        Tensor loss = _network.Logits(_input).SigmoidCrossEntropy(_target);
        _tape.Backward(loss);
        loss.CopyTo(_loss);
        return _loss[0];
    }

    /// <summary>The class threshold with the fewest errors on the validation songs, for the current weights.</summary>
    public double TuneThreshold() => Smoothed(PredictValidation()).TuneThreshold();

    // The loss of the log's first column on all frames of the validation songs, and their error after smoothing.
    private IReadOnlyList<(string Name, double Value)> Validate()
    {
        float[][] predicted = PredictValidation();
        double loss = predicted.Zip(_validation).Sum(song => song.First.Zip(song.Second.Labels, CrossEntropy).Sum());
        return [("valid_loss", loss / predicted.Sum(song => (long)song.Length)), ("valid_error", Smoothed(predicted).Scores(ValidationThreshold).Error!.Value)];
    }

    private static double CrossEntropy(float probability, float label)
    {
        const double least = 1e-7; // Where float32 has rounded to 0 or 1.
        double p = Math.Clamp(probability, least, 1 - least), target = label > 0 ? HighTarget : LowTarget;
        return -target * Math.Log(p) - (1 - target) * Math.Log(1 - p);
    }

    private float[][] PredictValidation()
    {
        _average.WeightsChanged();
        return [.. _validation.Select(song => _predictor.Predict(song.Frames))];
    }

    private LabelledSong Smoothed(float[][] predicted) =>
        LabelledSong.Together([.. predicted.Zip(_validation, (song, truth) => new LabelledSong("", Segments.Median(song), truth.Labels))]);
}
