using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>Overwrites the inverted values x* of excerpts, both N×115×80.</summary>
public delegate void Inverter(ReadOnlySpan<float> excerpts, Span<float> inverted);

/// <summary>The paper's explanation: importance = x*, what the inversion network makes of the detector's features.</summary>
internal sealed class Inversion(Inverter invert) : IExplanationMethod
{
    public string Name => "inversion";

    public int Passes => 1;

    public void Explain(ExplanationBatch batch, Span<float> importance) => invert(batch.Excerpts, importance);

    /// <summary>The inversion with these two networks.</summary>
    public static Inverter With(IBackend backend, SvdNet network, InversionNetwork inversion) => (excerpts, inverted) =>
    {
        using Tensor input = Tensor.From(backend, new Shape(excerpts.Length / ExcerptLength, 1, ExcerptFrames, Bands), excerpts);
        using Tensor features = network.Features(input);
        using Tensor output = inversion.Forward(features);
        output.CopyTo(inverted);
        Overflow.Check(inverted, "the inversion network");
    };
}

/// <summary>
/// The inversion of another excerpt: does a mask fit its own excerpt better than another? Who gets whose is drawn such that each serves once, so the areas
/// are on average the same.
/// </summary>
internal sealed class OtherInversion : IExplanationMethod
{
    private readonly IReadOnlyList<float[]> _inverted;
    private readonly int[] _other;

    public OtherInversion(IReadOnlyList<float[]> inverted, ulong seed)
    {
        _inverted = inverted;
        _other = [.. Enumerable.Range(0, inverted.Count)];

        // A random cycle through all (Sattolo, 1986): as Fisher and Yates shuffle, but nothing stays where it is.
        RandomSource random = RandomStream.Of(seed, Name, 0);
        for (int last = _other.Length - 1; last > 0; last--)
        {
            int other = random.NextInt(last);
            (_other[last], _other[other]) = (_other[other], _other[last]);
        }
    }

    public string Name => "other";

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        for (int n = 0; n < batch.Count; n++) _inverted[SizedAs(batch.First + n)].CopyTo(importance[(n * ExcerptLength)..]);
    }

    /// <summary>With the other's mask comes its size.</summary>
    public int SizedAs(int excerpt) => _other[excerpt];
}

/// <summary>The average inversion of all excerpts, the same for each: does the mask depend on the excerpt at all?</summary>
internal sealed class AverageInversion : IExplanationMethod
{
    private readonly float[] _average = new float[ExcerptLength];

    public AverageInversion(IReadOnlyList<float[]> inverted)
    {
        double[] sum = new double[ExcerptLength];
        foreach (float[] one in inverted)
        {
            for (int i = 0; i < sum.Length; i++) sum[i] += one[i];
        }

        for (int i = 0; i < sum.Length; i++) _average[i] = (float)(sum[i] / inverted.Count);
    }

    public string Name => "average";

    public int Passes => 0;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        for (int n = 0; n < batch.Count; n++) _average.CopyTo(importance[(n * ExcerptLength)..]);
    }
}
