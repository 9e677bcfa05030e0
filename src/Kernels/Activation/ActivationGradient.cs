using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>The gradients of the activations, from their output y and its gradient dy. Memory bandwidth bounds them.</summary>
internal static unsafe class ActivationGradient
{
    /// <summary>The definition, in double precision.</summary>
    public static double Reference(Activation activation, double y, double dy) => activation.Accept<ReferenceGradient, double>(new ReferenceGradient(y, dy));

    /// <summary>dx = activation′·dy. Overwrites dx, which may be y or dy.</summary>
    public static void Run<TV>(CpuContext cpu, Activation activation, float* y, float* dy, float* dx, int length)
        where TV : unmanaged, IVector<TV> => activation.Accept<WholeGradient<TV>, Nothing>(new WholeGradient<TV>(cpu, y, dy, dx, length));

    /// <summary>dx = activation′·dy over a run of floats, for kernels that use them while they are in the cache. dx may be dy.</summary>
    public static void Run<TV>(Activation activation, float* y, float* dy, float* dx, int length)
        where TV : unmanaged, IVector<TV> => activation.Accept<LineGradient<TV>, Nothing>(new LineGradient<TV>(y, dy, dx, length));

    private readonly struct Operator<TActivation>(TActivation activation) : IBinaryOperator
        where TActivation : unmanaged, IActivation
    {
        private readonly TActivation _activation = activation;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => _activation.Gradient(left, right);
    }

    private readonly struct WholeGradient<TV>(CpuContext cpu, float* y, float* dy, float* dx, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            Elementwise.Run<TV, Operator<TActivation>>(cpu, new Operator<TActivation>(activation), y, dy, dx, length);
            return default;
        }
    }

    private readonly struct LineGradient<TV>(float* y, float* dy, float* dx, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            Elementwise.RunLine<TV, Operator<TActivation>>(new Operator<TActivation>(activation), y, dy, dx, length);
            return default;
        }
    }

    private readonly struct ReferenceGradient(double y, double dy) : IActivationVisitor<double>
    {
        public double Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation => activation.ReferenceGradient(y, dy);
    }
}
