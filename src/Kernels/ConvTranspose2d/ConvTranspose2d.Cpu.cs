using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form. Output pixels fall into StrideH × StrideW phases; a phase sees only the taps whose place has the same remainder. On these taps the transposed
/// convolution is an ordinary one with stride 1: a 4×4 filter with stride 2 is four 2×2 convolutions. Each phase is a <see cref="TiledProduct"/> whose rows are
/// shifted copies of the image. There is one plane for each shift of the columns, with its border of zeros written out, and a row offset for each shift of the
/// rows. Each output is computed once, and nothing is accumulated in memory. Parallel over samples, phases and groups of column tiles.
/// </content>
internal static unsafe partial class ConvTranspose2d
{
    private const int TilesPerTask = 4;

    /// <summary>y = activation(x ⋆ᵀ w + b). Overwrites y; <paramref name="b"/> may be null.</summary>
    public static void Forward<TV>(
        CpuContext cpu, in ConvTranspose2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        if (shape.Layout == BatchLayout.Last)
        {
            if (BatchLastWinograd.Suits(shape)) BatchLastWinograd.Run<TV>(cpu, shape, x, w, b, activation, y);
            else BatchLastProduct.Run<TV>(cpu, shape, x, w, b, activation, y);
            return;
        }

        TapAxis rows = TapAxis.RowsOf(shape), columns = TapAxis.ColumnsOf(shape);
        (int minRowShift, int maxRowShift) = rows.FirstInputs();
        (int minColumnShift, int maxColumnShift) = columns.FirstInputs();
        int maxRows = rows.Count(0), maxColumns = columns.Count(0);
        int phases = checked(rows.Phases * columns.Phases);
        int planeRows = maxRows + maxRowShift - minRowShift, shifts = maxColumnShift - minColumnShift + 1;
        long planeLength = (long)planeRows * maxColumns, planes = (long)shape.N * shape.C * shifts;
        int taps = shape.C * shape.R * shape.S;
        long packed = 0;
        for (int phase = 0; phase < phases; phase++)
        {
            packed += Workspace.Aligned(TiledProduct.PackedLength<TV>(shape.K, DepthOf(shape, rows, columns, phase)));
        }

        long scratch = TiledProduct.ScratchLength<TV>(shape.K);
        cpu.Workspace.Begin(
            packed + 2 * Workspace.Aligned(taps) + Workspace.Aligned((phases * sizeof(TiledProduct) + sizeof(float) - 1) / sizeof(float))
            + Workspace.Aligned(planes * planeLength + HostMemory.ReadableTail),
            scratch);
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            W = w,
            Planes = cpu.Workspace.Take(planes * planeLength + HostMemory.ReadableTail),
            Phases = phases,
            PlaneRows = planeRows,
            PlaneColumns = maxColumns,
            MinRowShift = minRowShift,
            MinColumnShift = minColumnShift,
            Shifts = shifts,
            Products = (TiledProduct*)cpu.Workspace.Take((phases * sizeof(TiledProduct) + sizeof(float) - 1) / sizeof(float)),
            Scratch = cpu.Workspace.OfThreads,
            Groups = (TiledProduct.Tiles<TV>(maxRows * maxColumns) + TilesPerTask - 1) / TilesPerTask,
        };
        int* offset = (int*)cpu.Workspace.Take(taps);
        int* tap = (int*)cpu.Workspace.Take(taps);
        for (int phase = 0; phase < phases; phase++)
        {
            int firstRow = phase / columns.Phases, firstColumn = phase % columns.Phases;
            int depth = DepthOf(shape, rows, columns, phase);
            TiledProduct product = new()
            {
                A = cpu.Workspace.Take(TiledProduct.PackedLength<TV>(shape.K, depth)),
                Rows = shape.K,
                Depth = depth,
                Offsets = offset,
                Columns = rows.Count(firstRow) * maxColumns,
                Bias = b,
                Activation = activation,
                Y = y + (long)firstRow * shape.Q + firstColumn,
                Pitch = maxColumns,
                Width = columns.Count(firstColumn),
                RowStride = (long)shape.P * shape.Q,
                LineStride = (long)shape.StrideH * shape.Q,
                ColumnStride = shape.StrideW,
            };
            int* taken = tap;
            for (int c = 0; c < shape.C; c++)
            for (int r = 0; r < shape.R; r++)
            for (int s = 0; s < shape.S; s++)
            {
                if (!rows.Sees(firstRow, r, out int rowShift) || !columns.Sees(firstColumn, s, out int columnShift)) continue;
                *offset++ = checked((int)(((long)c * shifts + columnShift - minColumnShift) * planeLength))
                    + (rowShift - minRowShift) * maxColumns;
                *tap++ = (c * shape.K * shape.R + r) * shape.S + s;
            }

            // The filters of a phase: K rows of its taps. They are too small to be worth packing in parallel.
            for (int block = 0; block < TiledProduct.RowBlocks<TV>(shape.K); block++)
            {
                TiledProduct.PackRows<TV>(w, shape.R * shape.S, taken, shape.K, depth, block, product.A);
            }

            arguments.Products[phase] = product;
        }

