using ILGPU;

namespace Engine.Kernels;

/// <summary>What one thread does for element i of a result. The struct holds the views and numbers that it needs.</summary>
public interface IGpuBody
{
    void Run(int i);
}

/// <summary>
/// The GPU form of everything whose results do not depend on each other. One thread computes one element of the result and gathers what it needs, so nothing is
/// written twice and the order does not matter. Neighbouring threads write neighbouring floats. Memory bandwidth bounds it.
/// </summary>
public static class ForEach
{
    /// <summary>Runs the body for i from 0 to <paramref name="length"/> − 1.</summary>
    public static void Run<TBody>(GpuContext gpu, TBody body, int length)
        where TBody : struct, IGpuBody
    {
        if (length == 0) return;
        int groups = (length - 1) / GpuContext.GroupSize + 1;
        gpu.Launch(Kernel, new Index3D(groups, 1, 1), new Arguments<TBody> { Body = body, Length = length });
    }

    private static void Kernel<TBody>(Arguments<TBody> arguments)
        where TBody : struct, IGpuBody
    {
        int i = Grid.IdxX * GpuContext.GroupSize + Group.IdxX;
        if (i < arguments.Length) arguments.Body.Run(i);
    }

    internal struct Arguments<TBody>
        where TBody : struct
    {
        public TBody Body;
        public int Length;
    }
}

/// <summary>y = value.</summary>
internal struct Filling : IGpuBody
{
    public float Value;
    public ArrayView<float> Y;

    public readonly void Run(int i) => Y[i] = Value;
}
