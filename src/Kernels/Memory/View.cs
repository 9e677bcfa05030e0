namespace Engine.Kernels;

/// <summary>A contiguous run of floats inside a <see cref="DeviceBuffer"/>: what every kernel takes. It owns nothing.</summary>
public readonly record struct View
{
    /// <summary>Makes a view of <paramref name="length"/> floats that starts <paramref name="offset"/> floats into the buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The run does not lie inside the buffer.</exception>
    public View(DeviceBuffer buffer, int offset, int length)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (offset < 0 || length < 0 || offset > buffer.Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"floats {offset} to {offset + (long)length} of a buffer of {buffer.Length}");
        }

        Buffer = buffer;
        Offset = offset;
        Length = length;
    }

    // No buffer: for an operation that is described, not run.
    private View(int length) => (Buffer, Length) = (null!, length);

    /// <summary>A view of nothing that has a length, for an operation that is described and not run.</summary>
    internal static View Unbound(int length) => new(length);

    /// <summary>The buffer that holds the floats.</summary>
    public DeviceBuffer Buffer { get; }

    /// <summary>The first float's index in the buffer.</summary>
    public int Offset { get; }

    /// <summary>How many floats.</summary>
    public int Length { get; }

    /// <summary>A part of this view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside the view's buffer.</exception>
    public View Slice(int offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"floats {offset} to {offset + (long)length} of a view of {Length}");
        }

        return new View(Buffer, Offset + offset, length);
    }
}
