using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for weights that are mostly zero: each output sums from the first to the last input whose weight for it is not zero. Lanes are samples; they are
/// transposed into scratch memory and out of it. Parallel over groups of samples. Transposing bounds it.
/// </content>
internal static unsafe partial class Dense
{
    private static void ForwardSparse<TV>(CpuContext cpu, in DenseShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        long scratch = Workspace.Aligned((long)shape.In * TV.Width) + Workspace.Aligned((long)shape.Out * TV.Width);
        cpu.Workspace.Begin(2 * Workspace.Aligned(shape.Out), scratch);
        SparseArguments arguments = new()
        {
            Shape = shape,
            X = x,
            W = w,
            B = b,
            Activation = activation,
            Y = y,
            First = (int*)cpu.Workspace.Take(shape.Out),
            End = (int*)cpu.Workspace.Take(shape.Out),
            Scratch = cpu.Workspace.OfThreads,
        };
        new Span<int>(arguments.First, shape.Out).Clear();
        new Span<int>(arguments.End, shape.Out).Clear();
        for (int i = 0; i < shape.In; i++)
        for (int o = 0; o < shape.Out; o++)
        {
            if (*w++ == 0) continue;
            if (arguments.End[o] == 0) arguments.First[o] = i;
            arguments.End[o] = i + 1;
        }

        cpu.Run((shape.N + TV.Width - 1) / TV.Width, &RunSparse<TV>, ref arguments);
    }

    private static void RunSparse<TV>(ref SparseArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV> => arguments.Activation.Accept<SparseTask<TV>, Nothing>(new SparseTask<TV>(ref arguments, task, worker));

    private static void RunSparse<TV, TOperator>(in SparseArguments arguments, TOperator activation, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        ref readonly DenseShape shape = ref arguments.Shape;
        float* samples = arguments.Scratch.Of(worker), sums = samples + Workspace.Aligned((long)shape.In * TV.Width);
        int first = task * TV.Width, lanes = Math.Min(TV.Width, shape.N - first);
        Transposition.Run(arguments.X + (long)first * shape.In, shape.In, lanes, shape.In, samples, TV.Width);
        for (int o = 0; o < shape.Out; o++)
        {
            TV sum = arguments.B is null ? TV.Zero : TV.Broadcast(arguments.B[o]);
            float* w = arguments.W + o;
            int end = arguments.End[o];
            for (int i = arguments.First[o]; i < end; i++)
            {
                TV.Fma(ref sum, TV.Broadcast(w[(long)i * shape.Out]), TV.Load(samples + (long)i * TV.Width));
            }

            TV.Store(activation.Apply(sum), sums + (long)o * TV.Width);
        }

        Transposition.Run(sums, TV.Width, shape.Out, lanes, arguments.Y + (long)first * shape.Out, shape.Out);
    }

    private readonly ref struct SparseTask<TV>(ref SparseArguments arguments, int task, int worker) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref SparseArguments _arguments = ref arguments;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            RunSparse<TV, TActivation>(_arguments, activation, task, worker);
            return default;
        }
    }

    private struct SparseArguments
    {
        public DenseShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public float* Y;
        public Activation Activation;
        public int* First;
        public int* End;
        public ThreadScratch Scratch;
    }
}
