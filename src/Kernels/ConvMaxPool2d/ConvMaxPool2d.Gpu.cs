using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: the convolution is written to memory, then one thread for each output finds the maximum and applies bias and activation. Backward, the
/// gradient of the sums is written to memory, and the gradient of the convolution follows. The convolution's compute bounds it.
/// </content>
internal static unsafe partial class ConvMaxPool2d
{
    /// <summary>Writes y and, unless it is null, argmax.</summary>
    public static void Forward(
        GpuContext gpu, in ConvMaxPool2dShape shape, ArrayView<float> x, ArrayView<float> w, ArrayView<float>? b, Activation activation,
        ArrayView<float> y, ArrayView<float>? argmax)
    {
        using GpuBuffer sums = gpu.Memory.Rent(shape.Pool.XLength);
        Conv2d.Forward(gpu, shape.Conv, x, w, null, Activation.None, sums.Floats, BatchLayout.First);
        MaxPool2d.FindMaxima(gpu, shape.Pool, sums.Floats, b, activation, y, argmax, shape.Conv.Layout);
    }

    /// <summary>The gradient with respect to the input. Overwrites dx.</summary>
    public static void BackwardData(
        GpuContext gpu, in ConvMaxPool2dShape shape, ArrayView<float> argmax, ArrayView<float> dy, ArrayView<float> w, ArrayView<float> dx)
    {
        if (shape.Conv.Layout == BatchLayout.ChannelsLast)
        {
            using GpuBuffer places = OutputsToBatchFirst(gpu, shape, argmax), gradient = OutputsToBatchFirst(gpu, shape, dy);
            using GpuBuffer turned = gpu.Memory.Rent(shape.XLength);
            BackwardData(gpu, shape.In(BatchLayout.First), places.Floats, gradient.Floats, w, turned.Floats);
            Transpose.ToChannelsLast(gpu, shape.Conv.N, shape.Conv.C, shape.Conv.H * shape.Conv.W, turned.Floats, dx);
            return;
        }

        using GpuBuffer sums = gpu.Memory.Rent(shape.Pool.XLength);
        MaxPool2d.Spread(gpu, shape.Pool, argmax, dy, sums.Floats);
        Conv2d.BackwardData(gpu, shape.Conv, sums.Floats, w, dx);
    }

    /// <summary>The gradients with respect to the filters and, unless <paramref name="db"/> is null, the bias. Overwrites both.</summary>
    public static void BackwardFilter(
        GpuContext gpu, in ConvMaxPool2dShape shape, ArrayView<float> x, ArrayView<float> argmax, ArrayView<float> dy, ArrayView<float> dw,
        ArrayView<float>? db)
    {
        if (shape.Conv.Layout == BatchLayout.ChannelsLast)
        {
            using GpuBuffer places = OutputsToBatchFirst(gpu, shape, argmax), gradient = OutputsToBatchFirst(gpu, shape, dy);
            using GpuBuffer turned = Transpose.ToBatchFirst(gpu, shape.Conv.N, shape.Conv.C, shape.Conv.H * shape.Conv.W, x);
            BackwardFilter(gpu, shape.In(BatchLayout.First), turned.Floats, places.Floats, gradient.Floats, dw, db);
            return;
        }

        using GpuBuffer sums = gpu.Memory.Rent(shape.Pool.XLength);
        MaxPool2d.Spread(gpu, shape.Pool, argmax, dy, sums.Floats);
        Conv2d.BackwardFilter(gpu, shape.Conv, x, sums.Floats, dw, db);
    }

    private static GpuBuffer OutputsToBatchFirst(GpuContext gpu, in ConvMaxPool2dShape shape, ArrayView<float> outputs) =>
        Transpose.ToBatchFirst(gpu, shape.Pool.N, shape.Pool.C, shape.Pool.P * shape.Pool.Q, outputs);
}
