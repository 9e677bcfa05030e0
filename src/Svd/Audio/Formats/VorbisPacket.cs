using NVorbis;

namespace Engine.Svd.Audio.Formats;

/// <summary>A packet as NVorbis' decoder takes it.</summary>
internal sealed class VorbisPacket(byte[] data) : DataPacket
{
    private int _next;

    /// <inheritdoc/>
    protected override int TotalBits => 8 * data.Length;

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        _next = 0;
    }

    /// <inheritdoc/>
    protected override int ReadNextByte() => _next < data.Length ? data[_next++] : -1;
}
