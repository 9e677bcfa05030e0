using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: parallel over bands of rows, whose losses are added in order. The exponential bounds it.</content>
internal static unsafe partial class SoftmaxCrossEntropy
{
    private const int LogitsPerTask = 4 * 1024;

    /// <summary>The weighted mean cross-entropy.</summary>
    public static float Forward<TV>(CpuContext cpu, int rows, int classes, float* logits, float* target, float weight)
        where TV : unmanaged, IVector<TV>
    {
        cpu.Workspace.Begin(Workspace.Aligned(2L * rows));
        Arguments arguments = new() { Rows = rows, Classes = classes, Logits = logits, Target = target, Losses = (double*)cpu.Workspace.Take(2L * rows) };
        cpu.Run(arguments.Tasks, &LossesOf<TV>, ref arguments);
        double loss = 0;
        for (int row = 0; row < rows; row++) loss += arguments.Losses[row];
        return (float)(weight * loss / rows);
    }

    /// <summary>dz = weight/N·(softmax(z)·Σt − t). Overwrites dlogits, which may be either input.</summary>
    public static void Backward<TV>(CpuContext cpu, int rows, int classes, float* logits, float* target, float weight, float* dlogits)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new()
        {
            Rows = rows, Classes = classes, Logits = logits, Target = target, Dlogits = dlogits, Scale = (float)((double)weight / rows),
        };
        cpu.Run(arguments.Tasks, &GradientsOf<TV>, ref arguments);
    }

    private static void LossesOf<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        (int row, int end) = arguments.BandOf(task);
        for (; row < end; row++)
        {
            float* z = arguments.Logits + (long)row * arguments.Classes, t = arguments.Target + (long)row * arguments.Classes;
            float largest = Largest(z, arguments.Classes);
            Reduction.Run<TV, Exponentials>(default, z, t, largest, arguments.Classes, out double sum, out double weighted);
            Reduction.Run<TV, PlainSum>(default, t, t, 0, arguments.Classes, out double total, out _);
            arguments.Losses[row] = total * Math.Log(sum) - weighted;
        }
    }

    private static void GradientsOf<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        (int row, int end) = arguments.BandOf(task);
        for (; row < end; row++)
        {
            long first = (long)row * arguments.Classes;
            float* z = arguments.Logits + first, t = arguments.Target + first;
            float largest = Largest(z, arguments.Classes);
            Reduction.Run<TV, Exponentials>(default, z, t, largest, arguments.Classes, out double sum, out _);
            Reduction.Run<TV, PlainSum>(default, t, t, 0, arguments.Classes, out double total, out _);
            Elementwise.RunLine<TV, Gradient>(
                new Gradient(largest, (float)(total / sum), arguments.Scale), z, t, arguments.Dlogits + first, arguments.Classes);
        }
    }

    // NaN if one is.
    private static float Largest(float* z, int classes)
    {
        float largest = float.NegativeInfinity;
        for (int c = 0; c < classes; c++) largest = MathF.Max(largest, z[c]);
        return largest;
    }

    // Σ e^(z − largest), and Σ t·(z − largest).
    private readonly struct Exponentials : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV>
        {
            TV below = a - center;
            first += Exponential.ExpOfNegative(below);
            TV.Fma(ref second, b, below);
        }
    }

    private readonly struct Gradient(float largest, float factor, float scale) : IBinaryOperator
    {
        private readonly float _largest = largest, _factor = factor, _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> =>
            TV.Broadcast(_scale) * (Exponential.ExpOfNegative(left - TV.Broadcast(_largest)) * TV.Broadcast(_factor) - right);
    }

    private struct Arguments
    {
        public int Rows;
        public int Classes;
        public float* Logits;
        public float* Target;
        public float* Dlogits;
        public float Scale;
        public double* Losses;

        public readonly int Tasks => (Rows - 1) / Band + 1;

        private readonly int Band => Math.Max(1, LogitsPerTask / Classes);

        public readonly (int First, int End) BandOf(int task) => (task * Band, Math.Min(Rows, (task + 1) * Band));
    }
}
