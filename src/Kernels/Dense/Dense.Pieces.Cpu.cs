using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for many inputs and few samples, which reads each weight once, in the order in which they lie, as that for one sample does. The inputs are cut into
/// pieces, by the shape alone. A piece goes through its inputs in chunks: it packs the samples' part, and the weights of a tile of outputs stay in the
/// first-level cache while all samples pass by. The sums of the pieces are then added in order. Parallel over pieces. Compute bounds it.
/// </content>
internal static unsafe partial class Dense
{
    // Inputs of a chunk: 64 KB of weights for 256 outputs.
    private const int ChunkInputs = 64;

    // There are so many pieces for each 2560 inputs, and as many for fewer.
    private const int PiecesTogether = 4;
    private const int InputsOfPieces = 2560;

    // With fewer inputs, adding the pieces takes too long.
    private const int ManyInputs = 1280;

    // With more outputs, a chunk of weights does not stay in a cache; with more sums, theirs do not.
    private const int MostOutputs = 256;
    private const int MostSums = 16 * 1024;

    private static bool SuitsPieces(in DenseShape shape) =>
        shape is { In: >= ManyInputs, Out: <= MostOutputs } && (long)shape.N * shape.Out <= MostSums;

    private static void ForwardPieces<TV>(CpuContext cpu, in DenseShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int pieces = (shape.In + InputsOfPieces - 1) / InputsOfPieces * PiecesTogether;
        int tiles = TiledProduct.Tiles<TV>(shape.Out), rows = TiledProduct.RowBlocks<TV>(shape.N) * RegisterTile<TV>.Rows;
        long packed = Workspace.Aligned((long)rows * ChunkInputs), sums = (long)tiles * rows * RegisterTile<TV>.Columns;
        cpu.Workspace.Begin(pieces * sums + Workspace.Aligned(ChunkInputs), packed);
        PieceArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Pieces = pieces,
            Packed = cpu.Workspace.OfThreads,
            Sums = cpu.Workspace.Take(pieces * sums),
            SumsLength = sums,
            Product = ProductOf(shape, w, b, activation, y) with { Offsets = (int*)cpu.Workspace.Take(ChunkInputs) },
        };
        for (int i = 0; i < ChunkInputs; i++) arguments.Product.Offsets[i] = i * shape.Out;
        cpu.Run(pieces, &SumPiece<TV>, ref arguments);
        cpu.Run(tiles, &AddPieces<TV>, ref arguments);
    }

    private static void SumPiece<TV>(ref PieceArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly DenseShape shape = ref arguments.Shape;
        int height = RegisterTile<TV>.Rows, columns = RegisterTile<TV>.Columns;
        int blocks = TiledProduct.RowBlocks<TV>(shape.N), tiles = TiledProduct.Tiles<TV>(shape.Out);
        int first = (int)((long)shape.In * task / arguments.Pieces), end = (int)((long)shape.In * (task + 1) / arguments.Pieces);
        float* packed = arguments.Packed.Of(worker), sums = arguments.Sums + task * arguments.SumsLength;
        for (int i = first; i < end; i += ChunkInputs)
        {
            int depth = Math.Min(ChunkInputs, end - i);
            float* w = arguments.Product.B + (long)i * shape.Out;
            for (int block = 0; block < blocks; block++) TiledProduct.PackRows<TV>(arguments.X + i, shape.In, null, shape.N, depth, block, packed);
            for (int tile = 0; tile < tiles; tile++)
            for (int block = 0; block < blocks; block++)
            {
                RegisterTile<TV>.Run(
                    packed + block * height * depth, w + tile * columns, arguments.Product.Offsets, depth,
                    sums + (long)(tile * blocks + block) * height * columns, i > first, shape.Out - tile * columns);
            }
        }
    }

    private static void AddPieces<TV>(ref PieceArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        long length = arguments.SumsLength / TiledProduct.Tiles<TV>(arguments.Shape.Out);
        float* sums = arguments.Sums + task * length;
        for (long i = 0; i < length; i += TV.Width)
        {
            TV sum = TV.Load(sums + i);
            for (int piece = 1; piece < arguments.Pieces; piece++) sum += TV.Load(sums + piece * arguments.SumsLength + i);
            TV.Store(sum, sums + i);
        }

        arguments.Product.Finish<TV>(task, sums);
    }

    private struct PieceArguments
    {
        public DenseShape Shape;
        public float* X;
        public int Pieces;
        public ThreadScratch Packed;
        public float* Sums;
        public long SumsLength;

        // Where the weights and the result lie.
        public TiledProduct Product;
    }
}
