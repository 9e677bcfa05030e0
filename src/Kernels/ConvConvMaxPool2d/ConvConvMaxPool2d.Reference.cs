namespace Engine.Kernels;

/// <summary>A cross-correlation, bias and activation, and then <see cref="ConvMaxPool2d"/> of the result.</summary>
internal static partial class ConvConvMaxPool2d
{
    /// <summary>The definition: one after the other. Overwrites y; both biases may be empty.</summary>
    public static void ForwardReference(
        in ConvConvMaxPool2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> firstW, ReadOnlySpan<float> firstB, Activation firstActivation,
        ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation, Span<float> y)
    {
        float[] between = new float[shape.First.YLength];
        Conv2d.ForwardReference(shape.First, x, firstW, firstB, firstActivation, between);
        ConvMaxPool2d.ForwardReference(shape.Pooled, between, w, b, activation, y, default);
    }
}
