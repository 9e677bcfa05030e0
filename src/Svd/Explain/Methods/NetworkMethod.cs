using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// A method whose importance is the output of a network on the detector's features or maps: the paper's inversion network (importance = x*), or the mask
/// network, which was trained to choose bins that suffice and are needed.
/// </summary>
public sealed class NetworkMethod : IExplanationMethod
{
    private readonly ExcerptDetector _detector;
    private readonly string _network;
    private readonly bool _needsMaps;
    private readonly Func<DetectorAnswer, Tensor> _importanceOf;

    private NetworkMethod(ExcerptDetector detector, string name, string network, bool needsMaps, Func<DetectorAnswer, Tensor> importanceOf) =>
        (_detector, Name, _network, _needsMaps, _importanceOf) = (detector, name, network, needsMaps, importanceOf);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int Passes => 1;

    /// <summary>The method that uses this inversion network, which must have been trained with this detector.</summary>
    public static NetworkMethod Of(ExcerptDetector detector, InversionNetwork inversion) =>
        new(detector, ExplanationMethods.Inversion, "the inversion network", needsMaps: false, answer =>
        {
            if (inversion.Architecture.Layer == SvdNetLayer.Fc8) return inversion.Forward(answer.Features);
            using Tensor output = detector.Output(answer, inversion.Architecture.Layer);
            return inversion.Forward(output);
        });

    /// <summary>The method that uses this mask network, which must have been trained with this detector.</summary>
    public static NetworkMethod Of(ExcerptDetector detector, MaskNetwork mask) =>
        new(detector, ExplanationMethods.Mask, "the mask network", needsMaps: true, answer => mask.Forward(answer.Maps));

    /// <summary>Asks the detector for everything the network needs, and for the probabilities. The caller owns the answer.</summary>
    /// <exception cref="EngineException">A feature or a probability is not finite.</exception>
    public DetectorAnswer Ask(ReadOnlySpan<float> excerpts) => _detector.Ask(excerpts, _needsMaps);

    /// <summary>The importance of every bin, N×115×80 numbers, from the answer to <see cref="Ask"/>.</summary>
    /// <exception cref="EngineException">A number is not finite.</exception>
    public float[] ImportanceOf(DetectorAnswer answer)
    {
        using Tensor output = _importanceOf(answer);
        float[] importance = output.ToArray();
        NetworkOutput.RequireFinite(importance, _network);
        return importance;
    }

    /// <inheritdoc/>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        using DetectorAnswer answer = Ask(batch.Excerpts);
        ImportanceOf(answer).CopyTo(importance);
    }
}
