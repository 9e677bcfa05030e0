using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form for inference: y = (x − mean) · scale + beta with scale = inverseStd · gamma. The mean is subtracted first. Folding it into beta would
/// cause cancellation if the mean is large compared with the deviation. The activation is applied in registers. Vectors run along Inner, or along C if
/// Inner is 1. Parallel over planes or, of few samples, shares of large ones; a plane is one channel of one sample, or of a block of samples if the batch is
/// last. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class BatchNorm
{
    /// <summary>Normalises with given statistics. Overwrites y, which may be x.</summary>
    public static void Infer<TV>(
        CpuContext cpu, in BatchNormShape shape, float* x, float* mean, float* inverseStd, float* gamma, float* beta, Activation activation,
        float* y)
        where TV : unmanaged, IVector<TV>
    {
        cpu.Workspace.Begin(Workspace.Aligned(shape.C));
        Arguments arguments = new()
        {
            Shape = shape, Shares = SharesOf(cpu, shape), X = x, Mean = mean, Scale = cpu.Workspace.Take(shape.C), Beta = beta, Activation = activation,
            Y = y,
        };
        for (int c = 0; c < shape.C; c++) arguments.Scale[c] = inverseStd[c] * gamma[c];
        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &InferRows<TV>, ref arguments);
        else cpu.Run(shape.N * shape.C * arguments.Shares, &InferPlane<TV>, ref arguments);
    }

    private const int SamplesPerTask = 32;

    // Floats in a part of a plane, which has sums of its own: 64 KB.
    private const int Part = 16 * 1024;

    // Parts of a share: shorter stretches of memory are read too slowly.
    private const int LeastOfShare = 2;

    // Floats whose gradient is computed and read again while it is in the first-level cache.
    private const int Block = 2 * 1024;

    private static int PartsOf(in BatchNormShape shape) => (shape.Inner + Part - 1) / Part;

    // One task is a plane, or a share of a large plane if there are fewer samples than threads. Within a sample, one share of all planes comes before
    // the next share: if the batch is last, it is the rows of the maps that the same thread has from the layer before and needs for the next.
    private static int SharesOf(CpuContext cpu, in BatchNormShape shape) =>
        Math.Clamp(PartsOf(shape) / LeastOfShare, 1, (cpu.Threads + shape.N - 1) / shape.N);

    private static void PlaneOf(in BatchNormShape shape, int shares, int task, out int n, out int c, out int firstPart, out int endPart)
    {
        int share = task / shape.C % shares, parts = PartsOf(shape);
        (n, c) = (task / shape.C / shares, task % shape.C);
        (firstPart, endPart) = (parts * share / shares, parts * (share + 1) / shares);
    }

    // Where a part of a plane starts, and its length.
    private static long PartOf(in BatchNormShape shape, int n, int c, int part, out int length)
    {
        int start = part * Part;
        length = Math.Min(Part, shape.Inner - start);
        return ((long)n * shape.C + c) * shape.Inner + start;
    }

    // Where the parts of a share start, and their length together.
    private static long ShareOf(in BatchNormShape shape, int shares, int task, out int c, out int length)
    {
        PlaneOf(shape, shares, task, out int n, out c, out int firstPart, out int endPart);
        length = Math.Min(endPart * Part, shape.Inner) - firstPart * Part;
        return PartOf(shape, n, c, firstPart, out _);
    }

    private static void InferPlane<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        long start = ShareOf(arguments.Shape, arguments.Shares, task, out int c, out int length);
        Normalise<TV>(
            arguments.X + start, arguments.Mean[c], 0, arguments.Scale[c], arguments.Beta[c], arguments.Activation, arguments.Y + start, length);
    }

    // y = activation((x − mean − low)·scale + beta).
    private static void Normalise<TV>(float* x, float mean, float low, float scale, float beta, Activation activation, float* y, int length)
        where TV : unmanaged, IVector<TV> => activation.Accept<NormalLine<TV>, Nothing>(new NormalLine<TV>(x, mean, low, scale, beta, y, length));

    private static void InferRows<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int channels = arguments.Shape.C, end = Math.Min(arguments.Shape.N, (task + 1) * SamplesPerTask);
        float* mean = arguments.Mean;
        float* scale = arguments.Scale;
        float* beta = arguments.Beta;
        for (int n = task * SamplesPerTask; n < end; n++)
        {
            float* x = arguments.X + (long)n * channels;
            float* y = arguments.Y + (long)n * channels;
            int c = 0;
            for (; c <= channels - TV.Width; c += TV.Width)
            {
                TV.Store(Normalise(TV.Load(x + c), TV.Load(mean + c), TV.Load(scale + c), TV.Load(beta + c)), y + c);
            }

            for (; c < channels; c++) V1.Store(Normalise(V1.Load(x + c), V1.Load(mean + c), V1.Load(scale + c), V1.Load(beta + c)), y + c);
            Elementwise.RunLine<TV>(arguments.Activation, y, channels);
        }
    }

    private static TV Normalise<TV>(TV x, TV mean, TV scale, TV beta)
        where TV : unmanaged, IVector<TV>
    {
        TV y = beta;
        TV.Fma(ref y, x - mean, scale);
        return y;
    }

    private readonly struct NormalLine<TV>(float* x, float mean, float low, float scale, float beta, float* y, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            float* from = x, to = y;
            int i = 0, end = length;
            TV m = TV.Broadcast(mean), l = TV.Broadcast(low), s = TV.Broadcast(scale), b = TV.Broadcast(beta);
            for (; i <= end - TV.Width; i += TV.Width) TV.Store(activation.Apply(Normalise(TV.Load(from + i) - m, l, s, b)), to + i);
            for (; i < end; i++)
            {
                V1 centred = V1.Load(from + i) - V1.Broadcast(mean);
                V1.Store(activation.Apply(Normalise(centred, V1.Broadcast(low), V1.Broadcast(scale), V1.Broadcast(beta))), to + i);
            }

            return default;
        }
    }

    private struct Arguments
    {
        public BatchNormShape Shape;
        public int Shares;
        public float* X;
        public float* Mean;
        public float* Scale;
        public float* Beta;
        public Activation Activation;
        public float* Y;
    }
}
