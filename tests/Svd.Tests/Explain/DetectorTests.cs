using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>What explanations ask of SVDNet, with the bundled weights.</summary>
public class DetectorTests
{
    // The network is linear but for kinks, of which thousands lie along the line: 128 midpoints of the path integral.
    private const double CompletenessTolerance = 0.03;

    // Rounding apart, the whole error of a difference along the gradient is kinks crossed in a step of 1e-3.
    private const double SlopeTolerance = 0.02;

    private static readonly string _classifier = Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz");
    private static readonly string _inverter = Path.Combine(ReferenceData.Repository, "weights", "inverter.npz");

    [Fact]
    public void LogitsAreThoseOfTheProbabilities()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, _classifier);
        using ExcerptDetector detector = new(backend, network);
        const int count = 35;
        float[] excerpts = ExplanationMethodTests.Numbers(1, count * ExcerptLength), logits = new float[count];
        detector.Logits(excerpts, logits);
        using Tensor input = Tensor.From(backend, new Shape(count, 1, ExcerptFrames, Bands), excerpts);
        using Tensor features = network.Features(input);
        using Tensor probability = network.Probability(features);
        Golden.AssertAbsolute(
            Array.ConvertAll(probability.ToArray(), p => (double)p), Array.ConvertAll(logits, logit => 1 / (1 + MathF.Exp(-logit))), 1e-5, "probability");
    }

    [Fact]
    public void GradientsAreEachExcerptsOwnAndNoFilterHasOne()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, _classifier);
        using ExcerptDetector detector = new(backend, network);
        const int count = 10;
        const float step = 1e-3f;
        float[] excerpts = ExplanationMethodTests.Numbers(2, count * ExcerptLength), gradients = new float[excerpts.Length];
        detector.Gradients(excerpts, gradients);
        Assert.All(network.Layers.Parameters, parameter => Assert.Null(parameter.Value.Gradient));

        // Along its own gradient each logit must rise by step · ‖gradient‖.
        float[] above = new float[excerpts.Length], below = new float[excerpts.Length], up = new float[count], down = new float[count];
        double[] norms = new double[count];
        for (int i = 0; i < gradients.Length; i++) norms[i / ExcerptLength] += (double)gradients[i] * gradients[i];
        for (int i = 0; i < gradients.Length; i++)
        {
            float along = step * gradients[i] / (float)Math.Sqrt(norms[i / ExcerptLength]);
            (above[i], below[i]) = (excerpts[i] + along, excerpts[i] - along);
        }

        detector.Logits(above, up);
        detector.Logits(below, down);
        for (int n = 0; n < count; n++)
        {
            double norm = Math.Sqrt(norms[n]);
            Assert.Equal(norm, (up[n] - down[n]) / (2 * step), SlopeTolerance * norm);
        }
    }

    [Fact]
    public void IntegratedGradientsAreCompleteForSvdNet()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, _classifier);
        using ExcerptDetector detector = new(backend, network);
        const int count = 3;
        float[] excerpts = ExplanationMethodTests.Numbers(3, count * ExcerptLength), importance = new float[excerpts.Length];
        float[] logits = new float[count], ofNothing = new float[1];
        detector.Logits(excerpts, logits);
        detector.Logits(new float[ExcerptLength], ofNothing);
        new IntegratedGradients(detector, steps: 128).Explain(new ExplanationBatch(0, excerpts, [true, true, true]), importance);
        for (int n = 0; n < count; n++)
        {
            double sum = importance.Skip(n * ExcerptLength).Take(ExcerptLength).Sum(value => (double)value), difference = logits[n] - ofNothing[0];
            Assert.Equal(difference, sum, CompletenessTolerance * Math.Abs(difference));
        }
    }

    [Theory]
    [InlineData(0.4)]
    [InlineData(0.6)]
    [InlineData(0.8)]
    public void TheMostImportantBinsOfTheInversionAreItsMask(double threshold)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, _classifier);
        using InversionNetwork inversion = InversionNetwork.Load(backend, _inverter);
        float[] excerpts = ExplanationMethodTests.Numbers(4, 3 * ExcerptLength), importance = new float[excerpts.Length], mask = new float[ExcerptLength];
        using ExcerptDetector detector = new(backend, network);
        NetworkMethod method = NetworkMethod.Of(detector, inversion);
        method.Explain(new ExplanationBatch(0, excerpts, new bool[3]), importance);
        IReadOnlyList<Explanation> explanations = new Explainer(detector, method).Explain(excerpts, MaskSize.Threshold(threshold));
        for (int n = 0; n < 3; n++)
        {
            int bins = MaskSize.Threshold(threshold).Bins(importance.AsSpan(n * ExcerptLength, ExcerptLength));
            Assert.InRange(bins, 1, ExcerptLength - 1);
            ExplanationMethodTests.MaskOf(importance.AsSpan(n * ExcerptLength, ExcerptLength), bins, mask);
            Assert.Equal(explanations[n].Mask, mask);
        }
    }
}
