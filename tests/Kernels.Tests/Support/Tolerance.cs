namespace Engine.Kernels.Tests;

/// <summary>
/// How far a float32 result may lie from the definition's, relative to a scale that each operation names. Tolerances count roundings: one rounding to float32
/// errs by at most half a unit in the last place, which is 2⁻²⁴ of the number.
/// </summary>
internal readonly record struct Tolerance(double Relative)
{
    /// <summary>Copies, comparisons and sums of small integers round nothing.</summary>
    public static Tolerance Exact => default;

    /// <summary>
    /// A sum of n products, in any order, fused or not: at most n roundings of partial sums and one of each product, none larger than half
    /// a unit in the last place of Σ|terms|, which is the scale. Ten more pay for the bias, an activation (see <see cref="Sigmoid"/>) and
    /// the definition's own rounding.
    /// </summary>
    public static Tolerance Sum(int terms) => Roundings(terms + 10);

    /// <summary>
    /// Subtract the mean, multiply inverse deviation and gamma, multiply-add (two where nothing fuses), round the definition; two for an activation (see
    /// <see cref="Elu"/>). Scale: Σ|terms|.
    /// </summary>
    public static Tolerance BatchNorm => Roundings(7);

    /// <summary>Slope times x, and the definition's rounding.</summary>
    public static Tolerance LeakyRelu => Roundings(2);

    /// <summary>
    /// The unit in the last place that <see cref="Exponential"/> promises is two roundings; one more for the definition's.
    /// </summary>
    public static Tolerance Elu => Roundings(3);

    /// <summary>Three units in the last place (tests measure them) are six roundings; one more for the definition's.</summary>
    public static Tolerance Sigmoid => Roundings(7);

    /// <summary>Square, add, halve the error in the root, round the root and the definition.</summary>
    public static Tolerance Magnitude => Roundings(4);

    /// <summary>The runtime's vector logarithm is good to a unit or two in the last place.</summary>
    public static Tolerance LogFloor => Roundings(5);

    /// <summary>
    /// Every pass multiplies by a rounded twiddle and adds: no more than five roundings of what passes through, over log₂ passes, the
    /// window and the separation. Scale: Σ|x·window| of the frame, which no bin exceeds.
    /// </summary>
    public static Tolerance Fft(int size) => Roundings(5 * int.Log2(size));

    /// <summary>
    /// A sum in blocks that are added up in double precision: the roundings of one block, the same once more for the square root or quotient that may
    /// follow, and twenty for the terms themselves. Scale: Σ|terms|.
    /// </summary>
    public static Tolerance BlockedSum(int terms) => Roundings(2 * Math.Min(terms, Reduction.Block) + 20);

    /// <summary>1 − y or 1 + y, two products, and the definition's rounding.</summary>
    public static Tolerance ActivationGradient => Roundings(4);

    /// <summary>A sigmoid (see there), a difference, a rounded factor, a product and the definition's rounding. Scale: the largest terms.</summary>
    public static Tolerance LossGradient => Roundings(12);

    /// <summary>One product, rounded once on either side.</summary>
    public static Tolerance Product => Roundings(1);

    /// <summary>A product and a sum, fused or not, and the definition's rounding. Scale: Σ|terms|.</summary>
    public static Tolerance AddScaled => Roundings(3);

    /// <summary>Two moments of two rounded factors each, a root, a quotient, a rounded rate. Scale: Σ|terms|, that of w with the largest step.</summary>
    public static Tolerance Adam => Roundings(16);

    /// <summary>Three products and three sums, and the definition's rounding. Scale: Σ|terms|.</summary>
    public static Tolerance Nesterov => Roundings(7);

    /// <summary>A quotient by a number that may be rounded, and the definition's rounding.</summary>
    public static Tolerance Dropout => Roundings(3);

    private static Tolerance Roundings(int count) => new(count / (double)(1 << 24));
}
