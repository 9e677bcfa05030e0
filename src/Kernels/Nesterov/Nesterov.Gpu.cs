using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread updates one weight, since no weight needs another. There is one pass over all three arrays, because memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Nesterov
{
    /// <summary>Updates w and the velocity.</summary>
    public static void Run(GpuContext gpu, float learningRate, float momentum, ArrayView<float> w, ArrayView<float> g, ArrayView<float> velocity) =>
        ForEach.Run(gpu, new Body { W = w, G = g, Velocity = velocity, Rate = learningRate, Momentum = momentum }, (int)w.Length);

    internal struct Body : IGpuBody
    {
        public ArrayView<float> W;
        public ArrayView<float> G;
        public ArrayView<float> Velocity;
        public float Rate;
        public float Momentum;

        public readonly void Run(int i)
        {
            float step = Rate * G[i], moved = GpuMath.Flush(Momentum * Velocity[i] - step, Tiny);
            Velocity[i] = moved;
            W[i] += Momentum * moved - step;
        }
    }
}
