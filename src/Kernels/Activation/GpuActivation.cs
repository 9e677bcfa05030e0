using System.Runtime.CompilerServices;
using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The activations and their gradients on a GPU: one thread computes one element, since no element needs another. Memory bandwidth bounds them, so other
/// kernels apply the same functions to their results while these are in registers.
/// </summary>
internal static class GpuActivation
{
    /// <summary>y = activation(x); y may be x.</summary>
    internal struct Forward : IGpuBody
    {
        public Activation Activation;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = GpuActivation.Value(Activation, X[i]);
    }

    /// <summary>dx from the output y and dy; dx may be either.</summary>
    internal struct Backward : IGpuBody
    {
        public Activation Activation;
        public ArrayView<float> Y;
        public ArrayView<float> Dy;
        public ArrayView<float> Dx;

        public readonly void Run(int i) => Dx[i] = Gradient(Activation, Y[i], Dy[i]);
    }

    /// <summary>An activation of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Value(Activation activation, float x) => activation.Accept<ValueAt, float>(new ValueAt { X = x });

    /// <summary>The gradient with respect to an activation's input, from its output y and its gradient dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Gradient(Activation activation, float y, float dy) => activation.Accept<GradientAt, float>(new GradientAt { Y = y, Dy = dy });

    private struct ValueAt : IActivationVisitor<float>
    {
        public float X;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly float Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation => activation.OnGpu(X);
    }

    private struct GradientAt : IActivationVisitor<float>
    {
        public float Y;
        public float Dy;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly float Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation => activation.GradientOnGpu(Y, Dy);
    }
}
