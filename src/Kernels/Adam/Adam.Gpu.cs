using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread updates one weight, since no weight needs another. There is one pass over all four arrays, because memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Adam
{
    /// <summary>Updates w, m and v.</summary>
    public static void Run(GpuContext gpu, in AdamStep step, ArrayView<float> w, ArrayView<float> g, ArrayView<float> m, ArrayView<float> v) =>
        ForEach.Run(
            gpu,
            new Body
            {
                W = w,
                G = g,
                M = m,
                V = v,
                Rate = (float)step.CorrectedRate,
                Beta1 = step.Beta1,
                Beta2 = step.Beta2,
                Rest1 = (float)(1.0 - step.Beta1),
                Rest2 = (float)(1.0 - step.Beta2),
                Epsilon = step.Epsilon,
            },
            (int)w.Length);

    internal struct Body : IGpuBody
    {
        public ArrayView<float> W;
        public ArrayView<float> G;
        public ArrayView<float> M;
        public ArrayView<float> V;
        public float Rate;
        public float Beta1;
        public float Beta2;
        public float Rest1;
        public float Rest2;
        public float Epsilon;

        public readonly void Run(int i)
        {
            float g = G[i], squared = GpuMath.Flush(g, TinyGradient);
            float m = GpuMath.Flush(Beta1 * M[i] + Rest1 * g, Tiny), v = GpuMath.Flush(Beta2 * V[i] + Rest2 * (squared * squared), Tiny);
            M[i] = m;
            V[i] = v;
            W[i] -= Rate * m / (MathF.Sqrt(v) + Epsilon);
        }
    }
}
