using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form for inference: y = (x − mean) · scale + beta with scale = inverseStd · gamma. The mean is subtracted first. Folding it into beta would cause
/// cancellation if the mean is large compared with the deviation. The activation is applied block by block, while the block is in the first-level cache.
/// Vectors run along Inner, or along C if Inner is 1. Parallel over parts of planes; a plane is one channel of one sample, or of all samples if the batch is
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
            Shape = shape, X = x, Mean = mean, Scale = cpu.Workspace.Take(shape.C), Beta = beta, Activation = activation, Y = y,
        };
        for (int c = 0; c < shape.C; c++) arguments.Scale[c] = inverseStd[c] * gamma[c];
        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &InferRows<TV>, ref arguments);
        else cpu.Run(shape.N * shape.C * PartsOf(shape), &InferPart<TV>, ref arguments);
    }

    private const int SamplesPerTask = 32;

    // Floats in a part of a plane, which is one task: 64 KB.
    private const int Part = 16 * 1024;

    // Floats that are computed and read again while they are in the first-level cache.
    private const int Block = 2 * 1024;

    private static int PartsOf(in BatchNormShape shape) => (shape.Inner + Part - 1) / Part;

    // Where a task's part starts, its channel and its length.
    private static long PartOf(in BatchNormShape shape, int task, out int c, out int length)
    {
        int parts = PartsOf(shape), plane = task / parts, start = task % parts * Part;
        (c, length) = (plane % shape.C, Math.Min(Part, shape.Inner - start));
        return (long)plane * shape.Inner + start;
    }

    private static void InferPart<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        long start = PartOf(arguments.Shape, task, out int c, out int length);
        float* x = arguments.X + start;
        float* y = arguments.Y + start;
        float mean = arguments.Mean[c], scale = arguments.Scale[c], beta = arguments.Beta[c];
        for (int i = 0; i < length;)
        {
            int block = i, end = Math.Min(length, i + Block);
            for (; i <= end - TV.Width; i += TV.Width)
            {
                TV.Store(Normalise(TV.Load(x + i), TV.Broadcast(mean), TV.Broadcast(scale), TV.Broadcast(beta)), y + i);
            }

            for (; i < end; i++) V1.Store(Normalise(V1.Load(x + i), V1.Broadcast(mean), V1.Broadcast(scale), V1.Broadcast(beta)), y + i);
            Elementwise.RunLine<TV>(arguments.Activation, y + block, end - block);
        }
    }

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

    private struct Arguments
    {
        public BatchNormShape Shape;
        public float* X;
        public float* Mean;
        public float* Scale;
        public float* Beta;
        public Activation Activation;
        public float* Y;
    }
}
