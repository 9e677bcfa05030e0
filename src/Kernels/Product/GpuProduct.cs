using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The one product that convolutions, transposed convolutions, matrix products and all their gradients describe themselves as:
/// <code>y[m, j] = activation(Σ_k left[m, k] · right[j, k] + bias[m])</code>
/// An <see cref="Operand"/> says where each element of a factor lies, so no matrix of shifted pixels is ever written (an implicit matrix product). The phases
/// of a transposed convolution are as many products of the same size, which run together.
/// <para>Parallel over phases, tiles of the result (<see cref="GpuTiling"/>), and pieces of the depth if the tiles alone would leave a device idle or the sums
/// would be long. The pieces are then added in order, so the result does not depend on which is done first. <see cref="GpuProductKernel"/> computes a
/// tile.</para> Compute bounds it for many channels, memory bandwidth for few.
/// </summary>
/// <remarks>The idea is the implicit matrix product of Chetlur et al., "cuDNN: efficient primitives for deep learning", 2014.</remarks>
internal struct GpuProduct
{
    /// <summary>The left factor; its outer index is the result's row, of <see cref="RowDigits"/>, its inner one the term.</summary>
    public Operand Left;

    /// <summary>The right factor; its outer index is the result's column.</summary>
    public Operand Right;

    /// <summary>The result; its outer index is the row and its inner one the column. What lies outside its image is not written.</summary>
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

    /// <summary>How the products of several phases differ.</summary>
    public Phases Phases;

    /// <summary>One number for each row; read only with <see cref="HasBias"/>.</summary>
    public ArrayView<float> Bias;

    /// <summary>1 with a bias.</summary>
    public int HasBias;

    /// <summary>What is applied to each sum.</summary>
    public Activation Activation;

    /// <summary>Starts it.</summary>
    public readonly void Run(GpuContext gpu)
    {
        GpuTiling tiling = GpuTiling.Of(Rows, Columns, Depth, Phases.Count);
        GpuProductArguments arguments = new() { Product = this, Tiling = tiling, Sums = Result.Data };
        if (tiling.Pieces == 1)
        {
            GpuProductKernel.Launch(gpu, arguments);
            return;
        }

        int results = checked(Phases.Count * Rows * Columns);
        using GpuBuffer sums = gpu.Memory.Rent(checked(tiling.Pieces * results));
        arguments.Sums = sums.Floats;
        GpuProductKernel.Launch(gpu, arguments);
        ForEach.Run(
            gpu,
            new AddPieces
            {
                Product = this, OfPhase = new Divisor(Rows * Columns), Across = new Divisor(Columns),
                Sums = sums.Floats, Pieces = tiling.Pieces, Results = results,
            },
            results);
    }

    /// <summary>Writes a result from its sum.</summary>
    public readonly void Finish(int row, Place column, float sum)
    {
        if (HasBias != 0) sum += Bias[row];
        Result.Store(Result.Outer(RowDigits.At(row)), column, GpuActivation.Value(Activation, sum));
    }

    // Adds the pieces of each sum in order. Sums is pieces × phases × rows × columns.
    internal struct AddPieces : IGpuBody
    {
        public GpuProduct Product;
        public Divisor OfPhase;
        public Divisor Across;
        public ArrayView<float> Sums;
        public int Pieces;
        public int Results;

        public readonly void Run(int i)
        {
            int phase = OfPhase.Divide(i, out int rest), row = Across.Divide(rest, out int column);
            float sum = 0;
            for (int piece = 0; piece < Pieces; piece++) sum += Sums[piece * Results + i];
            Product.Finish(row, Product.Phases.Shift(Product.Result.Inner(Product.ColumnDigits.At(column)), phase), sum);
        }
    }
}

/// <summary>
/// The phases of a transposed convolution: all outputs with the same remainders by the strides. Phase (h, w) starts with filter tap (h + PadH) mod StrideH and
/// input (h + PadH) / StrideH, and alike along the other axis. Anything else has one phase.
/// </summary>
internal readonly struct Phases(int down, int across, int strideH, int strideW, int padH, int padW)
{
    /// <summary>One phase, which starts where the operands say.</summary>
    public static Phases One => new(1, 1, 1, 1, 0, 0);

    /// <summary>How many there are.</summary>
    public int Count => down * across;

    /// <summary>The filter, from the first tap that a phase sees.</summary>
    public Operand Filter(Operand filter, int phase)
    {
        filter.RowStart += (phase / across + padH) % strideH;
        filter.ColumnStart += (phase % across + padW) % strideW;
        return filter;
    }

    /// <summary>The image, from the input that a phase's first output sees through its first tap.</summary>
    public Operand Image(Operand image, int phase)
    {
        image.RowStart += (phase / across + padH) / strideH;
        image.ColumnStart += (phase % across + padW) / strideW;
        return image;
    }

    /// <summary>The place of an output, counted from the phase's first.</summary>
    public Place Shift(Place output, int phase)
    {
        output.Row += phase / across;
        output.Column += phase % across;
        return output;
    }
}
