using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: a <see cref="TiledProduct"/> of the packed samples with the weights in place, whose rows are Out floats apart. Parallel over
/// tiles of output features. Compute bounds it for many samples; for one sample it reads each weight once and memory bandwidth does.
/// </content>
internal static unsafe partial class Dense
{
    /// <summary>y = activation(x·w + b). Overwrites y; <paramref name="b"/> may be null.</summary>
    public static void Forward<TV>(CpuContext cpu, in DenseShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        long packed = TiledProduct.PackedLength<TV>(shape.N, shape.In), scratch = Workspace.Aligned(TiledProduct.ScratchLength<TV>(shape.N));
        cpu.Workspace.Begin(Workspace.Aligned(packed) + Workspace.Aligned(shape.In) + cpu.Threads * scratch);
        Arguments arguments = new()
        {
            X = x,
            ScratchLength = scratch,
            Product = new TiledProduct
            {
                A = cpu.Workspace.Take(packed),
                Rows = shape.N,
                Depth = shape.In,
                B = w,
                Offsets = (int*)cpu.Workspace.Take(shape.In),
                Columns = shape.Out,
                Bias = b,
                BiasPerColumn = b is not null,
                Activation = activation,
                Y = y,
                Pitch = shape.Out,
                Width = shape.Out,
                RowStride = shape.Out,
                ColumnStride = 1,
            },
            Scratch = cpu.Workspace.Take(cpu.Threads * scratch),
        };
        for (int i = 0; i < shape.In; i++) arguments.Product.Offsets[i] = i * shape.Out;
        cpu.Run(TiledProduct.RowBlocks<TV>(shape.N), &PackSamples<TV>, &arguments);
        cpu.Run(TiledProduct.Tiles<TV>(shape.Out), &RunTile<TV>, &arguments);
    }

    private static void PackSamples<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref Arguments arguments = ref *(Arguments*)context;
        ref TiledProduct product = ref arguments.Product;
        TiledProduct.PackRows<TV>(arguments.X, product.Depth, null, product.Rows, product.Depth, task, product.A);
    }

    private static void RunTile<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref Arguments arguments = ref *(Arguments*)context;
        arguments.Product.RunTile<TV>(task, arguments.Scratch + worker * arguments.ScratchLength);
    }

    private struct Arguments
    {
        public TiledProduct Product;
        public float* X;
        public float* Scratch;
        public long ScratchLength;
    }
}
