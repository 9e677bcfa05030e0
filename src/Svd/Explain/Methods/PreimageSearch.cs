using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain.Methods;

/// <summary>The numbers of a <see cref="PreimageSearch"/>.</summary>
/// <param name="Steps">How often the objective and its gradient are computed.</param>
/// <param name="NormWeight">λ_α of Σ x⁶.</param>
/// <param name="VariationWeight">λ_TV of the sum of squared differences between neighbours.</param>
/// <param name="FirstMove">How far the first step moves a bin, as a root mean square over the excerpt.</param>
/// <param name="Growth">What a step's length is multiplied by after each success; after a failure it is halved.</param>
/// <param name="Momentum">How much of the last move is repeated.</param>
public sealed record PreimageSettings(
    int Steps = 100, double NormWeight = 1e-7, double VariationWeight = 2e-6, double FirstMove = 0.02, double Growth = 1.05, double Momentum = 0.9)
{
    /// <summary>The deviation of the noise from which a search starts.</summary>
    public const double StartDeviation = 0.1;
}

/// <summary>What a search found for N excerpts.</summary>
/// <param name="Excerpts">The excerpts, N×115×80.</param>
/// <param name="Objective">The smallest objective until each step, N×steps.</param>
public sealed record Preimages(float[] Excerpts, float[] Objective);

/// <summary>What a search minimises besides the regularisers, for some excerpts.</summary>
public interface IPreimageLoss : IDisposable
{
    /// <summary>A loss for each of n×1×115×80 excerpts, which are on a tape: n×1. It must not mix excerpts.</summary>
    Tensor Of(Tensor excerpts);
}

/// <summary>
/// Looks for excerpts for which a detector says something given (Mahendran and Vedaldi, CVPR 2015). It minimises, for each excerpt by itself,
/// <code>loss(x) + λ_α Σ x⁶ + λ_TV Σ ((x[t+1, f] − x[t, f])² + (x[t, f+1] − x[t, f])²)</code>
/// by gradient descent with momentum: their regularisers, with α = 6 and β = 2. A step that does not lower the objective is taken back, and the search goes on
/// from there without momentum and with half the step length.
/// </summary>
public sealed class PreimageSearch : IDisposable
{
    // The tape keeps every layer's output and its gradient, 9 MB per excerpt.
    private const int BatchSize = 8;

    private readonly IBackend _backend;
    private readonly PreimageSettings _settings;
    private readonly Tape _tape = new();

    // The difference to the next frame, and that to the next band: 2×1×2×2.
    private readonly Tensor _differences;

    /// <summary>Prepares searches on a backend.</summary>
    public PreimageSearch(IBackend backend, PreimageSettings? settings = null)
    {
        (_backend, _settings) = (backend, settings ?? new PreimageSettings());
        _differences = Tensor.From(backend, new Shape(2, 1, 2, 2), [-1, 0, 1, 0, -1, 1, 0, 0]);
    }

    /// <summary>Searches from given excerpts.</summary>
    /// <param name="starts">N×115×80.</param>
    /// <param name="lossFor">Makes the loss for some of the N, from the number of the first and how many they are.</param>
    /// <param name="progress">Gets how many steps are done, of how many, over all batches.</param>
    public Preimages Search(ReadOnlySpan<float> starts, Func<int, int, IPreimageLoss> lossFor, Action<int, int>? progress = null)
    {
        int count = starts.Length / ExcerptLength;
        Preimages found = new(starts.ToArray(), new float[count * _settings.Steps]);
        for (int first = 0; first < count; first += BatchSize)
        {
            int few = Math.Min(BatchSize, count - first);
            using IPreimageLoss loss = lossFor(first, few);
            SearchBatch(first, few, found, loss, step => progress?.Invoke(first * _settings.Steps + few * step, count * _settings.Steps));
        }

        return found;
    }

    /// <summary>Frees what the searches share.</summary>
    public void Dispose()
    {
        _differences.Dispose();
        _tape.Dispose();
    }

    private void SearchBatch(int first, int count, Preimages found, IPreimageLoss loss, Action<int> progress)
    {
        Span<float> best = found.Excerpts.AsSpan(first * ExcerptLength, count * ExcerptLength);
        float[] at = best.ToArray(), gradients = new float[at.Length], objectives = new float[count];
        Walk[] walks = [.. Enumerable.Range(0, count).Select(_ => new Walk(_settings))];
        using Tensor x = Tensor.Allocate(_backend, new Shape(count, 1, ExcerptFrames, Bands));
        for (int step = 0; step < _settings.Steps; step++)
        {
            _backend.Upload(at, x.View);
            _tape.Reset();
            _tape.Watch(x, requiresGradient: true);
            Tensor objective = loss.Of(x).Add(SumOfSixthPowers(x), (float)_settings.NormWeight).Add(Variation(x), (float)_settings.VariationWeight);
            objective.CopyTo(objectives);
            _tape.Backward(objective.Sum());
            x.Gradient!.CopyTo(gradients);
            for (int n = 0; n < count; n++)
            {
                Range one = (n * ExcerptLength)..((n + 1) * ExcerptLength);
                walks[n].Go(objectives[n], gradients.AsSpan(one), best[one], at.AsSpan(one));
                found.Objective[(first + n) * _settings.Steps + step] = walks[n].Lowest;
            }

            progress(step + 1);
        }
    }

    private static Tensor SumOfSixthPowers(Tensor x)
    {
        Tensor square = x.Multiply(x);
        return SumOf(square.Multiply(square).Multiply(square));
    }

    private Tensor Variation(Tensor x)
    {
        Tensor differences = x.Conv2d(_differences);
        return SumOf(differences.Multiply(differences));
    }

    // The sum over each excerpt: N×1.
    private static Tensor SumOf(Tensor x) => x.Reshape(new Shape(x.Shape[0], x.Shape.Length / x.Shape[0])).Sum(1);

    /// <summary>The way of one excerpt.</summary>
    private sealed class Walk(PreimageSettings settings)
    {
        private readonly float[] _velocity = new float[ExcerptLength];

        // At the best place.
        private readonly float[] _gradient = new float[ExcerptLength];
        private double _length;

        public float Lowest { get; private set; } = float.PositiveInfinity;

        /// <summary>Takes the objective and the gradient at a place, notes the place if it is the best so far, and moves on from the best one.</summary>
        public void Go(float objective, ReadOnlySpan<float> gradient, Span<float> best, Span<float> at)
        {
            if (objective < Lowest)
            {
                bool isFirst = float.IsPositiveInfinity(Lowest);
                _length = isFirst
                    ? settings.FirstMove * Math.Sqrt(ExcerptLength) / Math.Max(TensorPrimitives.Norm(gradient), 1e-30f) : _length * settings.Growth;
                Lowest = objective;
                at.CopyTo(best);
                gradient.CopyTo(_gradient);
                TensorPrimitives.Multiply(_velocity, (float)settings.Momentum, _velocity);
            }
            else
            {
                _length /= 2;
                Array.Clear(_velocity);
            }

            TensorPrimitives.MultiplyAdd(_gradient, (float)-_length, _velocity, _velocity);
            TensorPrimitives.Add(best, _velocity, at);
        }
    }
}
