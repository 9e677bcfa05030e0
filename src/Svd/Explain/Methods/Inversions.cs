using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// How well the inversion restores a bin: −(x − x*)². The features hold what can be restored from them. The paper's outlook asks for it.
/// </summary>
internal sealed class InversionError(IExplanationMethod inversion) : IExplanationMethod
{
    public string Name => $"{inversion.Name}-error";

    public int Passes => inversion.Passes;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        inversion.Explain(batch, importance);
        TensorPrimitives.Subtract(importance, batch.Excerpts, importance);
        TensorPrimitives.Multiply(importance, importance, importance);
        TensorPrimitives.Negate(importance, importance);
    }
}

/// <summary>The inversion times the input, x*·x: large where both stand out from the band's mean to the same side.</summary>
internal sealed class InversionTimesInput(IExplanationMethod inversion) : IExplanationMethod
{
    public string Name => $"{inversion.Name}-input";

    public int Passes => inversion.Passes;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        inversion.Explain(batch, importance);
        TensorPrimitives.Multiply(importance, batch.Excerpts, importance);
    }
}

/// <summary>
/// The inversion of another excerpt, to test whether a mask fits its own excerpt better. Each excerpt lends its inversion to one other, drawn at random, so
/// the areas are the same on average.
/// </summary>
internal sealed class OtherInversion : IExplanationMethod
{
    private readonly IReadOnlyList<float[]> _inverted;
    private readonly int[] _other;

    public OtherInversion(IReadOnlyList<float[]> inverted, ulong seed)
    {
        _inverted = inverted;
        _other = [.. Enumerable.Range(0, inverted.Count)];

        // A random cycle through all excerpts (Sattolo, 1986): like the shuffle of Fisher and Yates, but nothing stays in its place.
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

    /// <summary>The excerpt that lends its inversion determines the size.</summary>
    public int SizedAs(int excerpt) => _other[excerpt];
}

/// <summary>The average inversion of all excerpts, the same for each, to test whether it matters that a mask depends on the excerpt.</summary>
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
