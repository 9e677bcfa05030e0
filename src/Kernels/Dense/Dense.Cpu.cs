using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: a <see cref="TiledProduct"/> of the packed samples with the weights, which are read in place; their rows are Out floats apart. Parallel over
/// tiles of output features, or over blocks of samples if there are few weights. Compute bounds it for many samples. There are forms of their own for one
/// sample, for few samples of many inputs, and for weights that are mostly zero.
/// </content>
internal static unsafe partial class Dense
{
    /// <summary>y = activation(x·w + b). Overwrites y; <paramref name="b"/> may be null.</summary>
    public static void Forward<TV>(
        CpuContext cpu, in DenseShape shape, float* x, float* w, float* b, Activation activation, float* y, bool sparse = false)
        where TV : unmanaged, IVector<TV>
    {
        if (sparse)
        {
            ForwardSparse<TV>(cpu, shape, x, w, b, activation, y);
            return;
        }

        if (shape.N == 1)
        {
            ForwardOne<TV>(cpu, shape, x, w, b, activation, y);
            return;
        }

        if (SuitsPieces(shape))
        {
            ForwardPieces<TV>(cpu, shape, x, w, b, activation, y);
            return;
        }

        long packed = TiledProduct.PackedLength<TV>(shape.N, shape.In), scratch = TiledProduct.ScratchLength<TV>(shape.N);
        cpu.Workspace.Begin(Workspace.Aligned(packed) + Workspace.Aligned(shape.In), scratch);
        Arguments arguments = new()
        {
            X = x,
            Product = ProductOf(shape, w, b, activation, y) with
            {
                A = cpu.Workspace.Take(packed), Depth = shape.In, Offsets = (int*)cpu.Workspace.Take(shape.In),
            },
            Scratch = cpu.Workspace.OfThreads,
        };
        for (int i = 0; i < shape.In; i++) arguments.Product.Offsets[i] = i * shape.Out;
        if (TiledProduct.Tiles<TV>(shape.Out) > 1 && (long)shape.In * shape.Out <= FewWeights)
        {
            cpu.Run(TiledProduct.RowBlocks<TV>(shape.N), &RunSamples<TV>, ref arguments);
            return;
        }

        cpu.Run(TiledProduct.RowBlocks<TV>(shape.N), &PackSamples<TV>, ref arguments);
        cpu.Run(TiledProduct.Tiles<TV>(shape.Out), &RunTile<TV>, ref arguments);
    }

    /// <summary>
    /// The gradient with respect to the input, dx = dy·wᵀ: a <see cref="TiledProduct"/> of the packed samples of dy with wᵀ. Every task transposes the rows of
    /// w that its tile of dx needs. Parallel over tiles of input features. It has the same bounds as the forward. Overwrites dx.
    /// </summary>
    public static void BackwardData<TV>(CpuContext cpu, in DenseShape shape, float* dy, float* w, float* dx)
        where TV : unmanaged, IVector<TV>
    {
        long packed = TiledProduct.PackedLength<TV>(shape.N, shape.Out), sums = Workspace.Aligned(TiledProduct.ScratchLength<TV>(shape.N));
        long scratch = sums + Workspace.Aligned((long)shape.Out * RegisterTile<TV>.Columns);
        cpu.Workspace.Begin(Workspace.Aligned(packed) + Workspace.Aligned(shape.Out), scratch);
        Arguments arguments = new()
        {
            X = dy,
            W = w,
            SumsLength = sums,
            Product = new TiledProduct
            {
                A = cpu.Workspace.Take(packed),
                Rows = shape.N,
                Depth = shape.Out,
                Offsets = (int*)cpu.Workspace.Take(shape.Out),
                Columns = shape.In,
                Y = dx,
                Pitch = shape.In,
                Width = shape.In,
                RowStride = shape.In,
                ColumnStride = 1,
            },
            Scratch = cpu.Workspace.OfThreads,
        };
        for (int o = 0; o < shape.Out; o++) arguments.Product.Offsets[o] = checked(o * RegisterTile<TV>.Columns);
        cpu.Run(TiledProduct.RowBlocks<TV>(shape.N), &PackSamples<TV>, ref arguments);
        cpu.Run(TiledProduct.Tiles<TV>(shape.In), &RunTransposedTile<TV>, ref arguments);
    }

