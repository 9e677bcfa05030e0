namespace Engine.Kernels;

/// <summary>The definitions, one thread, double accumulation: the oracle of every other backend, and slow.</summary>
internal sealed class ReferenceBackend : HostBackend, IBackend
{
    public string Name => "reference (plain loops, double accumulation)";

    public void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Conv2d.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, b, shape.K, nameof(b)), activation, SpanOf(shape, y, shape.YLength, nameof(y)));

    public void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.ConvTranspose2d.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, b, shape.K, nameof(b)), activation, SpanOf(shape, y, shape.YLength, nameof(y)));

    public void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Dense.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, b, shape.Out, nameof(b)), activation, SpanOf(shape, y, shape.YLength, nameof(y)));

    public void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, View y) =>
        BatchNorm.InferReference(
            shape, SpanOf(shape, x, shape.Length, nameof(x)), SpanOf(shape, mean, shape.C, nameof(mean)),
            SpanOf(shape, inverseStd, shape.C, nameof(inverseStd)), SpanOf(shape, gamma, shape.C, nameof(gamma)),
            SpanOf(shape, beta, shape.C, nameof(beta)), SpanOf(shape, y, shape.Length, nameof(y)));

    public void Activate(Activation activation, View x, View y)
    {
        Span<float> source = SpanOf(x, y.Length), destination = SpanOf(y, y.Length);
        for (int i = 0; i < source.Length; i++) destination[i] = (float)activation.Reference(source[i]);
    }

    public void MaxPool2d(in MaxPool2dShape shape, View x, View y) =>
        Kernels.MaxPool2d.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)));

    public void Crop2d(in Crop2dShape shape, View x, View y) =>
        Kernels.Crop2d.Forward(shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)));

    public void RealFft(in RealFftShape shape, View x, View window, View y) =>
        Kernels.RealFft.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, window, shape.Size, nameof(window)),
            SpanOf(shape, y, shape.YLength, nameof(y)));

    public void Magnitude(View x, View y) => Kernels.Magnitude.ForwardReference(SpanOf(x, checked(2 * y.Length)), SpanOf(y, y.Length));

    public void LogFloor(float floor, View x, View y)
    {
        Span<float> source = SpanOf(x, y.Length), destination = SpanOf(y, y.Length);
        for (int i = 0; i < source.Length; i++) destination[i] = (float)Kernels.LogFloor.Reference(source[i], floor);
    }
}
