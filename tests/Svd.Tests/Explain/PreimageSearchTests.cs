using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

public class PreimageSearchTests
{
    // Sums of 9200 float32 terms.
    private const double SumTolerance = 1e-5;

    private const int Count = 3;

    /// <summary>The first objective is that of the start, worked out by loops.</summary>
    [Fact]
    public void TheObjectiveIsTheLossAndBothRegularisers()
    {
        using IBackend backend = Backends.CreateCpu(2);
        PreimageSettings settings = new(Steps: 1, NormWeight: 3e-4, VariationWeight: 2e-2);
        using PreimageSearch search = new(backend, settings);
        float[] starts = ExplanationMethodTests.Numbers(1, Count * ExcerptLength), wanted = ExplanationMethodTests.Numbers(2, Count * ExcerptLength);
        Preimages found = search.Search(starts, (first, count) => new Distance(backend, wanted, first, count));
        Assert.Equal(starts, found.Excerpts);
        for (int n = 0; n < Count; n++)
        {
            double loss = 0, norm = 0, variation = 0;
            for (int t = 0; t < ExcerptFrames; t++)
            for (int f = 0; f < Bands; f++)
            {
                double value = At(t, f);
                loss += Math.Pow(value - wanted[n * ExcerptLength + t * Bands + f], 2);
                norm += Math.Pow(value, 6);
                if (t + 1 < ExcerptFrames && f + 1 < Bands) variation += Math.Pow(At(t + 1, f) - value, 2) + Math.Pow(At(t, f + 1) - value, 2);
            }

            double objective = loss + 3e-4 * norm + 2e-2 * variation;
            Assert.Equal(objective, found.Objective[n], SumTolerance * objective);

            double At(int t, int f) => starts[n * ExcerptLength + t * Bands + f];
        }
    }

    /// <summary>Without regularisers the search finds what is wanted, each excerpt its own.</summary>
    [Fact]
    public void FindsTheMinimum()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using PreimageSearch search = new(backend, new PreimageSettings(Steps: 150, NormWeight: 0, VariationWeight: 0));
        float[] wanted = ExplanationMethodTests.Numbers(2, Count * ExcerptLength);
        Preimages found = search.Search(new float[wanted.Length], (first, count) => new Distance(backend, wanted, first, count));
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], found.Excerpts[i], 0.02);
    }

    /// <summary>With short steps every step lowers the objective of Eq. 1, so none is taken back.</summary>
    [Fact]
    public void TheObjectiveFallsAtEveryShortStep()
    {
        const int steps = 40;
        using Networks networks = new();
        OptimisedInversion method = new(networks.Detector, 1, new PreimageSettings(Steps: steps, FirstMove: 2e-4, Growth: 1));
        ExplanationMethodTests.Explain(method, networks.Batch);
        for (int i = 0; i < method.Objective.Length; i++)
        {
            if (i % steps == 0) continue;
            Assert.True(method.Objective[i] < method.Objective[i - 1], $"step {i % steps}: {method.Objective[i]} after {method.Objective[i - 1]}");
        }
    }

    [Fact]
    public void AnExcerptIsFoundByItselfOrInABatch()
    {
        using Networks networks = new();
        PreimageSettings settings = new(Steps: 5);
        float[] together = ExplanationMethodTests.Explain(new OptimisedInversion(networks.Detector, 1, settings), networks.Batch);
        ExplanationBatch second = new(1, networks.Batch[1].ToArray(), [true]);
        float[] alone = ExplanationMethodTests.Explain(new OptimisedInversion(networks.Detector, 1, settings), second);

        // Sums in another order can put a rectifier on the other side of its kink, which moves a few bins.
        double difference = Math.Sqrt(alone.Zip(together[ExcerptLength..], (one, other) => Math.Pow(one - other, 2)).Average());
        double moved = Math.Sqrt(alone.Average(value => (double)value * value));
        Assert.InRange(difference / moved, 0, 1e-2);
        Assert.NotEqual(alone, ExplanationMethodTests.Explain(new OptimisedInversion(networks.Detector, 2, settings), second));
    }

    // The squared distance to excerpts that are wanted.
    private sealed class Distance(IBackend backend, float[] wanted, int first, int count) : IPreimageLoss
    {
        private readonly Tensor _wanted = Tensor.From(
            backend, new Shape(count, 1, ExcerptFrames, Bands), wanted.AsSpan(first * ExcerptLength, count * ExcerptLength));

        public Tensor Of(Tensor excerpts)
        {
            Tensor error = excerpts.Subtract(_wanted);
            return error.Multiply(error).Reshape(new Shape(count, ExcerptLength)).Sum(1);
        }

        public void Dispose() => _wanted.Dispose();
    }

    private sealed class Networks : IDisposable
    {
        private readonly IBackend _backend = Backends.CreateCpu(2);
        private readonly SvdNet _network;

        public Networks()
        {
            _network = SvdNet.Load(_backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
            Detector = new ExcerptDetector(_backend, _network);
        }

        public ExcerptDetector Detector { get; }

        public ExplanationBatch Batch { get; } = new(0, ExplanationMethodTests.Numbers(7, 2 * ExcerptLength), [true, true]);

        public void Dispose()
        {
            Detector.Dispose();
            _network.Dispose();
            _backend.Dispose();
        }
    }
}
