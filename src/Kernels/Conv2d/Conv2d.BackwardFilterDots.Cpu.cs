using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The filter gradient of layers with few channels and stride 1, which leave most of a register tile empty: a dot product for each filter tap,
/// dw[k,c,r,s] = ⟨dy[k], x[c] shifted by (r, s)⟩. A band of rows of x is copied with its padding written out, the same rows of dy with the same
/// pitch and zeros in the gaps; then a shift is an offset and a band one long run without ragged rows. Vectors run along the pixels, no channel
/// is wasted, and all operands lie in the first-level cache, whose two reads for a multiply-add bound it.
/// Parallel over pieces of the batch as the other forms.
/// </content>
internal static unsafe partial class Conv2d
{
    // Floats of a band of one channel: 8 KB, so that dy and a few channels of x stay in the first-level cache.
    private const int DotBandLength = 2048;

    // Cycles that it takes to add up the lanes of a dot product.
    private const int LaneCycles = 20;

    private static int DotBandRows(in Conv2dShape shape)
    {
        int pitch = shape.Q + (shape.S - 1) * shape.DilationW, reach = (shape.R - 1) * shape.DilationH;
        return Math.Clamp(DotBandLength / pitch - reach, Math.Min(shape.P, reach + 1), shape.P);
    }

    private static void BackwardFilterDots<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw)
        where TV : unmanaged, IVector<TV>
    {
        int bandRows = DotBandRows(shape), bands = (shape.P + bandRows - 1) / bandRows;
        int pitch = shape.Q + (shape.S - 1) * shape.DilationW, imageRows = bandRows + (shape.R - 1) * shape.DilationH;

        // A run is read in whole vectors, from where the last tap starts: the zeros behind dy must meet numbers, not what may be a NaN.
        int runLength = (bandRows * pitch + TV.Width - 1) / TV.Width * TV.Width;
        long planeLength = checked(imageRows * pitch), slack = pitch + TV.Width;
        long units = (long)shape.N * bands;
        int pieces = (int)Math.Min(Math.Min(units, MaxPieces), Math.Max(1, (long)shape.N * shape.P * shape.Q / MinPiecePixels));
        long scratch = Workspace.Aligned(shape.C * planeLength + slack) + Workspace.Aligned(runLength);
        cpu.Workspace.Begin(Workspace.Aligned(2L * pieces * shape.WLength) + cpu.Threads * scratch);
        DotArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            BandRows = bandRows,
            Bands = bands,
            Pitch = pitch,
            PlaneLength = (int)planeLength,
            Slack = (int)slack,
            Pieces = pieces,
            Sums = (double*)cpu.Workspace.Take(2L * pieces * shape.WLength),
            Scratch = cpu.Workspace.Take(cpu.Threads * scratch),
            ScratchLength = scratch,
        };
        cpu.Run(pieces, &SumDots<TV>, &arguments);
        for (int i = 0; i < shape.WLength; i++)
        {
            double sum = 0;
            for (int piece = 0; piece < pieces; piece++) sum += arguments.Sums[(long)piece * shape.WLength + i];
            dw[i] = (float)sum;
        }
    }

    private static void SumDots<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref DotArguments arguments = ref *(DotArguments*)context;
        Conv2dShape shape = arguments.Shape;
        int pitch = arguments.Pitch, planeLength = arguments.PlaneLength;
        double* sums = arguments.Sums + (long)task * shape.WLength;
        float* image = arguments.Scratch + worker * arguments.ScratchLength;
        float* line = image + Workspace.Aligned((long)shape.C * planeLength + arguments.Slack);
        new Span<double>(sums, shape.WLength).Clear();
        long units = (long)shape.N * arguments.Bands, unit = units * task / arguments.Pieces, lastUnit = units * (task + 1) / arguments.Pieces;
        for (; unit < lastUnit; unit++)
        {
            int n = (int)(unit / arguments.Bands), firstRow = (int)(unit % arguments.Bands) * arguments.BandRows;
            int rows = Math.Min(arguments.BandRows, shape.P - firstRow), imageRows = rows + (shape.R - 1) * shape.DilationH;
            int length = (rows * pitch + TV.Width - 1) / TV.Width * TV.Width;
            for (int c = 0; c < shape.C; c++)
            {
                Plane.Gather(
                    arguments.X + ((long)n * shape.C + c) * shape.H * shape.W, shape.H, shape.W, firstRow - shape.PadH, 1, imageRows, -shape.PadW, 1,
                    pitch, image + (long)c * planeLength);
                new Span<float>(image + (long)c * planeLength + imageRows * pitch, planeLength - imageRows * pitch + arguments.Slack).Clear();
            }

            double* sum = sums;
            for (int k = 0; k < shape.K; k++)
            {
                float* dy = arguments.Dy + (((long)n * shape.K + k) * shape.P + firstRow) * shape.Q;
                Plane.Gather(dy, rows, shape.Q, 0, 1, rows, 0, 1, pitch, line);
                new Span<float>(line + rows * pitch, length - rows * pitch).Clear();
                for (int c = 0; c < shape.C; c++)
                for (int r = 0; r < shape.R; r++)
                for (int s = 0; s < shape.S; s++)
                {
                    *sum++ += Dot<TV>(line, image + (long)c * planeLength + r * shape.DilationH * pitch + s * shape.DilationW, length);
                }
            }
        }
    }

    // Of a whole number of vectors. Four sums, to keep more than one multiply-add in flight.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Dot<TV>(float* a, float* b, int length)
        where TV : unmanaged, IVector<TV>
    {
        TV sum0 = TV.Zero, sum1 = TV.Zero, sum2 = TV.Zero, sum3 = TV.Zero;
        int i = 0;
        for (; i <= length - 4 * TV.Width; i += 4 * TV.Width)
        {
            TV.Fma(ref sum0, TV.Load(a + i), TV.Load(b + i));
            TV.Fma(ref sum1, TV.Load(a + i + TV.Width), TV.Load(b + i + TV.Width));
            TV.Fma(ref sum2, TV.Load(a + i + 2 * TV.Width), TV.Load(b + i + 2 * TV.Width));
            TV.Fma(ref sum3, TV.Load(a + i + 3 * TV.Width), TV.Load(b + i + 3 * TV.Width));
        }

        for (; i < length; i += TV.Width) TV.Fma(ref sum0, TV.Load(a + i), TV.Load(b + i));
        float* lanes = stackalloc float[TV.Width];
        TV.Store(sum0 + sum1 + (sum2 + sum3), lanes);
        double sum = 0;
        for (int lane = 0; lane < TV.Width; lane++) sum += lanes[lane];
        return sum;
    }

    private struct DotArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public int BandRows;
        public int Bands;
        public int Pitch;
        public int PlaneLength;
        public int Slack;
        public int Pieces;
        public double* Sums;
        public float* Scratch;
        public long ScratchLength;
    }
}
