using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: one pass over all four arrays, parallel over fixed chunks. Memory bandwidth bounds it: four reads and three writes.</content>
internal static unsafe partial class Adam
{
    private const int Chunk = 16 * 1024;

    // The square of a smaller gradient would be denormal, and its moment would be set to zero anyway.
    private const float TinyGradient = 1e-17f;

    /// <summary>Updates w, m and v.</summary>
    public static void Run<TV>(CpuContext cpu, in AdamStep step, float* w, float* g, float* m, float* v, int length)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new()
        {
            W = w,
            G = g,
            M = m,
            V = v,
            Length = length,
            Rate = (float)step.CorrectedRate,
            Beta1 = step.Beta1,
            Beta2 = step.Beta2,
            Rest1 = (float)(1.0 - step.Beta1),
            Rest2 = (float)(1.0 - step.Beta2),
            Epsilon = step.Epsilon,
        };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk<TV>, ref arguments);
    }

    private static void RunChunk<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        int i = task * Chunk, end = i + Math.Min(arguments.Length - i, Chunk);
        for (; i <= end - TV.Width; i += TV.Width) Move<TV>(arguments, i);
        for (; i < end; i++) Move<V1>(arguments, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Move<TV>(in Arguments arguments, int i)
        where TV : unmanaged, IVector<TV>
    {
        TV g = TV.Load(arguments.G + i), squared = Flush(g, TinyGradient);
        TV m = TV.Load(arguments.M + i) * TV.Broadcast(arguments.Beta1), v = TV.Load(arguments.V + i) * TV.Broadcast(arguments.Beta2);
        TV.Fma(ref m, g, TV.Broadcast(arguments.Rest1));
        TV.Fma(ref v, squared * squared, TV.Broadcast(arguments.Rest2));
        m = Flush(m, Tiny);
        v = Flush(v, Tiny);
        TV.Store(m, arguments.M + i);
        TV.Store(v, arguments.V + i);
        TV.Store(TV.Load(arguments.W + i) - TV.Broadcast(arguments.Rate) * m / (TV.Sqrt(v) + TV.Broadcast(arguments.Epsilon)), arguments.W + i);
    }

    /// <summary>Sets a number to zero if its magnitude is below <paramref name="limit"/>; a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Flush<TV>(TV value, float limit)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(TV.Broadcast(limit) - TV.Max(TV.Zero - value, value), TV.Zero, value);

    private struct Arguments
    {
        public float* W;
        public float* G;
        public float* M;
        public float* V;
        public int Length;
        public float Rate;
        public float Beta1;
        public float Beta2;
        public float Rest1;
        public float Rest2;
        public float Epsilon;
    }
}
