namespace Engine.Svd.Explain;

/// <summary>What decided the prediction for one excerpt. Arrays of 115×80 are frame × band in C order, lowest band first.</summary>
/// <param name="Input">The normalised log-mel excerpt x.</param>
/// <param name="Features">Φ(x), the 64 features of fc8.</param>
/// <param name="Importance">The inversion x* = G(Φ(x)), or what the mask network says of each bin.</param>
/// <param name="Mask">1 for the bins that are important enough, see <see cref="MaskSize"/>, else 0.</param>
/// <param name="Masked">The explanation, mask ⊙ x.</param>
/// <param name="Probability">P(singing) of the excerpt.</param>
/// <param name="ProbabilityMasked">P(singing) of the explanation alone: case M1 of the paper, zero in the normalised input for what is masked.</param>
public sealed record Explanation(
    float[] Input, float[] Features, float[] Importance, float[] Mask, float[] Masked, float Probability, float ProbabilityMasked)
{
    /// <summary>Unmasked bins / all bins.</summary>
    public double RelativeArea => Mask.Average(bin => (double)bin);
}
