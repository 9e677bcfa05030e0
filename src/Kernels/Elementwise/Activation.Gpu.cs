using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The activations and their gradients: a thread an element, since no element needs another. Memory bandwidth bounds them, so what can applies the same
/// functions to results of its own while they are in registers.
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
    public static float Value(Activation activation, float x) => activation.Kind switch
    {
        ActivationKind.LeakyRelu => LeakyRelu.OnGpu(x, activation.Slope),
        ActivationKind.Elu => Elu.OnGpu(x),
        ActivationKind.Sigmoid => Sigmoid.OnGpu(x),
        _ => x,
    };

    /// <summary>The gradient before the activation, from its output and the gradient behind it.</summary>
    public static float Gradient(Activation activation, float y, float dy) => activation.Kind switch
    {
        ActivationKind.LeakyRelu => LeakyRelu.GradientOnGpu(y, dy, activation.Slope),
        ActivationKind.Elu => Elu.GradientOnGpu(y, dy),
        ActivationKind.Sigmoid => Sigmoid.GradientOnGpu(y, dy),
        _ => dy,
    };
}
