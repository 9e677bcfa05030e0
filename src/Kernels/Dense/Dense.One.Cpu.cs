using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for one sample, which reads each weight once, in the order in which they lie. The inputs are cut into pieces, by the shape alone. Each piece has
/// sums of its own, which stay in the first-level cache while its rows of weights pass by, and are then added in order. Parallel over pieces. Memory bandwidth
/// bounds it.
/// </content>
internal static unsafe partial class Dense
{
    // Inputs of a piece.
    private const int PieceInputs = 256;

    private static void ForwardOne<TV>(CpuContext cpu, in DenseShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int pieces = (shape.In + PieceInputs - 1) / PieceInputs;
        long sums = Workspace.Aligned(shape.Out);
        cpu.Workspace.Begin(pieces * sums);
        OneArguments arguments = new()
        {
            Shape = shape,
            X = x,
            W = w,
            B = b,
            Y = y,
            Sums = cpu.Workspace.Take(pieces * sums),
            SumsLength = sums,
            Pieces = pieces,
        };
        cpu.Run(pieces, &RunPiece<TV>, ref arguments);
        activation.Accept<OneEnd<TV>, Nothing>(new OneEnd<TV>(ref arguments));
    }

    private static void RunPiece<TV>(ref OneArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        const int Together = 8;
        int outputs = arguments.Shape.Out, i = task * PieceInputs, end = Math.Min(arguments.Shape.In, i + PieceInputs);
        float* sums = arguments.Sums + task * arguments.SumsLength, x = arguments.X + i, w = arguments.W + (long)i * outputs;
        new Span<float>(sums, (int)arguments.SumsLength).Clear();
        for (; i <= end - Together; i += Together, x += Together, w += (long)Together * outputs)
        {
            TV x0 = TV.Broadcast(x[0]), x1 = TV.Broadcast(x[1]), x2 = TV.Broadcast(x[2]), x3 = TV.Broadcast(x[3]);
            TV x4 = TV.Broadcast(x[4]), x5 = TV.Broadcast(x[5]), x6 = TV.Broadcast(x[6]), x7 = TV.Broadcast(x[7]);
            float* row = w;

            // The lanes behind the last output hold numbers of the next row, and are never used.
            for (int o = 0; o < outputs; o += TV.Width, row += TV.Width)
            {
                TV sum = TV.Load(sums + o);
                TV.Fma(ref sum, x0, TV.Load(row));
                TV.Fma(ref sum, x1, TV.Load(row + outputs));
                TV.Fma(ref sum, x2, TV.Load(row + 2L * outputs));
                TV.Fma(ref sum, x3, TV.Load(row + 3L * outputs));
                TV.Fma(ref sum, x4, TV.Load(row + 4L * outputs));
                TV.Fma(ref sum, x5, TV.Load(row + 5L * outputs));
                TV.Fma(ref sum, x6, TV.Load(row + 6L * outputs));
                TV.Fma(ref sum, x7, TV.Load(row + 7L * outputs));
                TV.Store(sum, sums + o);
            }
        }

        for (; i < end; i++, x++, w += outputs)
        for (int o = 0; o < outputs; o += TV.Width)
        {
            TV sum = TV.Load(sums + o);
            TV.Fma(ref sum, TV.Broadcast(*x), TV.Load(w + o));
            TV.Store(sum, sums + o);
        }
    }

    private readonly ref struct OneEnd<TV>(ref OneArguments arguments) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref OneArguments _arguments = ref arguments;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            int outputs = _arguments.Shape.Out;
            float* b = _arguments.B;
            for (int o = 0; o < outputs; o += TV.Width)
            {
                float* sums = _arguments.Sums + o;
                TV sum = TV.Load(sums);
                for (int piece = 1; piece < _arguments.Pieces; piece++) sum += TV.Load(sums + piece * _arguments.SumsLength);
                TV.StoreFirst(activation.Apply(b is null ? sum : sum + TV.Load(b + o)), _arguments.Y + o, Math.Min(TV.Width, outputs - o));
            }

            return default;
        }
    }

    private struct OneArguments
    {
        public DenseShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public float* Y;
        public float* Sums;
        public long SumsLength;
        public int Pieces;
    }
}
