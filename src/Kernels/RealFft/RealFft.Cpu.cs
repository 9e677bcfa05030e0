using System.Numerics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form, frames in lanes: a vector holds the same element of as many frames as it has lanes, so the transform itself is the plain scalar algorithm and
/// no lane ever needs another. The Size real samples are taken as Size / 2 complex ones, z[i] = x[2i] + i·x[2i+1], transformed by
/// decimation in time (the bit reversal happens while the frames are gathered), and the two interleaved spectra are pulled apart at the end:
/// <code>X[k] = (Z[k] + Z*[m−k]) / 2 − i·e^(−2πik/Size)·(Z[k] − Z*[m−k]) / 2,   m = Size / 2</code>
/// For Size 1024 and 256-bit vectors a group of frames fills 32 KB: the first-level cache, and the loads and stores of its log₂ passes,
/// bound it. Parallel over groups of frames. Error: about 2e-7 of the frame's largest bin.
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

        cpu.Run((shape.Frames + TV.Width - 1) / TV.Width, &RunGroup<TV>, &arguments);
    }

    private static int Reverse(int value, int bits)
    {
        int reversed = 0;
        for (int bit = 0; bit < bits; bit++, value >>= 1) reversed = reversed << 1 | (value & 1);
        return reversed;
    }

    private static void RunGroup<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref Arguments arguments = ref *(Arguments*)context;
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

    private static void Transform<TV>(float* z, int length, float* twiddles)
        where TV : unmanaged, IVector<TV>
    {
        for (int span = 1; span < length; span *= 2)
        {
            // The table is for Size = 2 · length; this pass turns by multiples of a whole turn / (2 · span).
            int step = length / span * 2;
            long distance = (long)span * 2 * TV.Width;
            for (int j = 0; j < span; j++)
            {
                TV wr = TV.Broadcast(twiddles[j * step]), wi = TV.Broadcast(twiddles[j * step + 1]);
                for (int block = j; block < length; block += 2 * span)
                {
                    float* a = z + (long)block * 2 * TV.Width;
                    float* b = a + distance;
                    TV br = TV.Load(b), bi = TV.Load(b + TV.Width);
                    TV tr = br * wr - bi * wi, ti = br * wi + bi * wr;
                    TV ar = TV.Load(a), ai = TV.Load(a + TV.Width);
                    TV.Store(ar + tr, a);
                    TV.Store(ai + ti, a + TV.Width);
                    TV.Store(ar - tr, b);
                    TV.Store(ai - ti, b + TV.Width);
                }
            }
        }
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
