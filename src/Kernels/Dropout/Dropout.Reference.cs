namespace Engine.Kernels;

/// <summary>
/// Dropout: y[i] = x[i] / (1 − p) with probability 1 − p, else 0. Whether i is kept is a function of the seed and i alone, so every backend drops
/// the same elements and the gradient is the same call on dy:
/// <code>hash(z): z ^= z >> 30, z *= BF58476D1CE4E5B9, z ^= z >> 27, z *= 94D049BB133111EB, z ^= z >> 31      (modulo 2⁶⁴)
/// kept: (hash(hash(seed) + (i + 1)·9E3779B97F4A7C15) >> 40) / 2²⁴ ≥ p</code>
/// This is the i-th number of SplitMix64 (Steele, Lea and Flood 2014). The seed is hashed first, so that neighbouring seeds do not give shifted masks.
/// </summary>
internal static partial class Dropout
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>The definition. Overwrites y, which may be x.</summary>
    public static void Reference(float probability, ulong seed, ReadOnlySpan<float> x, Span<float> y)
    {
        ulong key = Hash(seed);
        double kept = 1.0 - probability;
        for (int i = 0; i < y.Length; i++) y[i] = IsKept(key, i, probability) ? (float)(x[i] / kept) : 0;
    }

    private static bool IsKept(ulong key, int i, float probability) =>
        (int)(Hash(key + ((ulong)i + 1) * Golden) >> 40) * (1f / (1 << 24)) >= probability;

    private static ulong Hash(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
