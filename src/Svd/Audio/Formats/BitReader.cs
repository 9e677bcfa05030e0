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
        int value = At(bytes, Position, count);
        Position += count;
        return value;
    }

    /// <summary>The number of some bits that begin at a bit, all of which must be there.</summary>
    public static int At(ReadOnlySpan<byte> bytes, int position, int count)
    {
        int value = 0;
        for (int end = position + count; position < end; position++) value = value << 1 | (bytes[position >> 3] >> (7 - (position & 7)) & 1);
        return value;
    }
}
