using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// The inversion of another excerpt: does a mask fit its own excerpt better than another? Every excerpt lends its inversion to one other, drawn at random, so
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

        // A random cycle through all (Sattolo, 1986): the shuffle of Fisher and Yates, except that nothing stays where it is.
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

    /// <summary>The size comes from the excerpt that lends its inversion.</summary>
    public int SizedAs(int excerpt) => _other[excerpt];
}

/// <summary>The average inversion of all excerpts, which is the same for each: does it matter that a mask depends on the excerpt?</summary>
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
