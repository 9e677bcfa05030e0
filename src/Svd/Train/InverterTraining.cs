using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Train;

/// <summary>
/// Trains an inversion network for a fixed classifier (the paper, sections II.A and III.A). The loss is the mean squared error between an excerpt and the
/// network's output for its features, plus an L2 penalty of 1e-4 on weights and gammas. ADAM starts at 0.001 and halves the rate on plateaus. Batches come in
/// random order, and the last partial one is dropped. What the layer makes of the excerpts is computed once if it fits into a gigabyte, else in each step.
/// </summary>
internal sealed class InverterTraining : IDisposable
{
    private const float L2 = 1e-4f;
    private const double InitialLearningRate = 0.001;
    private const int ValidationHop = FramesPerSecond / 2;
    private const int ExcerptsAtATime = 32;

    // The same on every machine, so that the same command gives the same bits.
    private const long MostKeptBytes = 1 << 30;

    private readonly IBackend _backend;
    private readonly ExcerptBatches _excerpts;
    private readonly SvdNetLayer _layer;
    private readonly int _length;

    // What the layer makes of all excerpts, if it is kept.
    private readonly float[]? _features;
    private readonly IReadOnlyList<float[]> _validation;
    private readonly SvdNet _classifier;
    private readonly int _batchSize;
    private readonly TrainableParameters _parameters;
    private readonly Tape _tape = new();
    private readonly Tensor _batch;
    private readonly Tensor _input;
    private readonly Tensor _target;
    private readonly float[] _values;

    /// <summary>Computes the features of all excerpts, if they are kept, and draws the network's initial weights.</summary>
    /// <param name="backend">The backend that trains.</param>
    /// <param name="classifier">The fixed classifier.</param>
    /// <param name="songs">Normalised log-mel frames of each song, frames×80.</param>
    /// <param name="validation">The same for the validation songs, whose loss the log reports; there may be none.</param>
    /// <param name="architecture">The network.</param>
    /// <param name="hop">The number of frames from one excerpt to the next.</param>
    /// <param name="batchSize">The number of excerpts in a step.</param>
    /// <param name="seed">Seeds the weights and the order.</param>
    /// <param name="featuresDone">Gets how many excerpts of how many have their features.</param>
    /// <param name="mostKeptBytes">Features that take more memory are computed in each step.</param>
    /// <exception cref="EngineException">The excerpts do not fill a batch.</exception>
    public InverterTraining(
        IBackend backend, SvdNet classifier, IReadOnlyList<float[]> songs, IReadOnlyList<float[]> validation, InversionArchitecture architecture, int hop,
        int batchSize, ulong seed, Action<int, int> featuresDone, long mostKeptBytes = MostKeptBytes)
    {
        (_backend, _classifier, _validation, _batchSize) = (backend, classifier, validation, batchSize);
        (_layer, _length) = (architecture.Layer, architecture.Layer.Length);
        _excerpts = new ExcerptBatches(songs, hop, batchSize, seed);
        if ((long)_excerpts.Count * _length * sizeof(float) <= mostKeptBytes)
        {
            _features = new float[_excerpts.Count * _length];
            ForEachBatch(_excerpts.Count, number => _excerpts[number], (first, features, _) =>
            {
                features.CopyTo(_features.AsSpan(first * _length, features.Shape.Length));
                featuresDone(first + features.Shape[0], _excerpts.Count);
            });
        }

        Network = architecture.Build();
        Initializers.Initialize(Network, backend, WeightInitializer.HeNormal, new RandomSource(seed));
        _parameters = new TrainableParameters(Network, backend);
        Optimizer = new Adam(_parameters);
        (Shape features, Shape excerpts) = (_layer.ShapeOf(batchSize), new Shape(batchSize, 1, ExcerptFrames, Bands));
        _batch = Tensor.Allocate(backend, new Shape(features.Length + excerpts.Length));
        _input = _tape.Watch(_batch.Part(0, features));
        _target = _batch.Part(features.Length, excerpts);
        _values = new float[_features is null ? excerpts.Length : _batch.Shape.Length];
    }

    /// <summary>The network in training.</summary>
    public Sequential Network { get; }

    /// <summary>Its optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The plan of a run with this number of epochs.</summary>
    public TrainingPlan Plan(int epochs, IReadOnlyList<(string Name, double Number)> identity) =>
        new(Network, Optimizer, new HalveOnPlateau(InitialLearningRate), epochs, _excerpts.BatchesPerEpoch, _batchSize, identity)
        {
            Step = Step, Validate = Validate,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        _tape.Dispose();
        Optimizer.Dispose();
        _parameters.Dispose();
        _input.Dispose();
        _target.Dispose();
        _batch.Dispose();
        Network.Dispose();
    }

    private double Step(int epoch, int batch)
    {
        UploadBatch(epoch, batch);
        _tape.Reset();
        Tensor loss = Network.Forward(_input).MeanSquaredError(_target);
        _tape.Backward(loss);
        (double error, double penalty) = _parameters.AddL2Penalty(L2, loss);

        // Like the published log, this one holds only the error; the penalty is part of the gradient, and of the check whether the loss is finite.
        return double.IsFinite(penalty) ? error : penalty;
    }

    private void UploadBatch(int epoch, int batch)
    {
        if (_features is null)
        {
            _excerpts.Read(epoch, batch, _values);
            _backend.Upload(_values, _target.View);
            using Tensor features = _classifier.Output(_target, _layer);
            _backend.Copy(features.View, _input.View);
            return;
        }

        ReadOnlySpan<int> numbers = _excerpts.Read(epoch, batch, _values.AsSpan(_input.Shape.Length));
        for (int n = 0; n < numbers.Length; n++) _features.AsSpan(numbers[n] * _length, _length).CopyTo(_values.AsSpan(n * _length));
        _backend.Upload(_values, _batch.View);
    }

    // The mean squared error over an excerpt every half second of the validation songs.
    private IReadOnlyList<(string Name, double Value)> Validate()
    {
        if (_validation.Count == 0) return [];
        ExcerptList excerpts = new([.. _validation.Select(song => song.Length / Bands)], ValidationHop);
        double sum = 0;
        ForEachBatch(
            excerpts.Count, number => _validation[excerpts[number].Song].AsSpan(excerpts[number].Start * Bands, ExcerptLength),
            (_, features, batch) =>
            {
                using Tensor output = Network.Forward(features);
                float[] difference = output.ToArray();
                TensorPrimitives.Subtract(difference, batch, difference);
                foreach (float value in difference) sum += (double)value * value;
            });
        return [("valid_loss", sum / ((double)excerpts.Count * ExcerptLength))];
    }

    // Computes the features of excerpts, a few at a time: the action gets the number of the first, N×64 features and the N excerpts.
    private void ForEachBatch(int count, ExcerptReader read, Action<int, Tensor, float[]> act)
    {
        for (int first = 0; first < count; first += ExcerptsAtATime)
        {
            float[] batch = new float[Math.Min(ExcerptsAtATime, count - first) * ExcerptLength];
            for (int n = 0; n * ExcerptLength < batch.Length; n++) read(first + n).CopyTo(batch.AsSpan(n * ExcerptLength));
            using Tensor input = Tensor.From(_backend, new Shape(batch.Length / ExcerptLength, 1, ExcerptFrames, Bands), batch);
            using Tensor features = _classifier.Output(input, _layer);
            act(first, features, batch);
        }
    }

    private delegate ReadOnlySpan<float> ExcerptReader(int number);
}
