using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for one input channel and maps that lie N H W C. A tile is 12 pixels of a row (6 if there are 16 registers) by two vectors of output channels, held
/// in registers while the taps pass by: each tap loads two vectors of weights, and broadcasts one pixel for each pixel of the tile. A tile that would stick out
/// of its row begins earlier and computes some pixels again. Bias and activation are applied before the tile is stored. Parallel over samples and output rows.
/// Storing y bounds it.
/// </content>
internal static unsafe partial class Conv2d
{
    private static bool SuitsOneChannel(in Conv2dShape shape) =>
        shape is { C: 1, IsPadded: false, StrideW: 1, Q: >= 12 } && shape.K % 32 == 0 && shape.R * shape.S <= FewTerms;

    private static void ForwardOneChannel<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        OneChannel conv = new() { Shape = shape, X = x, W = w, B = b, Activation = activation, Y = y };
        cpu.Workspace.Begin(OneChannelLength(conv));
        PackOneChannel<TV>(cpu, ref conv);
        cpu.Run(shape.N * shape.P, &RunOneChannel<TV>, ref conv);
    }

    private static long OneChannelLength(in OneChannel conv)
    {
        int taps = conv.Shape.R * conv.Shape.S;
        return Workspace.Aligned(taps * conv.Shape.K) + Workspace.Aligned(taps) + Workspace.Aligned(conv.Shape.K);
    }

    // Takes OneChannelLength floats of a workspace.
    private static void PackOneChannel<TV>(CpuContext cpu, ref OneChannel conv)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape shape = conv.Shape;
        int taps = shape.R * shape.S;
        conv.U = cpu.Workspace.Take(taps * shape.K);
        conv.Offsets = (int*)cpu.Workspace.Take(taps);
        conv.Bias = cpu.Workspace.Take(shape.K);
        for (int tap = 0; tap < taps; tap++) conv.Offsets[tap] = tap / shape.S * shape.DilationH * shape.W + tap % shape.S * shape.DilationW;

        // [block of output channels][tap][two vectors]
        int columns = ChannelTile<TV>.Columns;
        for (int k = 0; k < shape.K; k++)
        {
            conv.Bias[k] = conv.B is null ? 0 : conv.B[k];
            float* u = conv.U + k / columns * taps * columns + k % columns;
            for (int tap = 0; tap < taps; tap++) u[tap * columns] = conv.W[k * taps + tap];
        }
    }

    private static void RunOneChannel<TV>(ref OneChannel conv, int task, int worker)
        where TV : unmanaged, IVector<TV> =>
        RunRow<TV>(conv, task / conv.Shape.P, task % conv.Shape.P, conv.Y + (long)task * conv.Shape.Q * conv.Shape.K);

    // Output row p of sample n, to y.
    private static void RunRow<TV>(in OneChannel conv, int n, int p, float* y)
        where TV : unmanaged, IVector<TV> => conv.Activation.Accept<OneChannelRow<TV>, Nothing>(new OneChannelRow<TV>(in conv, n, p, y));

    private static void RunRow<TV, TOperator>(in OneChannel conv, TOperator activation, int n, int p, float* y)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        ref readonly Conv2dShape shape = ref conv.Shape;
        int columns = ChannelTile<TV>.Columns, taps = shape.R * shape.S, pixels = TV.HasManyRegisters ? Twelve.Count : Six.Count;
        float* x = conv.X + ((long)n * shape.H + p * shape.StrideH) * shape.W;
        for (int column = 0; column < shape.Q; column += pixels)
        {
            int q = Math.Min(column, shape.Q - pixels);
            float* u = conv.U;
            for (int k = 0; k < shape.K; k += columns, u += taps * columns)
            {
                float* to = y + (long)q * shape.K + k;
                if (TV.HasManyRegisters) RunPixels<TV, TOperator, Twelve>(x + q, conv.Offsets, taps, u, conv.Bias + k, activation, to, shape.K);
                else RunPixels<TV, TOperator, Six>(x + q, conv.Offsets, taps, u, conv.Bias + k, activation, to, shape.K);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunPixels<TV, TOperator, TPixels>(
        float* x, int* offsets, int taps, float* u, float* bias, TOperator activation, float* y, long pitch)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
        where TPixels : IExtent
    {
        TV c00 = TV.Zero, c01 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero;
        TV c40 = TV.Zero, c41 = TV.Zero;
        TV c50 = TV.Zero, c51 = TV.Zero;
        TV c60 = TV.Zero, c61 = TV.Zero;
        TV c70 = TV.Zero, c71 = TV.Zero;
        TV c80 = TV.Zero, c81 = TV.Zero;
        TV c90 = TV.Zero, c91 = TV.Zero;
        TV c100 = TV.Zero, c101 = TV.Zero;
        TV c110 = TV.Zero, c111 = TV.Zero;
        for (int* end = offsets + taps; offsets < end; offsets++, u += 2 * TV.Width)
        {
            float* v = x + *offsets;
            TV b0 = TV.Load(u), b1 = TV.Load(u + TV.Width);
            AddPixel(v[0], b0, b1, ref c00, ref c01);
            AddPixel(v[1], b0, b1, ref c10, ref c11);
            AddPixel(v[2], b0, b1, ref c20, ref c21);
            AddPixel(v[3], b0, b1, ref c30, ref c31);
            AddPixel(v[4], b0, b1, ref c40, ref c41);
            AddPixel(v[5], b0, b1, ref c50, ref c51);
            if (TPixels.Count == 6) continue;
            AddPixel(v[6], b0, b1, ref c60, ref c61);
            AddPixel(v[7], b0, b1, ref c70, ref c71);
            AddPixel(v[8], b0, b1, ref c80, ref c81);
            AddPixel(v[9], b0, b1, ref c90, ref c91);
            AddPixel(v[10], b0, b1, ref c100, ref c101);
            AddPixel(v[11], b0, b1, ref c110, ref c111);
        }

        TV bias0 = TV.Load(bias), bias1 = TV.Load(bias + TV.Width);
        StorePixel(activation, c00 + bias0, c01 + bias1, y);
        StorePixel(activation, c10 + bias0, c11 + bias1, y + pitch);
        StorePixel(activation, c20 + bias0, c21 + bias1, y + 2 * pitch);
        StorePixel(activation, c30 + bias0, c31 + bias1, y + 3 * pitch);
        StorePixel(activation, c40 + bias0, c41 + bias1, y + 4 * pitch);
        StorePixel(activation, c50 + bias0, c51 + bias1, y + 5 * pitch);
        if (TPixels.Count == 6) return;
        StorePixel(activation, c60 + bias0, c61 + bias1, y + 6 * pitch);
        StorePixel(activation, c70 + bias0, c71 + bias1, y + 7 * pitch);
        StorePixel(activation, c80 + bias0, c81 + bias1, y + 8 * pitch);
        StorePixel(activation, c90 + bias0, c91 + bias1, y + 9 * pitch);
        StorePixel(activation, c100 + bias0, c101 + bias1, y + 10 * pitch);
        StorePixel(activation, c110 + bias0, c111 + bias1, y + 11 * pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPixel<TV>(float pixel, TV b0, TV b1, ref TV c0, ref TV c1)
        where TV : unmanaged, IVector<TV>
    {
        TV a = TV.Broadcast(pixel);
        TV.Fma(ref c0, a, b0);
        TV.Fma(ref c1, a, b1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePixel<TV, TOperator>(TOperator activation, TV c0, TV c1, float* y)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV.Store(activation.Apply(c0), y);
        TV.Store(activation.Apply(c1), y + TV.Width);
    }

    private readonly ref struct OneChannelRow<TV>(in OneChannel conv, int n, int p, float* y) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref readonly OneChannel _conv = ref conv;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            RunRow<TV, TActivation>(_conv, activation, n, p, y);
            return default;
        }
    }

    /// <summary>A convolution of this form.</summary>
    internal struct OneChannel
    {
        public Conv2dShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public Activation Activation;
        public float* Y;

        // What PackOneChannel makes: the weights, where the taps lie in the image, and the bias.
        public float* U;
        public int* Offsets;
        public float* Bias;
    }
}
