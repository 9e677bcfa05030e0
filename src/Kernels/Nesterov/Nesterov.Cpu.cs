using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: one pass over the three arrays, parallel over fixed chunks. Memory bandwidth bounds it: three reads and two writes.</content>
internal static unsafe partial class Nesterov
{
    private const int Chunk = 16 * 1024;

    /// <summary>Updates w and the velocity.</summary>
    public static void Run<TV>(CpuContext cpu, float learningRate, float momentum, float* w, float* g, float* velocity, int length)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { W = w, G = g, Velocity = velocity, Length = length, Rate = learningRate, Momentum = momentum };
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
        TV momentum = TV.Broadcast(arguments.Momentum), step = TV.Load(arguments.G + i) * TV.Broadcast(arguments.Rate);
        TV velocity = Adam.Flush(TV.Load(arguments.Velocity + i) * momentum - step, Tiny);
        TV w = TV.Load(arguments.W + i) - step;
        TV.Fma(ref w, velocity, momentum);
        TV.Store(velocity, arguments.Velocity + i);
        TV.Store(w, arguments.W + i);
    }

    private struct Arguments
    {
        public float* W;
        public float* G;
        public float* Velocity;
        public int Length;
        public float Rate;
        public float Momentum;
    }
}
