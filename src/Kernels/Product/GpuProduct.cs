using System.Numerics;
using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The one product that convolutions, transposed convolutions, matrix products and all their gradients describe themselves as:
/// <code>y[m, j] = activation(Σ_k left[m, k] · right[j, k] + bias[m])</code>
/// An <see cref="Operand"/> says where each element of a factor lies, so no matrix of shifted pixels is ever written (an implicit matrix product).
/// <para>Parallel over tiles of the result, and over pieces of the depth if the tiles alone would leave a device idle or the sums would be long. The pieces are
/// then added in order, so the result does not depend on which is done first. A group of 128 threads computes 8192 results, 8×8 for each thread, in registers.
/// Each step loads 16 floats from shared memory for 64 multiply-adds, a ratio that shared memory can keep up with. The threads are arranged as Lines by
/// 128/Lines, so a tile is 64×128 for many rows and as flat as 8×1024 for few. This choice costs only a few additions. Chunks of both factors are first copied
/// to shared memory; neighbouring threads read neighbouring floats. A thread's columns lie 16 apart, so that 16 threads read neighbouring floats and each finds
/// its columns at constant distances from the first. A gap of 16 follows every 128 columns, so that the next 16 threads read from the other banks. One more
/// float follows every row, so that writes down a column fall on different banks. The results pass through shared memory once more, so that they are written in
/// runs and the activation's code appears only once.</para>
/// Compute bounds it for many channels, memory bandwidth for few.
/// </summary>
/// <remarks>The idea is the implicit matrix product of Chetlur et al., "cuDNN: efficient primitives for deep learning", 2014.</remarks>
internal struct GpuProduct
{
    // The size of a thread's tile in both directions.
    private const int PerThread = 8;

    // The floats of a group's results, and of its shared memory.
    private const int TileFloats = PerThread * PerThread * GpuContext.GroupSize;

    private const int MaxChunk = 16;
    private const int MaxLines = 8;

    // The distance between a thread's columns, which is also the size of a gap, and the number of columns between gaps.
    private const int Apart = 16;
    private const int RunBits = 7;

    // Sums shorter than this are not worth a piece of their own.
    private const int MinPieceDepth = 256;

    // The number of groups that fill a large device.
    private const int EnoughGroups = 256;

    /// <summary>The left factor; its outer index is the result's row, of <see cref="RowDigits"/>, its inner one the term.</summary>
    public Operand Left;

    /// <summary>The right factor; its outer index is the result's column.</summary>
    public Operand Right;

    /// <summary>The result; its outer index is the row and its inner one the column.</summary>
    public Operand Result;

    /// <summary>Rows of the result.</summary>
    public int Rows;

    /// <summary>Columns of the result.</summary>
    public int Columns;

    /// <summary>Terms of each sum; 0 leaves the bias alone.</summary>
    public int Depth;

    /// <summary>What a row stands for.</summary>
    public Digits RowDigits;

    /// <summary>What a column stands for.</summary>
    public Digits ColumnDigits;

    /// <summary>What a term stands for.</summary>
    public Digits TermDigits;

    /// <summary>One number for each row; read only with <see cref="HasBias"/>.</summary>
    public ArrayView<float> Bias;

    /// <summary>1 with a bias.</summary>
    public int HasBias;

    /// <summary>What is applied to each sum.</summary>
    public Activation Activation;

