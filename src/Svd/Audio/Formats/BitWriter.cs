namespace Engine.Svd.Audio.Formats;

/// <summary>Writes numbers one behind the other into bytes, the highest bit first.</summary>
internal sealed class BitWriter(int capacity)
{
    private readonly byte[] bytes = new byte[capacity];

    /// <summary>Bits written so far.</summary>
    public int Position { get; private set; }

    /// <summary>What is written; what is left of the last byte is zeros.</summary>
    public ReadOnlySpan<byte> Bytes => bytes.AsSpan(0, (Position + 7) / 8);

    /// <summary>Starts anew.</summary>
    public void Clear()
    {
        Array.Clear(bytes);
        Position = 0;
    }

    /// <summary>Writes the lowest bits of a number.</summary>
    public void Write(int value, int count)
    {
        for (int i = count - 1; i >= 0; i--, Position++) bytes[Position >> 3] |= (byte)((value >> i & 1) << (7 - (Position & 7)));
    }
}
