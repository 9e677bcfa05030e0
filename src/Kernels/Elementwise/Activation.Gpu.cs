using ILGPU;

namespace Engine.Kernels;

/// <summary>The GPU forms of the activations and their gradients; the products apply the same function to their sums.</summary>
internal static class GpuActivation
{
    /// <summary>y = activation(x); y may be x.</summary>
    internal struct Forward : IGpuBody
    {
        public Activation Activation;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = GpuMath.Activate(Activation, X[i]);
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

    /// <summary>The gradient before the activation, from its output and the gradient behind it.</summary>
    public static float Gradient(Activation activation, float y, float dy) => activation.Kind switch
    {
        ActivationKind.LeakyRelu => y > 0 ? dy : activation.Slope * dy,
        ActivationKind.Elu => y > 0 ? dy : (y + 1) * dy,
        ActivationKind.Sigmoid => y * (1 - y) * dy,
        _ => dy,
    };
}
