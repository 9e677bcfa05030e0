using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>Overwrites the importance of excerpts' bins, both N×115×80.</summary>
public delegate void Masker(ReadOnlySpan<float> excerpts, Span<float> importance);

/// <summary>What the mask network, trained to choose bins that suffice and are needed, says of each.</summary>
internal sealed class MaskImportance(Masker masker) : IExplanationMethod
{
    public string Name => ExplanationMethods.Mask;

    public int Passes => 1;

    public void Explain(ExplanationBatch batch, Span<float> importance) => masker(batch.Excerpts, importance);

    /// <summary>The importance with these two networks.</summary>
    public static Masker With(IBackend backend, SvdNet network, MaskNetwork mask) => (excerpts, importance) =>
    {
        using Tensor input = Tensor.From(backend, new Shape(excerpts.Length / ExcerptLength, 1, ExcerptFrames, Bands), excerpts);
        using SvdNetMaps maps = network.Maps(input);
        using Tensor output = mask.Forward(maps);
        output.CopyTo(importance);
        Overflow.Check(importance, "the mask network");
    };
}
