using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: the window is separable. First the maximum over its rows is computed in vectors along the whole input row and stored in a line of scratch;
/// then the maximum over its columns follows. Parallel over planes; memory bandwidth bounds it. Values should be numbers: whether a number or a NaN wins
/// depends on the processor.
/// </content>
internal static unsafe partial class MaxPool2d
{
    /// <summary>Overwrites y.</summary>
    public static void Forward<TV>(CpuContext cpu, in MaxPool2dShape shape, float* x, float* y)
        where TV : unmanaged, IVector<TV>
    {
        cpu.Workspace.Begin(0, shape.W + HostMemory.ReadableTail);
        Arguments arguments = new() { Shape = shape, X = x, Y = y, Lines = cpu.Workspace.OfThreads };
        cpu.Run(shape.N * shape.C, &RunPlane<TV>, ref arguments);
    }

    private static void RunPlane<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        MaxPool2dShape shape = arguments.Shape;
        float* line = arguments.Lines.Of(worker);
        float* y = arguments.Y + (long)task * shape.P * shape.Q;
        long rowStep = (long)shape.DilationH * shape.W;
        for (int p = 0; p < shape.P; p++, y += shape.Q)
        {
            float* top = arguments.X + ((long)task * shape.H + p * shape.StrideH) * shape.W;

            // The last vector may reach past the row, where it reads the next row or the buffer's readable tail. No window uses these values.
            for (int v = 0; v < shape.W; v += TV.Width)
            {
                TV max = TV.Load(top + v);
                for (int r = 1; r < shape.R; r++) max = TV.Max(TV.Load(top + r * rowStep + v), max);
                TV.Store(max, line + v);
            }

            if (shape.StrideW == 1)
            {
                int q = 0;
                for (; q <= shape.Q - TV.Width; q += TV.Width) TV.Store(MaxOverColumns<TV>(line + q, shape.S, shape.DilationW), y + q);
                for (; q < shape.Q; q++) V1.Store(MaxOverColumns<V1>(line + q, shape.S, shape.DilationW), y + q);
            }
            else
            {
                for (int q = 0; q < shape.Q; q++) V1.Store(MaxOverColumns<V1>(line + q * shape.StrideW, shape.S, shape.DilationW), y + q);
            }
        }
    }

    /// <summary>
    /// The gradient: dy of a window goes to its first maximum in row-major order, which is found again as the first element that equals y. If no element equals
    /// y, which happens only with a NaN, it is the first of all. The code is scalar, since each dy goes to a different place; the comparisons bound it.
    /// Parallel over planes, so overlapping windows always add up in the same order. Overwrites dx.
    /// </summary>
    public static void Backward(CpuContext cpu, in MaxPool2dShape shape, float* x, float* y, float* dy, float* dx)
    {
        Arguments arguments = new() { Shape = shape, X = x, Y = y, Dy = dy, Dx = dx };
        cpu.Run(shape.N * shape.C, &BackwardPlane, ref arguments);
    }

    private static void BackwardPlane(ref Arguments arguments, int task, int worker)
    {
        MaxPool2dShape shape = arguments.Shape;
        float* y = arguments.Y + (long)task * shape.P * shape.Q;
        float* dy = arguments.Dy + (long)task * shape.P * shape.Q;
        float* x = arguments.X + (long)task * shape.H * shape.W;
        float* dx = arguments.Dx + (long)task * shape.H * shape.W;
        new Span<float>(dx, shape.H * shape.W).Clear();
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++, y++, dy++)
        {
            int corner = p * shape.StrideH * shape.W + q * shape.StrideW;
            dx[FirstEqual(shape, x, corner, *y)] += *dy;
        }
    }

    // Goes backwards over all elements without branches, which would be mispredicted in every window. No element exceeds max, so ≥ means =.
    private static int FirstEqual(in MaxPool2dShape shape, float* x, int corner, float max)
    {
        int found = corner, rowStep = shape.DilationH * shape.W, step = shape.DilationW;
        for (int row = corner + (shape.R - 1) * rowStep; row >= corner; row -= rowStep)
        for (int at = row + (shape.S - 1) * step; at >= row; at -= step)
        {
            int equal = x[at] >= max ? 1 : 0;
            found ^= (found ^ at) & -equal;
        }

        return found;
    }

    private static TV MaxOverColumns<TV>(float* line, int count, int step)
        where TV : unmanaged, IVector<TV>
    {
        TV max = TV.Load(line);
        for (int s = 1; s < count; s++) max = TV.Max(TV.Load(line + s * step), max);
        return max;
    }

    private struct Arguments
    {
        public MaxPool2dShape Shape;
        public float* X;
        public float* Y;
        public float* Dy;
        public float* Dx;
        public ThreadScratch Lines;
    }
}