    /// <summary>
    /// The gradient with respect to the weights, dw = xᵀ·dy, and to the bias, db = Σ_n dy[n], unless <paramref name="db"/> is null: a <see
    /// cref="TiledProduct"/> of groups of packed columns of x with dy, which is read in place. Parallel over groups of input features and tiles of output
    /// features. Writing dw bounds it for few samples. Overwrites both.
    /// </summary>
    public static void BackwardFilter<TV>(CpuContext cpu, in DenseShape shape, float* x, float* dy, float* dw, float* db)
        where TV : unmanaged, IVector<TV>
    {
        int groups = (shape.In + InputsPerTask - 1) / InputsPerTask;
        long packed = TiledProduct.PackedLength<TV>(shape.In, shape.N);
        long scratch = TiledProduct.ScratchLength<TV>(Math.Min(shape.In, InputsPerTask));
        cpu.Workspace.Begin(Workspace.Aligned(packed) + 2 * Workspace.Aligned(shape.N), scratch);
        Arguments arguments = new()
        {
            X = x,
            Index = (int*)cpu.Workspace.Take(shape.N),
            Product = new TiledProduct
            {
                A = cpu.Workspace.Take(packed),
                Rows = shape.In,
                Depth = shape.N,
                B = dy,
                Offsets = (int*)cpu.Workspace.Take(shape.N),
                Columns = shape.Out,
                Y = dw,
                Pitch = shape.Out,
                Width = shape.Out,
                RowStride = shape.Out,
                ColumnStride = 1,
            },
            Scratch = cpu.Workspace.OfThreads,
        };
        for (int n = 0; n < shape.N; n++)
        {
            arguments.Index[n] = n * shape.In;
            arguments.Product.Offsets[n] = n * shape.Out;
        }

        cpu.Run(TiledProduct.RowBlocks<TV>(shape.In), &PackInputs<TV>, ref arguments);
        cpu.Run(groups * TiledProduct.Tiles<TV>(shape.Out), &RunInputs<TV>, ref arguments);
        if (db is not null) SumSamples<TV>(shape, dy, db);
    }

    // Input features of a task of the weights' gradient: a multiple of the rows of every register tile.
    private const int InputsPerTask = 64;

    // So few stay in a second-level cache: a block of samples passes by all of them, and threads need not wait for each other in between.
    private const int FewWeights = 64 * 1024;

    private static void RunTransposedTile<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TiledProduct product = arguments.Product;
        int width = RegisterTile<TV>.Columns, first = task * width, count = Math.Min(width, product.Columns - first), depth = product.Depth;
        float* scratch = arguments.Scratch.Of(worker);
        float* panel = scratch + arguments.SumsLength;
        Transposition.Run(arguments.W + (long)first * depth, depth, count, depth, panel, width);

        // Columns past the end are dropped, and set to zero so that they hold nothing undefined.
        for (int o = 0; o < depth && count < width; o++) new Span<float>(panel + (long)o * width + count, width - count).Clear();
        product.B = panel - first;
        product.RunTile<TV>(task, scratch);
    }

    private static void PackInputs<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref TiledProduct product = ref arguments.Product;
        TiledProduct.PackRows<TV>(arguments.X, 1, arguments.Index, product.Rows, product.Depth, task, product.A);
    }

    private static void RunInputs<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TiledProduct product = arguments.Product;
        int tiles = TiledProduct.Tiles<TV>(product.Columns), first = task / tiles * InputsPerTask;
        product.A += (long)first * product.Depth;
        product.Y += first * product.RowStride;
        product.Rows = Math.Min(InputsPerTask, product.Rows - first);
        product.RunTile<TV>(task % tiles, arguments.Scratch.Of(worker));
    }

    private static void SumSamples<TV>(in DenseShape shape, float* dy, float* db)
        where TV : unmanaged, IVector<TV>
    {
        double* sums = stackalloc double[2 * TV.Width];
        int o = 0;
        for (; o <= shape.Out - TV.Width; o += TV.Width)
        {
            Reduction.RunColumns(default(PlainSum), dy + o, dy + o, TV.Zero, shape.N, shape.Out, sums, sums + TV.Width);
            for (int lane = 0; lane < TV.Width; lane++) db[o + lane] = (float)sums[lane];
        }

        for (; o < shape.Out; o++)
        {
            Reduction.RunColumns(default(PlainSum), dy + o, dy + o, V1.Zero, shape.N, shape.Out, sums, sums + 1);
            db[o] = (float)*sums;
        }
    }

    private static void PackSamples<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref TiledProduct product = ref arguments.Product;
        TiledProduct.PackRows<TV>(arguments.X, product.Depth, null, product.Rows, product.Depth, task, product.A);
    }

    // The samples and the offsets are still to be set.
    private static TiledProduct ProductOf(in DenseShape shape, float* w, float* b, Activation activation, float* y) => new()
    {
        Rows = shape.N,
        B = w,
        Columns = shape.Out,
        Bias = b,
        BiasPerColumn = b is not null,
        Activation = activation,
        Y = y,
        Pitch = shape.Out,
        Width = shape.Out,
        RowStride = shape.Out,
        ColumnStride = 1,
    };

    private static void RunSamples<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        PackSamples<TV>(ref arguments, task, worker);
        TiledProduct product = arguments.Product;
        int first = task * RegisterTile<TV>.Rows;
        product.A += (long)first * product.Depth;
        product.Y += first * product.RowStride;
        product.Rows = Math.Min(RegisterTile<TV>.Rows, product.Rows - first);
        float* scratch = arguments.Scratch.Of(worker);
        for (int tile = 0; tile < TiledProduct.Tiles<TV>(product.Columns); tile++) product.RunTile<TV>(tile, scratch);
    }

    private static void RunTile<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        arguments.Product.RunTile<TV>(task, arguments.Scratch.Of(worker));
    }

    private struct Arguments
    {
        public TiledProduct Product;
        public float* X;
        public float* W;
        public int* Index;
        public ThreadScratch Scratch;
        public long SumsLength;
    }
}
