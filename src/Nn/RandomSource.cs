using System.Numerics;

namespace Engine.Nn;

/// <summary>
/// A small random number generator whose whole state can be kept in a checkpoint: xoshiro256** (Blackman and Vigna, 2018), period 2²⁵⁶ − 1,
/// seeded through the finaliser of SplitMix64. The same seed gives the same integers on every machine and in every version.
/// </summary>
/// <remarks>Use it from one thread at a time. It remembers only the four words between calls, so a restored state continues exactly.</remarks>
public sealed class RandomSource
{
    /// <summary>Words of the state.</summary>
    public const int StateLength = 4;

    // 2⁶⁴ divided by the golden ratio: the step of SplitMix64.
    private const ulong GoldenStep = 0x9E3779B97F4A7C15;

    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>
    /// Starts the stream of numbers that belongs to a seed and a path. The path says what the numbers are for, and the number of the epoch or the batch.
    /// Streams of different paths are independent, so numbered work can be done in any order and resumed at any number.
    /// </summary>
    public RandomSource(ulong seed, params ReadOnlySpan<ulong> path) => Restart(seed, path);

    private RandomSource(ReadOnlySpan<ulong> state) => (_s0, _s1, _s2, _s3) = (state[0], state[1], state[2], state[3]);

    /// <summary>A copy of the state, <see cref="StateLength"/> words: all that decides the numbers to come.</summary>
    public ulong[] State => [_s0, _s1, _s2, _s3];

    /// <summary>Continues where the generator stood whose <see cref="State"/> this is.</summary>
    /// <exception cref="ArgumentException">There are not four words, or all of them are zero.</exception>
    public static RandomSource FromState(ReadOnlySpan<ulong> state)
    {
        if (state.Length != StateLength || !state.ContainsAnyExcept(0ul))
        {
            throw new ArgumentException($"a state is {StateLength} words, not all zero", nameof(state));
        }

        return new RandomSource(state);
    }

    /// <summary>Becomes what the constructor makes of this seed and path.</summary>
    public void Restart(ulong seed, params ReadOnlySpan<ulong> path)
    {
        ulong key = Mix(seed + GoldenStep);
        foreach (ulong part in path) key = Mix((key ^ part) + GoldenStep);

        // Four different numbers go through a bijection, so they cannot all be zero, the one state that xoshiro256** must not have.
        _s0 = Mix(key += GoldenStep);
        _s1 = Mix(key += GoldenStep);
        _s2 = Mix(key += GoldenStep);
        _s3 = Mix(key + GoldenStep);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9, shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1): one of 2⁵³ equally spaced numbers.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1ul << 53));

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double NextDouble(double low, double high) => low + (high - low) * NextDouble();

    /// <summary>Uniform among 0 … <paramref name="bound"/> − 1, exactly: draws that would favour some numbers are drawn again (Lemire, 2019).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        ulong range = (ulong)bound, high = Math.BigMul(NextUInt64(), range, out ulong low);
        if (low >= range) return (int)high;

        // Some results would have one draw more than others. The lowest 2⁶⁴ mod range draws are that surplus.
        for (ulong surplus = unchecked(0 - range) % range; low < surplus;) high = Math.BigMul(NextUInt64(), range, out low);
        return (int)high;
    }

    /// <summary>
    /// A normally distributed number with mean 0 and variance 1, by Box and Muller's formula. The formula's second number is dropped, so that it need not be
    /// part of the state. The last bit depends on the machine's logarithm and cosine.
    /// </summary>
    public double NextGaussian()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>Puts the values into an order drawn uniformly among all (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (int last = values.Length - 1; last > 0; last--)
        {
            int other = NextInt(last + 1);
            (values[last], values[other]) = (values[other], values[last]);
        }
    }

    // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that lets every bit change every other.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
