using System.Numerics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form has frames in the lanes: a vector holds the same element of several frames, so the transform is the plain scalar algorithm and no lane ever
/// needs another. The Size real samples are taken as Size / 2 complex ones, z[i] = x[2i] + i·x[2i+1], transformed by decimation in time (the bit reversal
/// happens while the frames are gathered), and the two interleaved spectra are separated at the end:
/// <code>X[k] = (Z[k] + Z*[m−k]) / 2 − i·e^(−2πik/Size)·(Z[k] − Z*[m−k]) / 2,   m = Size / 2</code>
/// For Size 1024 and 256-bit vectors, a group of frames fills 32 KB. The loads and stores of the passes over the first-level cache bound it, so two passes are
/// made at a time (radix 4). Parallel over groups of frames. Error: about 2e-7 of the frame's largest bin.
/// </content>
internal static unsafe partial class RealFft
{
    /// <summary>Transforms all frames. Overwrites y.</summary>
    public static void Forward<TV>(CpuContext cpu, in RealFftShape shape, float* x, float* window, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int half = shape.Size / 2;
        long scratch = Workspace.Aligned(2L * half * TV.Width);
        cpu.Workspace.Begin(Workspace.Aligned(shape.Size) + Workspace.Aligned(half) + cpu.Threads * scratch);
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            Window = window,
            Y = y,
            Twiddles = cpu.Workspace.Take(shape.Size),
            Reversed = (int*)cpu.Workspace.Take(half),
            Scratch = cpu.Workspace.Take(cpu.Threads * scratch),
            ScratchLength = scratch,
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
        float* z = arguments.Scratch + worker * arguments.ScratchLength;
        int first = task * TV.Width;
        Gather<TV>(arguments, first, z);
        Transform<TV>(z, arguments.Shape.Size / 2, arguments.Twiddles);
        Separate<TV>(arguments, first, z);
    }

    // z[reversed i] = the windowed samples 2i and 2i + 1 of every lane's frame; lanes past the last frame repeat it.
    private static void Gather<TV>(in Arguments arguments, int first, float* z)
        where TV : unmanaged, IVector<TV>
    {
        RealFftShape shape = arguments.Shape;
        for (int lane = 0; lane < TV.Width; lane++)
        {
            float* x = arguments.X + (long)Math.Min(first + lane, shape.Frames - 1) * shape.Hop;
            for (int i = 0; i < shape.Size / 2; i++)
            {
                float* to = z + (long)arguments.Reversed[i] * 2 * TV.Width + lane;
                to[0] = x[2 * i] * arguments.Window[2 * i];
                to[TV.Width] = x[2 * i + 1] * arguments.Window[2 * i + 1];
            }
        }
    }

    // Makes two radix-2 passes at a time, in registers. If their number is odd, the first one, whose twiddle factors are 1, is made alone.
    private static void Transform<TV>(float* z, int length, float* twiddles)
        where TV : unmanaged, IVector<TV>
    {
        int span = 1;
        if (BitOperations.Log2((uint)length) % 2 == 1)
        {
            for (float* a = z, end = z + 2L * length * TV.Width; a < end; a += 4 * TV.Width)
            {
                TV ar = TV.Load(a), ai = TV.Load(a + TV.Width), br = TV.Load(a + 2 * TV.Width), bi = TV.Load(a + 3 * TV.Width);
                TV.Store(ar + br, a);
                TV.Store(ai + bi, a + TV.Width);
                TV.Store(ar - br, a + 2 * TV.Width);
                TV.Store(ai - bi, a + 3 * TV.Width);
            }

            span = 2;
        }

        for (; span < length; span *= 4)
        {
            // The table is for Size = 2 · length; the two passes rotate by multiples of a full turn / (2 · span) and / (4 · span).
            int step = length / span;
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

    [SkipLocalsInit]
    private static void Separate<TV>(in Arguments arguments, int first, float* z)
        where TV : unmanaged, IVector<TV>
    {
        RealFftShape shape = arguments.Shape;
        int half = shape.Size / 2, lanes = Math.Min(TV.Width, shape.Frames - first);
        TV oneHalf = TV.Broadcast(0.5f);
        float* bin = stackalloc float[2 * TV.Width];
        for (int k = 0; k < shape.Bins; k++)
        {
            float* p = z + (long)(k % half) * 2 * TV.Width;
            float* q = z + (long)((half - k) % half) * 2 * TV.Width;

            // At k = Size / 2 the table ends; e^(−πi) is −1.
            TV wr = TV.Broadcast(k < half ? arguments.Twiddles[2 * k] : -1), wi = TV.Broadcast(k < half ? arguments.Twiddles[2 * k + 1] : 0);
            TV pr = TV.Load(p), pi = TV.Load(p + TV.Width), qr = TV.Load(q), qi = TV.Load(q + TV.Width);
            TV evenR = (pr + qr) * oneHalf, evenI = (pi - qi) * oneHalf;
            TV oddR = (pi + qi) * oneHalf, oddI = (qr - pr) * oneHalf;
            TV.Store(evenR + oddR * wr - oddI * wi, bin);
            TV.Store(evenI + oddR * wi + oddI * wr, bin + TV.Width);
            float* y = arguments.Y + ((long)first * shape.Bins + k) * 2;
            for (int lane = 0; lane < lanes; lane++, y += 2L * shape.Bins)
            {
                y[0] = bin[lane];
                y[1] = bin[TV.Width + lane];
            }
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
        public float* Scratch;
        public long ScratchLength;
    }
}
