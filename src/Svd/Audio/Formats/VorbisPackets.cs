using NVorbis.Contracts;

namespace Engine.Svd.Audio.Formats;

/// <summary>
/// The packets of the Vorbis streams of an Ogg file, one stream after the other. Streams of other kinds beside them are passed over.
/// </summary>
internal sealed class VorbisPackets(ByteWindow window) : IPacketProvider
{
    private readonly Queue<VorbisPacket> _ready = new();
    private readonly List<byte> _partial = [];
    private OggPage? _page;
    private bool _isOpen;
    private bool _isAmongFirstPages;
    private uint _sequence;

    /// <summary>How often pages were missing or damaged.</summary>
    public int Losses { get; private set; }

    /// <summary>Whether the file ends in bytes that are no good page.</summary>
    public bool EndsInLoss { get; private set; }

    /// <summary>Where the samples of the packets so far end by the file's count; −1 before the first page that says it.</summary>
    public long Granule { get; private set; } = -1;

    /// <summary>The same, when pages were missing for the last time.</summary>
    public long GranuleBeforeLoss { get; private set; } = -1;

    /// <inheritdoc/>
    public bool CanSeek => false;

    /// <inheritdoc/>
    public int StreamSerial { get; private set; }

    /// <summary>Goes to the next Vorbis stream.</summary>
    /// <returns>Whether there is one.</returns>
    public bool NextStream()
    {
        _ready.Clear();
        _partial.Clear();
        for (; _page is not null || ReadPage(); _page = null)
        {
            if (!_page!.IsFirst || !_page.Body.AsSpan().StartsWith("\u0001vorbis"u8)) continue;
            (StreamSerial, _sequence, Granule, _isOpen, _isAmongFirstPages) = (_page.Serial, _page.Sequence, -1, true, true);
            return true;
        }

        return false;
    }

    /// <summary>The count at the file's end, where this stream is the last; null where another is. The place in the file is lost.</summary>
    public long? LastGranule()
    {
        window.MoveTo(Math.Max(0, window.Length - 2 * OggPage.LongestPage));
        long? last = null;
        while (OggPage.Next(window, out _) is { } page)
        {
            if (page.Serial != StreamSerial) last = null;
            else if (page.Granule >= 0) last = page.Granule;
        }

        return last;
    }

    /// <inheritdoc/>
    public IPacket? PeekNextPacket() => Fill() ? _ready.Peek() : null;

    /// <inheritdoc/>
    public IPacket? GetNextPacket()
    {
        if (!Fill()) return null;
        VorbisPacket packet = _ready.Dequeue();
        if (packet.IsResync) GranuleBeforeLoss = Granule;
        if (packet.GranulePosition is > 0 and var granule) Granule = granule; // That of the headers is 0.
        return packet;
    }

    /// <inheritdoc/>
    public long SeekTo(long granulePos, int preRoll, GetPacketGranuleCount getPacketGranuleCount) => throw new NotSupportedException();

    /// <inheritdoc/>
    public long GetGranuleCount() => throw new NotSupportedException();

    // The next page is read before a page's packets are asked for, so that the last packet of a stream is known for the last.
    private bool Fill()
    {
        while (_ready.Count == 0 && _isOpen)
        {
            OggPage page = _page!;
            bool isLost = page.FollowsLoss || page.Sequence != _sequence;
            if (isLost) Losses++;
            _sequence = page.Sequence + 1;
            _isOpen = !page.IsLast && ReadPageOfStream();
            if (page.IsLast) _page = null;
            Split(page, isLost);
        }

        return _ready.Count > 0;
    }

    private void Split(OggPage page, bool isLost)
    {
        if (isLost || !page.IsContinued) _partial.Clear();
        bool isTorn = page.IsContinued && _partial.Count == 0; // The first packet's start is lost.
        VorbisPacket? last = null;
        int at = 0;
        foreach (byte part in page.Lacing)
        {
            _partial.AddRange(page.Body.AsSpan(at, part));
            at += part;
            if (part == 255) continue;
            if (!isTorn)
            {
                last = new VorbisPacket([.. _partial]) { IsResync = isLost };
                _ready.Enqueue(last);
                isLost = false;
            }

            isTorn = false;
            _partial.Clear();
        }

        if (isTorn) _partial.Clear();
        if (last is null) return;
        if (page.Granule >= 0) last.GranulePosition = page.Granule;
        last.IsEndOfStream = !_isOpen;
    }

    // Streams that run beside each other start together; one that starts later ends those before it.
    private bool ReadPageOfStream()
    {
        while (ReadPage())
        {
            _isAmongFirstPages &= _page!.IsFirst;
            if (_page.IsFirst && !_isAmongFirstPages) return false;
            if (_page.Serial == StreamSerial) return true;
        }

        return false;
    }

    private bool ReadPage()
    {
        _page = OggPage.Next(window, out long lostBytes);
        EndsInLoss = _page is null && lostBytes > 0;
        return _page is not null;
    }
}
