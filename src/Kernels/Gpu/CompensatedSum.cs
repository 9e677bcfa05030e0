namespace Engine.Kernels;

/// <summary>
/// A sum in two floats. The second holds what rounding the first one lost. It is as good as double precision, which not every device has. If memory bandwidth
/// bounds a reduction, the six additions for each element cost nothing.
/// </summary>
/// <remarks>Knuth's exact addition of two floats, The Art of Computer Programming, volume 2, 4.2.2.</remarks>
internal struct CompensatedSum
{
    /// <summary>The sum, rounded.</summary>
    public float High;

    /// <summary>What is missing.</summary>
    public float Low;

    /// <summary>Both together.</summary>
    public readonly float Value => High + Low;

    /// <summary>Adds a number.</summary>
    public void Add(float value)
    {
        float sum = High + value, added = sum - High;
        Low += (High - (sum - added)) + (value - added);
        High = sum;
    }

    /// <summary>Adds another sum.</summary>
    public void Add(CompensatedSum other)
    {
        Add(other.High);
        Low += other.Low;
    }
}