    /// <summary>Starts it.</summary>
    public readonly void Run(GpuContext gpu)
    {
        // Chooses the form with the fewest tiles, and the squarer one of two.
        int lineBits = 0, rowTiles = 0, columnTiles = 0;
        long fewest = long.MaxValue;
        for (int bits = 0; 1 << bits <= MaxLines; bits++)
        {
            int across = (Rows - 1) / (PerThread << bits) + 1, along = (Columns - 1) / (TileFloats / PerThread >> bits) + 1;
            if ((long)across * along > fewest) continue;
            (lineBits, rowTiles, columnTiles, fewest) = (bits, across, along, (long)across * along);
        }

        int pieces = (int)Math.Clamp(EnoughGroups / fewest, 1, Math.Max(1, Depth / MinPieceDepth));
        int chunkBits = Math.Min(BitOperations.Log2(MaxChunk), lineBits + 2), chunk = 1 << chunkBits;
        int pieceDepth = ((Depth + pieces - 1) / pieces + chunk - 1) / chunk * chunk;
        Arguments arguments = new() { Product = this, LineBits = lineBits, ChunkBits = chunkBits, PieceDepth = pieceDepth, Sums = Result.Data };
        if (pieces == 1)
        {
            gpu.Launch(Kernel, new Index3D(columnTiles, rowTiles, 1), arguments);
            return;
        }

        using GpuBuffer sums = gpu.Memory.Rent(checked(pieces * Rows * Columns));
        arguments.Sums = sums.Floats;
        gpu.Launch(Kernel, new Index3D(columnTiles, rowTiles, pieces), arguments);
        ForEach.Run(gpu, new AddPieces { Product = this, Across = new Divisor(Columns), Sums = sums.Floats, Pieces = pieces }, Rows * Columns);
    }

    private static void Kernel(Arguments arguments)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(TileFloats);
        int lineBits = arguments.LineBits, thread = Group.IdxX;
        int rowBits = 3 + lineBits, columnBits = 10 - lineBits, lanes = GpuContext.GroupSize >> lineBits, lane = thread & (lanes - 1);
        int line = thread / lanes, firstRow = Grid.IdxY << rowBits, firstColumn = Grid.IdxX << columnBits;
        int rowPitch = Pitch(rowBits), columnPitch = Pitch(columnBits), chunk = 1 << arguments.ChunkBits;
        int ownColumn = (lane / Apart << RunBits) + lane % Apart;
        ArrayView<float> right = shared.SubView(rowPitch << arguments.ChunkBits);
        int start = Grid.IdxZ * arguments.PieceDepth, end = IntrinsicMath.Min(arguments.Product.Depth, start + arguments.PieceDepth);
        Eight r0 = default, r1 = default, r2 = default, r3 = default, r4 = default, r5 = default, r6 = default, r7 = default;
        for (int k = start; k < end; k += chunk)
        {
            Fill(shared, arguments.Product.Left, arguments.Product.RowDigits, firstRow, arguments.Product.Rows, rowBits, arguments, k, end);
            Fill(right, arguments.Product.Right, arguments.Product.ColumnDigits, firstColumn, arguments.Product.Columns, columnBits, arguments, k, end);
            Group.Barrier();
            for (int i = 0; i < chunk; i++)
            {
                ArrayView<float> a = shared.SubView(i * rowPitch + line * PerThread);
                Eight b = Eight.Load(right.SubView(i * columnPitch + Padded(ownColumn)));
                r0.Add(a[0], b);
                r1.Add(a[1], b);
                r2.Add(a[2], b);
                r3.Add(a[3], b);
                r4.Add(a[4], b);
                r5.Add(a[5], b);
                r6.Add(a[6], b);
                r7.Add(a[7], b);
            }

            Group.Barrier();
        }