        cpu.Run(shape.N * shape.C, &CopyPlanes, ref arguments);
        cpu.Run(shape.N * phases * arguments.Groups, &RunGroup<TV>, ref arguments);
    }

    /// <summary>The gradient with respect to the input, which is a strided convolution of dy with the same filters. Overwrites dx.</summary>
    public static void BackwardData<TV>(CpuContext cpu, in ConvTranspose2dShape shape, float* dy, float* w, float* dx)
        where TV : unmanaged, IVector<TV> => Conv2d.Forward<TV>(cpu, shape.Gradient, dy, w, null, Activation.None, dx);

    /// <summary>
    /// The gradient with respect to the filters, which is the filter gradient of a convolution with x and dy exchanged, and with respect to the bias unless
    /// <paramref name="db"/> is null. Overwrites both.
    /// </summary>
    public static void BackwardFilter<TV>(CpuContext cpu, in ConvTranspose2dShape shape, float* x, float* dy, float* dw, float* db)
        where TV : unmanaged, IVector<TV>
    {
        if (db is not null) Reduction.Channels<TV>(cpu, shape.Layout, shape.N, shape.K, shape.P * shape.Q, dy, db);
        Conv2d.BackwardFilter<TV>(cpu, shape.Gradient, dy, x, dw, null);
    }

    private static int DepthOf(in ConvTranspose2dShape shape, in TapAxis rows, in TapAxis columns, int phase) =>
        shape.C * rows.TapsOf(phase / columns.Phases).Count * columns.TapsOf(phase % columns.Phases).Count;

    private static void CopyPlanes(ref Arguments arguments, int task, int worker)
    {
        ref readonly ConvTranspose2dShape shape = ref arguments.Shape;
        float* image = arguments.X + (long)task * shape.H * shape.W;
        for (int shift = 0; shift < arguments.Shifts; shift++)
        {
            float* plane = arguments.Planes + ((long)task * arguments.Shifts + shift) * arguments.PlaneRows * arguments.PlaneColumns;
            Plane.Gather(
                image, shape.H, shape.W, arguments.MinRowShift, 1, arguments.PlaneRows,
                arguments.MinColumnShift + shift, 1, arguments.PlaneColumns, plane);
        }
    }

    private static void RunGroup<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly ConvTranspose2dShape shape = ref arguments.Shape;
        int phases = arguments.Phases;
        int first = task % arguments.Groups * TilesPerTask, phase = task / arguments.Groups % phases, n = task / arguments.Groups / phases;
        TiledProduct product = arguments.Products[phase];
        product.B = arguments.Planes + (long)n * shape.C * arguments.Shifts * arguments.PlaneRows * arguments.PlaneColumns;
        product.Y += n * product.Rows * product.RowStride;
        float* scratch = arguments.Scratch.Of(worker);
        int end = Math.Min(first + TilesPerTask, TiledProduct.Tiles<TV>(product.Columns));
        for (int tile = first; tile < end; tile++) product.RunTile<TV>(tile, scratch);
    }

    private struct Arguments
    {
        public ConvTranspose2dShape Shape;
        public TiledProduct* Products;
        public float* X;
        public float* W;
        public float* Planes;
        public int Phases;
        public int PlaneRows;
        public int PlaneColumns;
        public int MinRowShift;
        public int MinColumnShift;
        public int Shifts;
        public int Groups;
        public ThreadScratch Scratch;
    }
}
