using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>Excerpts to be explained.</summary>
/// <param name="First">The number of the first excerpt among all excerpts of the evaluation. An excerpt's number seeds what is random.</param>
/// <param name="Excerpts">Normalised log-mel, N×115×80.</param>
/// <param name="IsSinging">Whether the detector calls each of the N singing.</param>
public sealed record ExplanationBatch(int First, float[] Excerpts, bool[] IsSinging)
{
    /// <summary>N.</summary>
    public int Count => IsSinging.Length;

    /// <summary>One excerpt, 115×80.</summary>
    public ReadOnlySpan<float> this[int n] => Excerpts.AsSpan(n * ExcerptLength, ExcerptLength);

    /// <summary>1 if the detector says singing, else −1. A change of the logit times this is a change towards the prediction.</summary>
    public float Towards(int n) => IsSinging[n] ? 1 : -1;
}

/// <summary>
/// A method that tells which bins of an excerpt decided its prediction. The mask keeps the most important ones; see <see cref="ImportanceOrder"/>.
/// The same excerpt with the same number gets the same importance, bit for bit.
/// </summary>
public interface IExplanationMethod
{
    /// <summary>The method's name on the command line.</summary>
    string Name { get; }

    /// <summary>About how many times an explanation runs the detector; a gradient counts as three runs. Progress is measured in runs.</summary>
    int Passes { get; }

    /// <summary>Overwrites the importance of every bin, N×115×80; only the order counts.</summary>
    void Explain(ExplanationBatch batch, Span<float> importance);

    /// <summary>The excerpt whose inversion mask determines how many bins are kept: the excerpt itself, unless the mask is borrowed.</summary>
    int SizedAs(int excerpt) => excerpt;
}
