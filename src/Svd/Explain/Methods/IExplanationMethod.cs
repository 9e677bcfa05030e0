using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>Excerpts to be explained.</summary>
/// <param name="First">The first one's number among all excerpts of the evaluation: what is random is drawn by an excerpt's number.</param>
/// <param name="Excerpts">Normalised log-mel, N×115×80.</param>
/// <param name="IsSinging">What the detector says of each of the N.</param>
public sealed record ExplanationBatch(int First, float[] Excerpts, bool[] IsSinging)
{
    /// <summary>N.</summary>
    public int Count => IsSinging.Length;

    /// <summary>One excerpt, 115×80.</summary>
    public ReadOnlySpan<float> this[int n] => Excerpts.AsSpan(n * ExcerptLength, ExcerptLength);

    /// <summary>1 where the detector says singing and −1 where not: times this, what raises the logit speaks for the prediction.</summary>
    public float Towards(int n) => IsSinging[n] ? 1 : -1;
}

/// <summary>
/// A way to say which bins of an excerpt decided its prediction. The mask keeps the most important ones; see <see cref="ImportanceOrder"/>.
/// The same excerpt with the same number gets the same importance, bit for bit.
/// </summary>
public interface IExplanationMethod
{
    /// <summary>What the command line calls it.</summary>
    string Name { get; }

    /// <summary>About how many times an explanation runs the detector, a gradient being three times; what progress goes by.</summary>
    int Passes { get; }

    /// <summary>Overwrites the importance of every bin, N×115×80; only the order counts.</summary>
    void Explain(ExplanationBatch batch, Span<float> importance);

    /// <summary>The excerpt whose inversion mask says how many bins are kept, where the inversion masks say so: its own, but for a borrowed mask.</summary>
    int SizedAs(int excerpt) => excerpt;
}
