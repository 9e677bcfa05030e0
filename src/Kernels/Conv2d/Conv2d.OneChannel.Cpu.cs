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
        shape is { C: 1, PadH: 0, PadW: 0, StrideW: 1, Q: >= 12 } && shape.K % 32 == 0 && shape.R * shape.S <= FewTerms;

    private static void ForwardOneChannel<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int taps = shape.R * shape.S;
        cpu.Workspace.Begin(Workspace.Aligned(taps * shape.K) + Workspace.Aligned(taps) + Workspace.Aligned(shape.K));
        OneChannelArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Y = y,
            Activation = activation,
            U = cpu.Workspace.Take(taps * shape.K),
            Offsets = (int*)cpu.Workspace.Take(taps),
            Bias = cpu.Workspace.Take(shape.K),
        };
        for (int tap = 0; tap < taps; tap++) arguments.Offsets[tap] = tap / shape.S * shape.DilationH * shape.W + tap % shape.S * shape.DilationW;

        // [block of output channels][tap][two vectors]
        int columns = ChannelTile<TV>.Columns;
        for (int k = 0; k < shape.K; k++)
        {
            arguments.Bias[k] = b is null ? 0 : b[k];
            float* u = arguments.U + k / columns * taps * columns + k % columns;
            for (int tap = 0; tap < taps; tap++) u[tap * columns] = w[k * taps + tap];
        }

        cpu.Run(shape.N * shape.P, &RunOneChannel<TV>, ref arguments);
    }

    private static void RunOneChannel<TV>(ref OneChannelArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV> => arguments.Activation.Accept<OneChannelTask<TV>, Nothing>(new OneChannelTask<TV>(ref arguments, task));

    private static void RunOneChannel<TV, TOperator>(in OneChannelArguments arguments, TOperator activation, int task)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, taps = shape.R * shape.S, pixels = TV.HasManyRegisters ? 12 : 6, n = task / shape.P, p = task % shape.P;
        float* x = arguments.X + ((long)n * shape.H + p * shape.StrideH) * shape.W, y = arguments.Y + (long)task * shape.Q * shape.K;
        for (int column = 0; column < shape.Q; column += pixels)
        {
            int q = Math.Min(column, shape.Q - pixels);
            float* u = arguments.U;
            for (int k = 0; k < shape.K; k += columns, u += taps * columns)
            {
                float* to = y + (long)q * shape.K + k;
                if (TV.HasManyRegisters) Run12<TV, TOperator>(x + q, arguments.Offsets, taps, u, arguments.Bias + k, activation, to, shape.K);
                else Run6<TV, TOperator>(x + q, arguments.Offsets, taps, u, arguments.Bias + k, activation, to, shape.K);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run12<TV, TOperator>(float* x, int* offsets, int taps, float* u, float* bias, TOperator activation, float* y, long pitch)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
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
            TV a = TV.Broadcast(v[0]);
            TV.Fma(ref c00, a, b0);
            TV.Fma(ref c01, a, b1);
            a = TV.Broadcast(v[1]);
            TV.Fma(ref c10, a, b0);
            TV.Fma(ref c11, a, b1);
            a = TV.Broadcast(v[2]);
            TV.Fma(ref c20, a, b0);
            TV.Fma(ref c21, a, b1);
            a = TV.Broadcast(v[3]);
            TV.Fma(ref c30, a, b0);
            TV.Fma(ref c31, a, b1);
            a = TV.Broadcast(v[4]);
            TV.Fma(ref c40, a, b0);
            TV.Fma(ref c41, a, b1);
            a = TV.Broadcast(v[5]);
            TV.Fma(ref c50, a, b0);
            TV.Fma(ref c51, a, b1);
            a = TV.Broadcast(v[6]);
            TV.Fma(ref c60, a, b0);
            TV.Fma(ref c61, a, b1);
            a = TV.Broadcast(v[7]);
            TV.Fma(ref c70, a, b0);
            TV.Fma(ref c71, a, b1);
            a = TV.Broadcast(v[8]);
            TV.Fma(ref c80, a, b0);
            TV.Fma(ref c81, a, b1);
            a = TV.Broadcast(v[9]);
            TV.Fma(ref c90, a, b0);
            TV.Fma(ref c91, a, b1);
            a = TV.Broadcast(v[10]);
            TV.Fma(ref c100, a, b0);
            TV.Fma(ref c101, a, b1);
            a = TV.Broadcast(v[11]);
            TV.Fma(ref c110, a, b0);
            TV.Fma(ref c111, a, b1);
        }

        TV bias0 = TV.Load(bias), bias1 = TV.Load(bias + TV.Width);
        StorePixel(activation, c00 + bias0, c01 + bias1, y);
        StorePixel(activation, c10 + bias0, c11 + bias1, y + pitch);
        StorePixel(activation, c20 + bias0, c21 + bias1, y + 2 * pitch);
        StorePixel(activation, c30 + bias0, c31 + bias1, y + 3 * pitch);
        StorePixel(activation, c40 + bias0, c41 + bias1, y + 4 * pitch);
        StorePixel(activation, c50 + bias0, c51 + bias1, y + 5 * pitch);
        StorePixel(activation, c60 + bias0, c61 + bias1, y + 6 * pitch);
        StorePixel(activation, c70 + bias0, c71 + bias1, y + 7 * pitch);
        StorePixel(activation, c80 + bias0, c81 + bias1, y + 8 * pitch);
        StorePixel(activation, c90 + bias0, c91 + bias1, y + 9 * pitch);
        StorePixel(activation, c100 + bias0, c101 + bias1, y + 10 * pitch);
        StorePixel(activation, c110 + bias0, c111 + bias1, y + 11 * pitch);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run6<TV, TOperator>(float* x, int* offsets, int taps, float* u, float* bias, TOperator activation, float* y, long pitch)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV c00 = TV.Zero, c01 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero;
        TV c40 = TV.Zero, c41 = TV.Zero;
        TV c50 = TV.Zero, c51 = TV.Zero;
        for (int* end = offsets + taps; offsets < end; offsets++, u += 2 * TV.Width)
        {
            float* v = x + *offsets;
            TV b0 = TV.Load(u), b1 = TV.Load(u + TV.Width);
            TV a = TV.Broadcast(v[0]);
            TV.Fma(ref c00, a, b0);
            TV.Fma(ref c01, a, b1);
            a = TV.Broadcast(v[1]);
            TV.Fma(ref c10, a, b0);
            TV.Fma(ref c11, a, b1);
            a = TV.Broadcast(v[2]);
            TV.Fma(ref c20, a, b0);
            TV.Fma(ref c21, a, b1);
            a = TV.Broadcast(v[3]);
            TV.Fma(ref c30, a, b0);
            TV.Fma(ref c31, a, b1);
            a = TV.Broadcast(v[4]);
            TV.Fma(ref c40, a, b0);
            TV.Fma(ref c41, a, b1);
            a = TV.Broadcast(v[5]);
            TV.Fma(ref c50, a, b0);
            TV.Fma(ref c51, a, b1);
        }

        TV bias0 = TV.Load(bias), bias1 = TV.Load(bias + TV.Width);
        StorePixel(activation, c00 + bias0, c01 + bias1, y);
        StorePixel(activation, c10 + bias0, c11 + bias1, y + pitch);
        StorePixel(activation, c20 + bias0, c21 + bias1, y + 2 * pitch);
        StorePixel(activation, c30 + bias0, c31 + bias1, y + 3 * pitch);
        StorePixel(activation, c40 + bias0, c41 + bias1, y + 4 * pitch);
        StorePixel(activation, c50 + bias0, c51 + bias1, y + 5 * pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePixel<TV, TOperator>(TOperator activation, TV c0, TV c1, float* y)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV.Store(activation.Apply(c0), y);
        TV.Store(activation.Apply(c1), y + TV.Width);
    }

    private readonly ref struct OneChannelTask<TV>(ref OneChannelArguments arguments, int task) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref OneChannelArguments _arguments = ref arguments;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            RunOneChannel<TV, TActivation>(_arguments, activation, task);
            return default;
        }
    }

    private struct OneChannelArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Y;
        public Activation Activation;
        public float* U;
        public int* Offsets;
        public float* Bias;
    }
}