        int at = (line * PerThread << columnBits) + ownColumn;
        r0.Store(shared.SubView(at));
        r1.Store(shared.SubView(at + (1 << columnBits)));
        r2.Store(shared.SubView(at + (2 << columnBits)));
        r3.Store(shared.SubView(at + (3 << columnBits)));
        r4.Store(shared.SubView(at + (4 << columnBits)));
        r5.Store(shared.SubView(at + (5 << columnBits)));
        r6.Store(shared.SubView(at + (6 << columnBits)));
        r7.Store(shared.SubView(at + (7 << columnBits)));
        Group.Barrier();
        for (int j = thread & ((1 << columnBits) - 1); j < 1 << columnBits; j += GpuContext.GroupSize)
        {
            int column = firstColumn + j;
            if (column >= arguments.Product.Columns) continue;
            Place inner = arguments.Product.Result.Inner(arguments.Product.ColumnDigits.At(column));
            int step = IntrinsicMath.Max(1, GpuContext.GroupSize >> columnBits);
            for (int i = thread >> columnBits; i < 1 << rowBits; i += step)
            {
                int row = firstRow + i;
                if (row >= arguments.Product.Rows) continue;
                float sum = shared[(i << columnBits) + j];
                if (Grid.DimZ > 1) arguments.Sums[(Grid.IdxZ * arguments.Product.Rows + row) * arguments.Product.Columns + column] = sum;
                else arguments.Product.Finish(row, inner, sum);
            }
        }
    }

    // Copies a chunk of a factor to shared memory, one line of 2^bits outer indices for each term. Elements outside the factor become 0.
    private static void Fill(
        ArrayView<float> shared, Operand factor, Digits digits, int first, int count, int bits, Arguments arguments, int k, int end)
    {
        int thread = Group.IdxX, size = 1 << bits, chunkBits = arguments.ChunkBits, chunk = 1 << chunkBits;
        if (factor.RunsInward != 0)
        {
            int i = thread & (chunk - 1);
            Place inner = factor.Inner(arguments.Product.TermDigits.At(k + i));
            for (int j = thread >> chunkBits; j < size; j += GpuContext.GroupSize >> chunkBits)
            {
                shared[i * Pitch(bits) + Padded(j)] = k + i < end && first + j < count ? factor.Load(factor.Outer(digits.At(first + j)), inner) : 0;
            }
        }
        else
        {
            for (int j = thread & (size - 1); j < size; j += GpuContext.GroupSize)
            {
                Place outer = factor.Outer(digits.At(first + j));
                for (int i = thread >> bits; i < chunk; i += IntrinsicMath.Max(1, GpuContext.GroupSize >> bits))
                {
                    shared[i * Pitch(bits) + Padded(j)] =
                        k + i < end && first + j < count ? factor.Load(outer, factor.Inner(arguments.Product.TermDigits.At(k + i))) : 0;
                }
            }
        }
    }

    // Where column j of a line of a chunk lies.
    private static int Padded(int j) => j + (j >> RunBits) * Apart;

    // Floats from one line of 2^bits columns to the next.
    private static int Pitch(int bits) => Padded(1 << bits) + 1;

    private readonly void Finish(int row, Place column, float sum)
    {
        if (HasBias != 0) sum += Bias[row];
        Result.Store(Result.Outer(RowDigits.At(row)), column, GpuActivation.Value(Activation, sum));
    }

    internal struct Arguments
    {
        public GpuProduct Product;
        public int LineBits;
        public int ChunkBits;
        public int PieceDepth;
        public ArrayView<float> Sums;
    }

    // Adds the pieces of each sum in order. Sums is pieces × rows × columns.
    internal struct AddPieces : IGpuBody
    {
        public GpuProduct Product;
        public Divisor Across;
        public ArrayView<float> Sums;
        public int Pieces;

        public readonly void Run(int i)
        {
            int row = Across.Divide(i, out int column);
            float sum = 0;
            for (int piece = 0; piece < Pieces; piece++) sum += Sums[piece * Product.Rows * Product.Columns + i];
            Product.Finish(row, Product.Result.Inner(Product.ColumnDigits.At(column)), sum);
        }
    }

    // Eight registers.
    private struct Eight
    {
        private float _0;
        private float _1;
        private float _2;
        private float _3;
        private float _4;
        private float _5;
        private float _6;
        private float _7;

        public static Eight Load(ArrayView<float> from) => new()
        {
            _0 = from[0],
            _1 = from[Apart],
            _2 = from[2 * Apart],
            _3 = from[3 * Apart],
            _4 = from[4 * Apart],
            _5 = from[5 * Apart],
            _6 = from[6 * Apart],
            _7 = from[7 * Apart],
        };

        public void Add(float a, Eight b)
        {
            _0 += a * b._0;
            _1 += a * b._1;
            _2 += a * b._2;
            _3 += a * b._3;
            _4 += a * b._4;
            _5 += a * b._5;
            _6 += a * b._6;
            _7 += a * b._7;
        }

        public readonly void Store(ArrayView<float> to)
        {
            to[0] = _0;
            to[Apart] = _1;
            to[2 * Apart] = _2;
            to[3 * Apart] = _3;
            to[4 * Apart] = _4;
            to[5 * Apart] = _5;
            to[6 * Apart] = _6;
            to[7 * Apart] = _7;
        }
    }
}
