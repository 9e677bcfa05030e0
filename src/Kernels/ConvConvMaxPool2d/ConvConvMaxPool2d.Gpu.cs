using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: one after the other. Compute bounds it.</content>
internal static unsafe partial class ConvConvMaxPool2d
{
    /// <summary>Overwrites y. Both biases may be null.</summary>
    public static void Forward(
        GpuContext gpu, in ConvConvMaxPool2dShape shape, ArrayView<float> x, ArrayView<float> firstW, ArrayView<float>? firstB, Activation firstActivation,
        ArrayView<float> w, ArrayView<float>? b, Activation activation, ArrayView<float> y)
    {
        using GpuBuffer between = gpu.Memory.Rent(shape.First.YLength);
        Conv2d.Forward(gpu, shape.First, x, firstW, firstB, firstActivation, between.Floats);
        ConvMaxPool2d.Forward(gpu, shape.Pooled, between.Floats, w, b, activation, y, null);
    }
}
