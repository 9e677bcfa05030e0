using System.Numerics;
using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one group for each frame. As on the CPU, the Size samples are taken as Size / 2 complex ones. They are written to shared memory in
/// bit-reversed order and transformed in place, in log₂ passes of Size / 4 butterflies with a barrier after each; at the end the spectra are separated. The
/// twiddle factors come from a table that is computed in double precision, since the sines of some devices are approximations. Shared memory bounds it; it
/// holds frames of up to <see cref="MaxGpuSize"/>.
/// </content>
internal static unsafe partial class RealFft
{
    /// <summary>The longest frame that fits: 32 KB of complex numbers.</summary>
    public const int MaxGpuSize = 8192;

    /// <summary>Transforms all frames. Overwrites y.</summary>
    public static void Forward(GpuContext gpu, in RealFftShape shape, ArrayView<float> x, ArrayView<float> window, ArrayView<float> y)
    {
        Sizes.Require(shape, shape.Size <= MaxGpuSize, "a frame is longer than the 8192 samples that a GPU's shared memory holds");
        int half = shape.Size / 2;
        gpu.Launch(Kernel, new Index3D(shape.Frames, 1, 1), new GpuArguments
        {
            X = x, Window = window, Turns = gpu.Table(shape.Size, Turns), Y = y, Hop = shape.Hop, Half = half, Bits = BitOperations.Log2((uint)half),
            Bins = shape.Bins,
        });
    }

    private static void Kernel(GpuArguments arguments)
    {
        ArrayView<float> re = SharedMemory.Allocate<float>(MaxGpuSize / 2), im = SharedMemory.Allocate<float>(MaxGpuSize / 2);
        int half = arguments.Half, thread = Group.IdxX, start = Grid.IdxX * arguments.Hop;
        for (int i = thread; i < half; i += GpuContext.GroupSize)
        {
            int to = 0;
            for (int bit = 0, rest = i; bit < arguments.Bits; bit++, rest >>= 1) to = to << 1 | (rest & 1);
            re[to] = arguments.X[start + 2 * i] * arguments.Window[2 * i];
            im[to] = arguments.X[start + 2 * i + 1] * arguments.Window[2 * i + 1];
        }

        Group.Barrier();
        for (int bit = 0; bit < arguments.Bits; bit++)
        {
            // This pass rotates by multiples of a full turn / (2 · span); the table is for Size = 2 · half.
            int span = 1 << bit, step = half >> bit;
            for (int i = thread; i < half / 2; i += GpuContext.GroupSize)
            {
                int j = i & (span - 1), a = (i - j) * 2 + j, b = a + span;
                float wr = arguments.Turns[2 * j * step], wi = arguments.Turns[2 * j * step + 1];
                float tr = re[b] * wr - im[b] * wi, ti = re[b] * wi + im[b] * wr;
                float ar = re[a], ai = im[a];
                re[a] = ar + tr;
                im[a] = ai + ti;
                re[b] = ar - tr;
                im[b] = ai - ti;
            }

            Group.Barrier();
        }

        for (int k = thread; k < arguments.Bins; k += GpuContext.GroupSize)
        {
            int p = k & (half - 1), q = (half - k) & (half - 1), at = (Grid.IdxX * arguments.Bins + k) * 2;

            // At k = half the table ends; e^(−πi) is −1.
            float wr = k < half ? arguments.Turns[2 * p] : -1, wi = k < half ? arguments.Turns[2 * p + 1] : 0;
            float evenR = (re[p] + re[q]) * 0.5f, evenI = (im[p] - im[q]) * 0.5f, oddR = (im[p] + im[q]) * 0.5f, oddI = (re[q] - re[p]) * 0.5f;
            arguments.Y[at] = evenR + oddR * wr - oddI * wi;
            arguments.Y[at + 1] = evenI + oddR * wi + oddI * wr;
        }
    }

    // e^(−2πi·j / size) for j < size / 2.
    private static float[] Turns(int size)
    {
        float[] turns = new float[size];
        for (int j = 0; j < size / 2; j++)
        {
            (double sin, double cos) = Math.SinCos(-2 * Math.PI * j / size);
            (turns[2 * j], turns[2 * j + 1]) = ((float)cos, (float)sin);
        }

        return turns;
    }

    internal struct GpuArguments
    {
        public ArrayView<float> X;
        public ArrayView<float> Window;
        public ArrayView<float> Turns;
        public ArrayView<float> Y;
        public int Hop;
        public int Half;
        public int Bits;
        public int Bins;
    }
}
