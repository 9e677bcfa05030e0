namespace Engine.Svd.Audio.Formats;

/// <summary>Reads numbers out of bytes, the highest bit first.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>Bits read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Reads a number of some bits.</summary>
    /// <exception cref="InvalidDataException">The bytes end before.</exception>
    public int Read(int count)
    {
        if (Position + count > 8 * bytes.Length) throw new InvalidDataException("The bits end too early.");
        int value = 0;
        for (int end = Position + count; Position < end; Position++) value = value << 1 | (bytes[Position >> 3] >> (7 - (Position & 7)) & 1);
        return value;
    }
}
