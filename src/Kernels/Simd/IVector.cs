using System.Runtime.Intrinsics;

namespace Engine.Kernels.Simd;

/// <summary>
/// One float32 vector register of any width. Kernels are written once, generic over this interface; the JIT compiles the body for
/// each of the four structs that implement it and erases them.
/// </summary>
/// <remarks>
/// <see cref="Fma"/> takes its accumulator by reference on purpose: <c>acc = Fma(a, b, acc)</c> through a one-field struct makes the JIT
/// emit a register move for every multiply-add.
/// </remarks>
public unsafe interface IVector<TSelf>
    where TSelf : unmanaged, IVector<TSelf>
{
    /// <summary>How many floats one register holds.</summary>
    static abstract int Width { get; }

    /// <summary>Whether the processor has 32 such registers rather than 16. This decides how large a register tile may be.</summary>
    static abstract bool HasManyRegisters { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Broadcast(float value);

    static abstract TSelf Load(float* source);

    static abstract void Store(TSelf value, float* destination);

    /// <summary>The first <paramref name="count"/> lanes, with zero in the others. All lanes are read from memory.</summary>
    static abstract TSelf LoadFirst(float* source, int count);

    /// <summary>Stores the first <paramref name="count"/> lanes and does not touch the memory behind them.</summary>
    static abstract void StoreFirst(TSelf value, float* destination, int count);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>acc += a · b, fused where the processor can.</summary>
    static abstract void Fma(ref TSelf acc, TSelf a, TSelf b);

    /// <summary>The larger number. If one is NaN, the result is <paramref name="right"/> or NaN; so a limit must be on the left for a NaN to pass.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>The smaller number. NaN is treated as by <see cref="Max"/>.</summary>
    static abstract TSelf Min(TSelf left, TSelf right);

    static abstract TSelf Log(TSelf value);

    static abstract TSelf Sqrt(TSelf value);

    /// <summary>Lane by lane, <paramref name="positive"/> where <paramref name="condition"/> &gt; 0, else <paramref name="otherwise"/>.</summary>
    static abstract TSelf SelectPositive(TSelf condition, TSelf positive, TSelf otherwise);

    /// <summary>Four sums, together the sum of all lanes: halves are added until 128 bits are left.</summary>
    static abstract Vector128<float> Fold(TSelf value);

    /// <summary>
    /// The lanes' bits shifted left by 23, into the exponent field, plus the bits of 1: 2ⁿ from a float whose low mantissa bits hold n.
    /// </summary>
    static abstract TSelf ExponentFromLowBits(TSelf value);
}
