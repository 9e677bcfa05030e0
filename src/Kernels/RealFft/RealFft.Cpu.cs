using System.Numerics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form has frames in the lanes: a vector holds the same element of several frames, so the transform is the plain scalar algorithm and no lane ever
/// needs another. Frames are transposed into the lanes, and spectra out of them, in blocks. The Size real samples are taken as Size / 2 complex ones,
/// z[i] = x[2i] + i·x[2i+1], transformed by decimation in time (the window and the bit reversal are part of the first pass), and the two interleaved spectra
/// are separated at the end:
/// <code>X[k] = (Z[k] + Z*[m−k]) / 2 − i·e^(−2πik/Size)·(Z[k] − Z*[m−k]) / 2,   m = Size / 2</code>
/// Two radix-2 passes are made at a time (radix 4). For Size 1024 and 512-bit vectors, a group of frames fills 64 KB. So the passes go depth first: each
/// quarter is transformed while it is in the first-level cache, then the quarters are combined. Loads and stores bound it. Parallel over groups of frames.
/// Error: about 2e-7 of the frame's largest bin.
/// </content>
internal static unsafe partial class RealFft
{
    // Floats that are transformed in one go: 16 KB, half of a first-level cache.
    private const int CachedFloats = 4 * 1024;

    /// <summary>Transforms all frames. Overwrites y.</summary>
    public static void Forward<TV>(CpuContext cpu, in RealFftShape shape, float* x, float* window, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int half = shape.Size / 2;
        long samples = Workspace.Aligned((shape.Size + 2L) * TV.Width);
        cpu.Workspace.Begin(Workspace.Aligned(shape.Size) + Workspace.Aligned(half), 2 * samples);
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            Window = window,
            Y = y,
            Twiddles = cpu.Workspace.Take(shape.Size),
            Reversed = (int*)cpu.Workspace.Take(half),
            Scratch = cpu.Workspace.OfThreads,
            SamplesLength = samples,
        };
        for (int i = 0; i < half; i++)
        {
            (double sin, double cos) = Math.SinCos(-2 * Math.PI * i / shape.Size);
            arguments.Twiddles[2 * i] = (float)cos;
            arguments.Twiddles[2 * i + 1] = (float)sin;
            arguments.Reversed[i] = Reverse(i, BitOperations.Log2((uint)half));
        }

