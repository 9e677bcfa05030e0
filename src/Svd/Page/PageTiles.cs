using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Page;

/// <summary>
/// The parts of a page that grow with the song, cut into tiles of 1024 frames, so that neither the program nor the page needs all at once: of each tile its
/// spectrogram and the levels of the excerpts that start in it.
/// </summary>
internal sealed class PageTiles(PageWriter writer, BandStatistics statistics)
{
    /// <summary>Frames of a tile: 14.6 s.</summary>
    public const int Frames = 1024;

    /// <summary>Natural logarithm of the magnitude that byte 0 of a spectrogram stands for, and the step from one byte to the next.</summary>
    public const double Lowest = -10, Step = 17.0 / byte.MaxValue;

    // Compressed while the next tiles are being computed.
    private const int TilesUnderWay = 3;

    private readonly float[] _scale = [.. statistics.Std.Select(std => (float)(std / Step))];
    private readonly float[] _offset = [.. statistics.Mean.Select(mean => (float)((mean - Lowest) / Step))];
    private readonly Queue<(string Id, Task<byte[]> Bytes)> _underWay = new();
    private readonly List<byte> _spectrogram = [];
    private readonly List<SongExcerpt> _excerpts = [];
    private int _spectrogramTiles;
    private int _excerptTiles;

    /// <summary>How often each byte occurs in the spectrogram.</summary>
    public long[] Histogram { get; } = new long[byte.MaxValue + 1];

    /// <summary>How many frames there are.</summary>
    public int FrameCount { get; private set; }

    /// <summary>Takes normalised frames×80.</summary>
    public void Add(ReadOnlySpan<float> frames)
    {
        for (int i = 0; i < frames.Length; i++)
        {
            int band = i % Bands;
            byte value = (byte)Math.Clamp(MathF.Round(frames[i] * _scale[band] + _offset[band]), 0, byte.MaxValue);
            Histogram[value]++;
            _spectrogram.Add(value);
            if (_spectrogram.Count == Frames * Bands) EndSpectrogram();
        }

        FrameCount += frames.Length / Bands;
    }

    /// <summary>Takes the next excerpt.</summary>
    public void Add(SongExcerpt excerpt)
    {
        while (excerpt.StartFrame >= (_excerptTiles + 1L) * Frames) EndExcerpts();
        _excerpts.Add(excerpt);
    }

    /// <summary>Writes what is left.</summary>
    public void End()
    {
        if (_spectrogram.Count > 0) EndSpectrogram();
        while (_excerptTiles < _spectrogramTiles) EndExcerpts();
        while (_underWay.Count > 0) WriteNext();
    }

    private void EndSpectrogram()
    {
        byte[] tile = [.. _spectrogram];
        _spectrogram.Clear();
        Write($"spectrogram{_spectrogramTiles++}", [tile]);
    }

    private void EndExcerpts()
    {
        SongExcerpt[] excerpts = [.. _excerpts];
        _excerpts.Clear();
        for (int method = 0; method < SongExplainer.Methods.Count; method++)
        {
            Write($"{SongExplainer.Methods[method]}{_excerptTiles}", [.. excerpts.Select(excerpt => excerpt.Methods[method].Levels)]);
        }

        _excerptTiles++;
    }

    private void Write(string id, byte[][] parts)
    {
        _underWay.Enqueue((id, Task.Run(() =>
        {
            byte[] all = new byte[parts.Sum(part => part.Length)];
            int start = 0;
            foreach (byte[] part in parts)
            {
                Differences(part, all.AsSpan(start, part.Length));
                start += part.Length;
            }

            return PageWriter.Deflate(all);
        })));
        while (_underWay.Count > TilesUnderWay) WriteNext();
    }

    private void WriteNext()
    {
        (string id, Task<byte[]> bytes) = _underWay.Dequeue();
        writer.Bytes(id, bytes.GetAwaiter().GetResult());
    }

    // Each frame as its difference from the one before, modulo 256: mostly small numbers, which deflate well.
    private static void Differences(ReadOnlySpan<byte> frames, Span<byte> differences)
    {
        frames[..Bands].CopyTo(differences);
        for (int i = Bands; i < frames.Length; i++) differences[i] = unchecked((byte)(frames[i] - frames[i - Bands]));
    }
}
