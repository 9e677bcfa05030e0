using NWaves.Filters.Fda;
using NWaves.Windows;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Audio;

/// <summary>
/// Changes the sample rate of a stream by a rational factor L/M, without delay: a polyphase filter that computes only the samples that are kept
/// (Crochiere and Rabiner, Multirate Digital Signal Processing, 1983). The filter is ffmpeg's by its numbers, so that both give the same sound: a sinc that
/// cuts off at 97 % of the lower of the two rates' halves, under a Kaiser window of β = 9 and 32 periods.
/// </summary>
/// <remarks>
/// NWaves designs the filter. Its own Resampler takes a whole song into memory, delays it by half a filter, and its 101 taps leave more aliasing than
/// fits in the tolerance against ffmpeg. Before its start and behind its end a song is continued by its mirror image, as ffmpeg does it.
/// </remarks>
internal sealed class Resampler
{
    private const int Periods = 32;
    private const double Cutoff = 0.97;
    private const double Beta = 9;
    private const int BlockSamples = 1 << 14;

    private readonly int up;
    private readonly int down;
    private readonly int half;
    private readonly float[][] phases;
    private readonly float[] held;
    private long heldStart;
    private int heldCount;
    private long produced;
    private long? inputLength;

    /// <summary>Designs the filter.</summary>
    /// <param name="from">Samples a second that go in.</param>
    /// <param name="to">Samples a second that come out.</param>
    public Resampler(int from, int to)
    {
        int divisor = Gcd(from, to);
        (up, down) = (to / divisor, from / divisor);
        double cutoff = Math.Min(1, Cutoff * to / from);
        half = (int)Math.Ceiling(Periods / cutoff / 2);
        phases = Design(cutoff);
        held = new float[4 * half + BlockSamples];

        // The samples before the first one, which are known when the first are.
        (heldStart, heldCount) = (1 - half, half - 1);
    }

    /// <summary>Reads a piece of the input: fills the buffer and returns how many; fewer come only at the end.</summary>
    public delegate int Source(Span<float> destination);

    /// <summary>Fills the buffer with the next samples; fewer come only at the end, and then none.</summary>
    public int Read(Source source, Span<float> destination)
    {
        for (int done = 0; done < destination.Length; done++)
        {
            long position = produced * down, centre = position / up;
            while (inputLength is null && centre + half >= heldStart + heldCount) Fill(source, centre);
            if (centre >= inputLength) return done;
            ReadOnlySpan<float> taps = phases[position % up];
            destination[done] = TensorPrimitives.Dot(taps, held.AsSpan((int)(centre - half + 1 - heldStart), taps.Length));
            produced++;
        }

        return destination.Length;
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);

    // Of each phase the 2·half taps in the order of the input, which they leave as loud as it is.
    private float[][] Design(double cutoff)
    {
        int length = 2 * half * up + 1;
        double[] sinc = DesignFilter.FirWinLp(length, cutoff / 2 / up, WindowType.Rectangular);
        float[] window = Window.Kaiser(length, Beta);
        window[^1] = window[0]; // Rounding can make the last one the root of a negative number.
        float[][] taps = new float[up][];
        for (int phase = 0; phase < up; phase++)
        {
            double[] row = [.. Enumerable.Range(0, 2 * half).Select(i => phase + (2 * half - 1 - i) * up).Select(at => sinc[at] * window[at])];
            double sum = row.Sum();
            taps[phase] = [.. row.Select(tap => (float)(tap / sum))];
        }

        return taps;
    }

    // Drops what no later sample needs, and reads on.
    private void Fill(Source source, long centre)
    {
        bool isFirst = heldStart == 1 - half && heldCount == half - 1;
        int unneeded = (int)Math.Clamp(centre - half + 1 - heldStart, 0, heldCount);
        held.AsSpan(unneeded, heldCount - unneeded).CopyTo(held);
        heldStart += unneeded;
        heldCount -= unneeded;

        Span<float> free = held.AsSpan(heldCount, held.Length - heldCount - half);
        int count = source(free);
        if (isFirst) MirrorStart(free[..count]);
        heldCount += count;
        if (count == free.Length) return;
        inputLength = heldStart + heldCount;
        MirrorEnd(held.AsSpan(0, heldCount)[^(int)Math.Min(heldCount, inputLength.Value)..]);
    }

    private void MirrorStart(ReadOnlySpan<float> input)
    {
        for (int i = 1; i < half; i++) held[half - 1 - i] = i < input.Length ? input[i] : 0;
    }

    private void MirrorEnd(ReadOnlySpan<float> input)
    {
        for (int i = 0; i < half; i++) held[heldCount + i] = i < input.Length ? input[^(i + 1)] : 0;
        heldCount += half;
    }
}
