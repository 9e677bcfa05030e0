using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The filter gradient of 3×3 filters of one input channel, for maps that lie N H W C. Lanes are output channels: for each vector of them, the sums of the nine
/// taps and of the bias stay in registers while the pixels of a row pass by, and each pixel's gradient is multiplied by the nine inputs that it sees. The sums
/// of a row are then added to those of the piece of the batch, so that no long sum is made in float32. If dy is the gradient behind an activation, a row of it
/// is first turned into the gradient before the activation. Parallel over pieces of the batch; reading dy, and y if there is an activation, bounds it.
/// </content>
internal static unsafe partial class Conv2d
{
    // Nine taps and the bias.
    private const int OneChannelSums = 10;

    private static bool SuitsOneChannelGradient(in Conv2dShape shape) => shape is { C: 1, R: 3, S: 3, IsPadded: false } && shape.K % 16 == 0;

    private static void BackwardFilterOneChannel<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw, float* db, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        long sums = OneChannelSums * shape.K, rows = (long)shape.N * shape.P;
        int pieces = (int)Math.Min(rows, MaxPieces);
        cpu.Workspace.Begin(pieces * sums, y is null ? 0 : shape.Q * shape.K);
        OneChannelGradient gradient = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            Y = y,
            Activation = activation,
            Pieces = pieces,
            Sums = cpu.Workspace.Take(pieces * sums),
            Scratch = cpu.Workspace.OfThreads,
        };
        cpu.Run(pieces, &SumRows<TV>, ref gradient);
        for (int k = 0; k < shape.K; k++)
        for (int tap = 0; tap < (db is null ? 9 : 10); tap++)
        {
            double sum = 0;
            for (int piece = 0; piece < pieces; piece++) sum += gradient.Sums[piece * sums + tap * shape.K + k];
            if (tap < 9) dw[k * 9 + tap] = (float)sum;
            else db[k] = (float)sum;
        }
    }

    // One task is a piece of the batch. Its sums lie [tap][output channel].
    private static void SumRows<TV>(ref OneChannelGradient gradient, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape shape = gradient.Shape;
        int length = shape.Q * shape.K;
        float* sums = gradient.Sums + (long)task * OneChannelSums * shape.K;
        new Span<float>(sums, OneChannelSums * shape.K).Clear();
        long rows = (long)shape.N * shape.P, row = rows * task / gradient.Pieces, end = rows * (task + 1) / gradient.Pieces;
        for (; row < end; row++)
        {
            float* dy = gradient.Dy + row * length;
            if (gradient.Y is not null)
            {
                float* before = gradient.Scratch.Of(worker);
                ActivationGradient.Run<TV>(gradient.Activation, gradient.Y + row * length, dy, before, length);
                dy = before;
            }

            (long n, long p) = Math.DivRem(row, shape.P);
            float* x = gradient.X + (n * shape.H + p * shape.StrideH) * shape.W;
            for (int k = 0; k < shape.K; k += TV.Width) SumRow<TV>(shape, x, dy + k, sums + k);
        }
    }

    // sums[tap] += Σ dy · x seen through the tap, over a row of pixels, for a vector of output channels.
    private static void SumRow<TV>(in Conv2dShape shape, float* x, float* dy, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        int step = shape.StrideW, right = shape.DilationW, pitch = shape.K;
        long below = (long)shape.DilationH * shape.W;
        TV s0 = TV.Zero, s1 = TV.Zero, s2 = TV.Zero, s3 = TV.Zero, s4 = TV.Zero, s5 = TV.Zero, s6 = TV.Zero, s7 = TV.Zero, s8 = TV.Zero, bias = TV.Zero;
        for (int q = 0; q < shape.Q; q++, dy += pitch, x += step)
        {
            TV gradient = TV.Load(dy);
            float* middle = x + below, bottom = middle + below;
            TV.Fma(ref s0, gradient, TV.Broadcast(x[0]));
            TV.Fma(ref s1, gradient, TV.Broadcast(x[right]));
            TV.Fma(ref s2, gradient, TV.Broadcast(x[2 * right]));
            TV.Fma(ref s3, gradient, TV.Broadcast(middle[0]));
            TV.Fma(ref s4, gradient, TV.Broadcast(middle[right]));
            TV.Fma(ref s5, gradient, TV.Broadcast(middle[2 * right]));
            TV.Fma(ref s6, gradient, TV.Broadcast(bottom[0]));
            TV.Fma(ref s7, gradient, TV.Broadcast(bottom[right]));
            TV.Fma(ref s8, gradient, TV.Broadcast(bottom[2 * right]));
            bias += gradient;
        }

        Add(sums, s0);
        Add(sums + pitch, s1);
        Add(sums + 2 * pitch, s2);
        Add(sums + 3 * pitch, s3);
        Add(sums + 4 * pitch, s4);
        Add(sums + 5 * pitch, s5);
        Add(sums + 6 * pitch, s6);
        Add(sums + 7 * pitch, s7);
        Add(sums + 8 * pitch, s8);
        Add(sums + 9 * pitch, bias);

        static void Add(float* sum, TV more) => TV.Store(TV.Load(sum) + more, sum);
    }

    private struct OneChannelGradient
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public float* Y;
        public Activation Activation;
        public int Pieces;
        public float* Sums;
        public ThreadScratch Scratch;
    }
}
