using ILGPU;

namespace Engine.Kernels;

/// <summary>Computes the terms of two sums at once from the elements of a channel. The struct holds the views that it needs.</summary>
internal interface IGpuTerms
{
    /// <summary>Adds the terms of the element at <paramref name="at"/>. An operator with one sum leaves the second alone.</summary>
    void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second);
}

/// <summary>What is done with a channel's sums.</summary>
internal interface IGpuTotals
{
    void Take(int channel, CompensatedSum first, CompensatedSum second);
}

/// <summary>
/// The GPU form of all sums, over the elements (n, i) of each channel of an N×C×Inner array; a whole array is one channel. Channels are cut into pieces by
/// their size alone. A group takes a piece. Each of its threads adds every <see cref="GpuContext.GroupSize"/>th element; then the threads' sums are added in
/// pairs, as a tree in shared memory. A second pass adds a channel's pieces in the same way. So the order is fixed, and no atomics are needed. Memory bandwidth
/// bounds it.
/// </summary>
internal static class GpuReduction
{
    // The fewest elements of a piece: 64 for each thread.
    private const int MinPiece = 64 * GpuContext.GroupSize;

    // The number of groups that fill a large device.
    private const int EnoughGroups = 1024;

    // Floats of two compensated sums.
    private const int SumFloats = 4;

    /// <summary>Both sums of every channel.</summary>
    public static void Run<TTerms, TTotals>(GpuContext gpu, TTerms terms, TTotals totals, int n, int channels, int inner)
        where TTerms : struct, IGpuTerms
        where TTotals : struct, IGpuTotals
    {
        int length = n * inner, pieces = Math.Clamp(EnoughGroups / channels, 1, (length - 1) / MinPiece + 1);
        using GpuBuffer partial = gpu.Memory.Rent(SumFloats * channels * pieces);
        gpu.Launch(SumPieces, new Index3D(channels, pieces, 1), new PieceArguments<TTerms>
        {
            Terms = terms, Channels = channels, Inner = new Divisor(inner), Length = length, PieceLength = (length - 1) / pieces + 1, Partial = partial.Floats,
        });
        gpu.Launch(AddPieces, new Index3D(channels, 1, 1), new TotalArguments<TTotals> { Totals = totals, Pieces = pieces, Partial = partial.Floats });
    }

    private static void SumPieces<TTerms>(PieceArguments<TTerms> arguments)
        where TTerms : struct, IGpuTerms
    {
        int channel = Grid.IdxX, start = Grid.IdxY * arguments.PieceLength;
        int end = start + IntrinsicMath.Min(arguments.Length - start, arguments.PieceLength);
        CompensatedSum first = default, second = default;
        for (int i = start + Group.IdxX; i < end; i += GpuContext.GroupSize)
        {
            int sample = arguments.Inner.Divide(i, out int inner);
            arguments.Terms.Add((sample * arguments.Channels + channel) * arguments.Inner.Value + inner, channel, ref first, ref second);
        }

        AddThreads(ref first, ref second);
        if (Group.IdxX > 0) return;
        ArrayView<float> partial = arguments.Partial.SubView((channel * Grid.DimY + Grid.IdxY) * SumFloats, SumFloats);
        partial[0] = first.High;
        partial[1] = first.Low;
        partial[2] = second.High;
        partial[3] = second.Low;
    }

    private static void AddPieces<TTotals>(TotalArguments<TTotals> arguments)
        where TTotals : struct, IGpuTotals
    {
        CompensatedSum first = default, second = default;
        for (int piece = Group.IdxX; piece < arguments.Pieces; piece += GpuContext.GroupSize)
        {
            ArrayView<float> partial = arguments.Partial.SubView((Grid.IdxX * arguments.Pieces + piece) * SumFloats, SumFloats);
            first.Add(new CompensatedSum { High = partial[0], Low = partial[1] });
            second.Add(new CompensatedSum { High = partial[2], Low = partial[3] });
        }

        AddThreads(ref first, ref second);
        if (Group.IdxX == 0) arguments.Totals.Take(Grid.IdxX, first, second);
    }

    // Adds the sums of all threads of a group to those of its first thread. Every thread must call this.
    private static void AddThreads(ref CompensatedSum first, ref CompensatedSum second)
    {
        ArrayView<CompensatedSum> firsts = SharedMemory.Allocate<CompensatedSum>(GpuContext.GroupSize);
        ArrayView<CompensatedSum> seconds = SharedMemory.Allocate<CompensatedSum>(GpuContext.GroupSize);
        int thread = Group.IdxX;
        for (int half = GpuContext.GroupSize / 2; half > 0; half /= 2)
        {
            firsts[thread] = first;
            seconds[thread] = second;
            Group.Barrier();
            if (thread < half)
            {
                first.Add(firsts[thread + half]);
                second.Add(seconds[thread + half]);
            }

            Group.Barrier();
        }
    }

    internal struct PieceArguments<TTerms>
        where TTerms : struct
    {
        public TTerms Terms;
        public int Channels;
        public Divisor Inner;
        public int Length;
        public int PieceLength;
        public ArrayView<float> Partial;
    }

    internal struct TotalArguments<TTotals>
        where TTotals : struct
    {
        public TTotals Totals;
        public int Pieces;
        public ArrayView<float> Partial;
    }
}

/// <summary>Σ x, for the gradient of a bias.</summary>
internal struct PlainTerms : IGpuTerms
{
    public ArrayView<float> X;

    public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second) => first.Add(X[at]);
}

/// <summary>result[channel] = first · Scale.</summary>
internal struct ScaledTotals : IGpuTotals
{
    public ArrayView<float> Result;
    public float Scale;

    public readonly void Take(int channel, CompensatedSum first, CompensatedSum second) => Result[channel] = first.Value * Scale;
}
