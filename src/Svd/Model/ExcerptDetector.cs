using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>The questions that explanation methods ask a detector. Excerpts are N×115×80 normalised log-mel, for any N.</summary>
public interface IDetector
{
    /// <summary>Overwrites N logits of the probability of singing.</summary>
    void Logits(ReadOnlySpan<float> excerpts, Span<float> logits);

    /// <summary>Overwrites N×115×80 derivatives: those of each excerpt's logit with respect to its own bins.</summary>
    /// <param name="excerpts">The excerpts.</param>
    /// <param name="gradients">The result.</param>
    /// <param name="rule">How the backward pass goes through the detector's rectifiers; only by the derivative are the results derivatives.</param>
    /// <param name="factors">N numbers that the logits are multiplied by, such as −1 for the logit of no singing; none for 1.</param>
    void Gradients(
        ReadOnlySpan<float> excerpts, Span<float> gradients, RectifierRule rule = RectifierRule.Derivative, ReadOnlySpan<float> factors = default);
}

/// <summary>SVDNet for explanations. Every question about an excerpt, masked or not, goes through this class.</summary>
public sealed class ExcerptDetector(IBackend backend, SvdNet network) : IDetector, IDisposable
{
    private const string Name = "SVDNet";
    private const int ForwardBatch = 32;

    // The tape keeps every layer's output and its gradient, 9 MB per excerpt.
    private const int GradientBatch = 8;

    private readonly Tape _tape = new();

    /// <summary>Where it computes.</summary>
    internal IBackend Backend => backend;

    /// <summary>The network itself, for those who follow its layers on a tape.</summary>
    internal SvdNet Network => network;

    /// <summary>The features and the probabilities of N excerpts in one batch. The caller owns the answer.</summary>
    /// <param name="excerpts">N×115×80 normalised log-mel.</param>
    /// <param name="withMaps">Whether to keep the maps between the layers.</param>
    /// <exception cref="EngineException">A feature or a probability is not finite.</exception>
    public DetectorAnswer Ask(ReadOnlySpan<float> excerpts, bool withMaps = false)
    {
        Tensor input = Upload(excerpts, 0, excerpts.Length / ExcerptLength);
        SvdNetMaps? maps = withMaps ? network.Maps(input) : null;
        Tensor features = maps?.Features ?? network.Features(input);
        using Tensor probability = network.Probability(features);
        DetectorAnswer answer = new(input, maps, features, probability.ToArray());

        // The sigmoid turns even an infinite feature into a finite probability.
        NetworkOutput.RequireFinite(answer.FeatureValues, Name);
        NetworkOutput.RequireFinite(answer.Probabilities, Name);
        return answer;
    }

    /// <summary>What a layer makes of the excerpts that an answer is about; see <see cref="SvdNet.Output"/>. The caller owns the result.</summary>
    public Tensor Output(DetectorAnswer answer, SvdNetLayer layer) => network.Output(answer.Input, layer);

    /// <inheritdoc/>
    /// <exception cref="EngineException">A logit is not finite.</exception>
    public void Logits(ReadOnlySpan<float> excerpts, Span<float> logits)
    {
        for (int first = 0; first < logits.Length; first += ForwardBatch)
        {
            int count = Math.Min(ForwardBatch, logits.Length - first);
            using Tensor input = Upload(excerpts, first, count);
            using Tensor output = network.Logits(input);
            output.CopyTo(logits.Slice(first, count));
        }

        NetworkOutput.RequireFinite(logits, Name);
    }

    /// <inheritdoc/>
    /// <remarks>The tape watches only the input, so it computes no gradients of filters.</remarks>
    /// <exception cref="EngineException">A derivative is not finite.</exception>
    public void Gradients(
        ReadOnlySpan<float> excerpts, Span<float> gradients, RectifierRule rule = RectifierRule.Derivative, ReadOnlySpan<float> factors = default)
    {
        int all = gradients.Length / ExcerptLength;
        float[] ones = [.. Enumerable.Repeat(1f, GradientBatch)];
        _tape.Rectifiers = rule;
        for (int first = 0; first < all; first += GradientBatch)
        {
            int count = Math.Min(GradientBatch, all - first);
            _tape.Reset();
            using Tensor input = _tape.Watch(Upload(excerpts, first, count), requiresGradient: true);
            using Tensor weights = Tensor.From(backend, new Shape(count, 1), factors.IsEmpty ? ones.AsSpan(0, count) : factors.Slice(first, count));

            // Excerpts do not mix, so the gradient of the sum of the logits holds the gradient of each logit.
            Tensor sum = network.Logits(input).Reshape(new Shape(1, count)).Dense(weights);
            _tape.Backward(sum);
            input.Gradient!.CopyTo(gradients.Slice(first * ExcerptLength, count * ExcerptLength));
        }

        NetworkOutput.RequireFinite(gradients, $"{Name}'s gradient");
    }

    /// <inheritdoc/>
    public void Dispose() => _tape.Dispose();

    private Tensor Upload(ReadOnlySpan<float> excerpts, int first, int count) => Tensor.From(
        backend, new Shape(count, 1, ExcerptFrames, Bands), excerpts.Slice(first * ExcerptLength, count * ExcerptLength));
}

/// <summary>SVDNet's answer for N excerpts.</summary>
public sealed class DetectorAnswer : IDisposable
{
    private readonly SvdNetMaps? _maps;

    internal DetectorAnswer(Tensor input, SvdNetMaps? maps, Tensor features, float[] probabilities)
    {
        (Input, _maps, Features, Probabilities) = (input, maps, features, probabilities);
        FeatureValues = features.ToArray();
    }

    /// <summary>The excerpts, N×1×115×80, on the backend.</summary>
    internal Tensor Input { get; }

    /// <summary>The features, N×64, on the backend.</summary>
    public Tensor Features { get; }

    /// <summary>The features, N·64 numbers in C order.</summary>
    public float[] FeatureValues { get; }

    /// <summary>N probabilities of singing.</summary>
    public float[] Probabilities { get; }

    /// <summary>The maps between the layers.</summary>
    /// <exception cref="InvalidOperationException">The detector was asked without them.</exception>
    public SvdNetMaps Maps => _maps ?? throw new InvalidOperationException("the detector was asked without its maps");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_maps is { } maps) maps.Dispose();
        else Features.Dispose();
        Input.Dispose();
    }
}
