namespace Engine.Svd.Explain;

/// <summary>What decided the prediction for one excerpt. Arrays of 115×80 are frame × band in C order, lowest band first.</summary>
/// <param name="Input">The normalised log-mel excerpt x.</param>
/// <param name="Features">Φ(x), the 64 features of fc8.</param>
/// <param name="Importance">How important each bin is: the inversion x* = G(Φ(x)), or the output of the mask network.</param>
/// <param name="Mask">1 for the bins that the <see cref="MaskSize"/> keeps, 0 for the others.</param>
/// <param name="MaskedInput">The explanation mask ⊙ x: what the mask keeps of the input, and zero elsewhere.</param>
/// <param name="Probability">P(singing) of the excerpt.</param>
/// <param name="ProbabilityMasked">P(singing) of the explanation alone, case M1 of the paper.</param>
public sealed record Explanation(
    float[] Input, float[] Features, float[] Importance, float[] Mask, float[] MaskedInput, float Probability, float ProbabilityMasked)
{
    /// <summary>Unmasked bins / all bins.</summary>
    public double RelativeArea => Mask.Average(bin => (double)bin);
}
