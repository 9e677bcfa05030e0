using System.Numerics;

namespace Engine.Kernels;

/// <summary>
/// Divides numbers from 0 to 2³¹ − 1 by a number that is the same for all threads. It multiplies and shifts, because devices divide slowly.
/// </summary>
/// <remarks>Granlund and Montgomery, "Division by invariant integers using multiplication", 1994.</remarks>
internal readonly struct Divisor
{
    private readonly uint _factor;
    private readonly int _shift;

    public Divisor(int value)
    {
        Value = value;
        _shift = 31 + (value == 1 ? 0 : BitOperations.Log2((uint)value - 1) + 1);
        _factor = (uint)(((1UL << _shift) + (uint)value - 1) / (uint)value);
    }

    /// <summary>What is divided by.</summary>
    public int Value { get; }

    /// <summary>The quotient; the remainder is <c>number − quotient·Value</c>.</summary>
    public int Divide(int number, out int remainder)
    {
        int quotient = (int)(((ulong)(uint)number * _factor) >> _shift);
        remainder = number - quotient * Value;
        return quotient;
    }
}
