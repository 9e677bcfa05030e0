using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>What an explanation asks of the detector. Any number of excerpts at a time, N×115×80 normalised log-mel.</summary>
public interface IDetector
{
    /// <summary>Overwrites N logits of the probability of singing.</summary>
    void Logits(ReadOnlySpan<float> excerpts, Span<float> logits);

    /// <summary>Overwrites N×115×80 derivatives, those of each excerpt's logit with respect to its own bins.</summary>
    void Gradients(ReadOnlySpan<float> excerpts, Span<float> gradients);
}

/// <summary>SVDNet as explanations ask it.</summary>
public sealed class Detector(IBackend backend, SvdNet network) : IDetector, IDisposable
{
    private const int ForwardBatch = 32;

    // The tape keeps all that lies between the layers, 9 MB an excerpt with the gradients.
    private const int GradientBatch = 8;

    private readonly Tape _tape = new();

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

        Overflow.Check(logits, "SVDNet");
    }

    /// <inheritdoc/>
    /// <remarks>Only the input is watched with a gradient, so none is worked out for any filter.</remarks>
    /// <exception cref="EngineException">A derivative is not finite.</exception>
    public void Gradients(ReadOnlySpan<float> excerpts, Span<float> gradients)
    {
        int all = gradients.Length / ExcerptLength;
        for (int first = 0; first < all; first += GradientBatch)
        {
            int count = Math.Min(GradientBatch, all - first);
            _tape.Reset();
            using Tensor input = _tape.Watch(Upload(excerpts, first, count), requiresGradient: true);
            using Tensor ones = Tensor.From(backend, new Shape(count, 1), [.. Enumerable.Repeat(1f, count)]);

            // Excerpts do not mix, so the gradient of the logits' sum is each logit's own.
            Tensor sum = network.Logits(input).Reshape(new Shape(1, count)).Dense(ones);
            _tape.Backward(sum);
            input.Gradient!.CopyTo(gradients.Slice(first * ExcerptLength, count * ExcerptLength));
        }

        Overflow.Check(gradients, "SVDNet's gradient");
    }

    /// <inheritdoc/>
    public void Dispose() => _tape.Dispose();

    private Tensor Upload(ReadOnlySpan<float> excerpts, int first, int count) => Tensor.From(
        backend, new Shape(count, 1, ExcerptFrames, Bands), excerpts.Slice(first * ExcerptLength, count * ExcerptLength));
}
