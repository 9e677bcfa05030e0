using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

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