        cpu.Run((shape.Frames + TV.Width - 1) / TV.Width, &RunGroup<TV>, ref arguments);
    }

    private static int Reverse(int value, int bits)
    {
        int reversed = 0;
        for (int bit = 0; bit < bits; bit++, value >>= 1) reversed = reversed << 1 | (value & 1);
        return reversed;
    }

    private static void RunGroup<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly RealFftShape shape = ref arguments.Shape;
        float* samples = arguments.Scratch.Of(worker), z = samples + arguments.SamplesLength;
        int first = task * TV.Width, lanes = Math.Min(TV.Width, shape.Frames - first), half = shape.Size / 2;
        Transposition.Run(arguments.X + (long)first * shape.Hop, shape.Hop, lanes, shape.Size, samples, TV.Width);

        // Lanes past the last frame hold what an earlier group left there, which no other lane sees.
        Begin<TV>(arguments, samples, z);
        Combine<TV>(z, half, BitOperations.Log2((uint)half) % 2 == 1 ? 2 : 1, half, arguments.Twiddles);
        Separate<TV>(arguments, z, samples);
        Transposition.Run(samples, TV.Width, 2 * shape.Bins, lanes, arguments.Y + (long)first * 2 * shape.Bins, 2 * shape.Bins);
    }

    // z[i] = the windowed samples 2j and 2j + 1, with j = i reversed. If the number of radix-2 passes is odd, the first one, whose twiddle factors are 1, is
    // made here.
    private static void Begin<TV>(in Arguments arguments, float* samples, float* z)
        where TV : unmanaged, IVector<TV>
    {
        int half = arguments.Shape.Size / 2;
        bool odd = BitOperations.Log2((uint)half) % 2 == 1;
        for (int i = 0; i < half; i += 2, z += 4 * TV.Width)
        {
            Window<TV>(arguments, samples, arguments.Reversed[i], out TV ar, out TV ai);
            Window<TV>(arguments, samples, arguments.Reversed[i + 1], out TV br, out TV bi);
            TV.Store(odd ? ar + br : ar, z);
            TV.Store(odd ? ai + bi : ai, z + TV.Width);
            TV.Store(odd ? ar - br : br, z + 2 * TV.Width);
            TV.Store(odd ? ai - bi : bi, z + 3 * TV.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Window<TV>(in Arguments arguments, float* samples, int i, out TV real, out TV imaginary)
        where TV : unmanaged, IVector<TV>
    {
        real = TV.Load(samples + 2L * i * TV.Width) * TV.Broadcast(arguments.Window[2 * i]);
        imaginary = TV.Load(samples + (2L * i + 1) * TV.Width) * TV.Broadcast(arguments.Window[2 * i + 1]);
    }

    // Makes the passes from transforms of `span` elements to one of `length`, of `whole` in all.
    private static void Combine<TV>(float* z, int length, int span, int whole, float* twiddles)
        where TV : unmanaged, IVector<TV>
    {
        if (2L * length * TV.Width > CachedFloats && length >= 4 * span)
        {
            for (int quarter = 0; quarter < 4; quarter++) Combine<TV>(z + (long)quarter * length / 2 * TV.Width, length / 4, span, whole, twiddles);
            span = length / 4;
        }

        for (; span < length; span *= 4) Pass<TV>(z, length, span, whole / span, twiddles);
    }

    // Two radix-2 passes in registers. The table is for a full turn in 2 · whole steps; the two passes rotate by multiples of a full turn / (2 · span) and
    // / (4 · span).
    private static void Pass<TV>(float* z, int length, int span, int step, float* twiddles)
        where TV : unmanaged, IVector<TV>
    {
        long distance = 2L * span * TV.Width;
        for (int j = 0; j < span; j++)
        {
            float* first = twiddles + 2 * j * step, second = twiddles + j * step;
            TV vr = TV.Broadcast(first[0]), vi = TV.Broadcast(first[1]), wr = TV.Broadcast(second[0]), wi = TV.Broadcast(second[1]);
            TV minusVi = TV.Zero - vi, minusWi = TV.Zero - wi;
            for (float* a = z + 2L * j * TV.Width, end = z + 2L * length * TV.Width; a < end; a += 4 * distance)
            {
                float* b = a + distance, c = b + distance, d = c + distance;
                Multiply(TV.Load(b), TV.Load(b + TV.Width), vr, vi, minusVi, out TV br, out TV bi);
                Multiply(TV.Load(d), TV.Load(d + TV.Width), vr, vi, minusVi, out TV dr, out TV di);
                TV ar = TV.Load(a), ai = TV.Load(a + TV.Width), cr = TV.Load(c), ci = TV.Load(c + TV.Width);
                Multiply(cr + dr, ci + di, wr, wi, minusWi, out TV er, out TV ei);
                Multiply(cr - dr, ci - di, wr, wi, minusWi, out TV fr, out TV fi);
                TV gr = ar + br, gi = ai + bi, hr = ar - br, hi = ai - bi;
                TV.Store(gr + er, a);
                TV.Store(gi + ei, a + TV.Width);
                TV.Store(gr - er, c);
                TV.Store(gi - ei, c + TV.Width);

                // A quarter turn more is a multiplication by −i.
                TV.Store(hr + fi, b);
                TV.Store(hi - fr, b + TV.Width);
                TV.Store(hr - fi, d);
                TV.Store(hi + fr, d + TV.Width);
            }
        }
    }

    // The product of z and w, lane by lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply<TV>(TV zr, TV zi, TV wr, TV wi, TV minusWi, out TV real, out TV imaginary)
        where TV : unmanaged, IVector<TV>
    {
        real = zr * wr;
        TV.Fma(ref real, zi, minusWi);
        imaginary = zr * wi;
        TV.Fma(ref imaginary, zi, wr);
    }

    // The spectra of the lanes' frames, real and imaginary parts by turns. Overwrites bins.
    private static void Separate<TV>(in Arguments arguments, float* z, float* bins)
        where TV : unmanaged, IVector<TV>
    {
        int half = arguments.Shape.Size / 2;
        TV oneHalf = TV.Broadcast(0.5f);
        for (int k = 0; k < arguments.Shape.Bins; k++, bins += 2 * TV.Width)
        {
            float* p = z + (long)(k % half) * 2 * TV.Width;
            float* q = z + (long)((half - k) % half) * 2 * TV.Width;

            // At k = Size / 2 the table ends; e^(−πi) is −1.
            TV wr = TV.Broadcast(k < half ? arguments.Twiddles[2 * k] : -1), wi = TV.Broadcast(k < half ? arguments.Twiddles[2 * k + 1] : 0);
            TV pr = TV.Load(p), pi = TV.Load(p + TV.Width), qr = TV.Load(q), qi = TV.Load(q + TV.Width);
            TV evenR = (pr + qr) * oneHalf, evenI = (pi - qi) * oneHalf;
            TV oddR = (pi + qi) * oneHalf, oddI = (qr - pr) * oneHalf;
            TV.Store(evenR + oddR * wr - oddI * wi, bins);
            TV.Store(evenI + oddR * wi + oddI * wr, bins + TV.Width);
        }
    }

    private struct Arguments
    {
        public RealFftShape Shape;
        public float* X;
        public float* Window;
        public float* Y;
        public float* Twiddles;
        public int* Reversed;
        public ThreadScratch Scratch;
        public long SamplesLength;
    }
}
