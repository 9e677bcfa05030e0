using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The kernels on a GPU. Buffers stay there; nothing waits but uploads and downloads. The device is closed with the backend unless it shall stay open.
/// </summary>
internal sealed class GpuBackend(GpuContext gpu, bool keepOpen = false) : IBackend
{
    public string Name => gpu.Name;

    /// <summary>The device.</summary>
    public GpuContext Gpu => gpu;

    public DeviceBuffer Allocate(int length) => gpu.Memory.Rent(length);

    public void Upload(ReadOnlySpan<float> source, View destination) => gpu.Upload(source, At(destination, source.Length));

    public void Download(View source, Span<float> destination) => gpu.Download(At(source, destination.Length), destination);

    public void Copy(View source, View destination) => gpu.Copy(At(source, source.Length), At(destination, source.Length));

    public void Fill(float value, View y) => ForEach.Run(gpu, new Filling { Value = value, Y = At(y, y.Length) }, y.Length);

    public void Synchronize() => gpu.Synchronize();

    public void Dispose()
    {
        if (!keepOpen) gpu.Dispose();
    }

    public void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Conv2d.Forward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), AtOrNull(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.ConvTranspose2d.Forward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), AtOrNull(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Dense.Forward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), AtOrNull(shape, b, shape.Out, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, Activation activation, View y) =>
        BatchNorm.Infer(
            gpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, mean, shape.C, nameof(mean)),
            At(shape, inverseStd, shape.C, nameof(inverseStd)), At(shape, gamma, shape.C, nameof(gamma)), At(shape, beta, shape.C, nameof(beta)),
            activation, At(shape, y, shape.Length, nameof(y)));

    public void Activate(Activation activation, View x, View y) =>
        ForEach.Run(gpu, new GpuActivation.Forward { Activation = activation, X = At(x, y.Length), Y = At(y, y.Length) }, y.Length);

    public void MaxPool2d(in MaxPool2dShape shape, View x, View y) =>
        Kernels.MaxPool2d.Forward(gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, y, shape.YLength, nameof(y)));

    public void ConvMaxPool2d(in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax)
    {
        Kernels.ConvMaxPool2d.Validate(activation);
        Kernels.ConvMaxPool2d.Forward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), AtOrNull(shape, b, shape.Conv.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)), AtOrNull(shape, argmax, shape.YLength, nameof(argmax)));
    }

    public void Crop2d(in Crop2dShape shape, View x, View y) =>
        Kernels.Crop2d.Forward(gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, y, shape.YLength, nameof(y)));

    public void Transpose(in TransposeShape shape, View x, View y) =>
        Kernels.Transpose.Run(gpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, y, shape.Length, nameof(y)));

    public void RealFft(in RealFftShape shape, View x, View window, View y) =>
        Kernels.RealFft.Forward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, window, shape.Size, nameof(window)),
            At(shape, y, shape.YLength, nameof(y)));

    public void Magnitude(View x, View y) =>
        ForEach.Run(gpu, new Magnitude.Body { X = At(x, checked(2 * y.Length)), Y = At(y, y.Length) }, y.Length);

    public void LogFloor(float floor, View x, View y) =>
        ForEach.Run(gpu, new LogFloor.Body { Floor = floor, X = At(x, y.Length), Y = At(y, y.Length) }, y.Length);

    public void Conv2dBackwardData(in Conv2dShape shape, View dy, View w, View dx) =>
        Kernels.Conv2d.BackwardData(
            gpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void Conv2dBackwardFilter(in Conv2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Conv2d.BackwardFilter(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), AtOrNull(shape, db, shape.K, nameof(db)));

    public void ConvTranspose2dBackwardData(in ConvTranspose2dShape shape, View dy, View w, View dx) =>
        Kernels.ConvTranspose2d.BackwardData(
            gpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void ConvTranspose2dBackwardFilter(in ConvTranspose2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.ConvTranspose2d.BackwardFilter(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), AtOrNull(shape, db, shape.K, nameof(db)));

    public void DenseBackwardData(in DenseShape shape, View dy, View w, View dx) =>
        Kernels.Dense.BackwardData(
            gpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void DenseBackwardFilter(in DenseShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Dense.BackwardFilter(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), AtOrNull(shape, db, shape.Out, nameof(db)));

    public void ActivateBackward(Activation activation, View y, View dy, View dx)
    {
        ActivationGradient.Validate(activation);
        ForEach.Run(
            gpu, new GpuActivation.Backward { Activation = activation, Y = At(y, dx.Length), Dy = At(dy, dx.Length), Dx = At(dx, dx.Length) }, dx.Length);
    }

    public void BatchNormTrain(
        in BatchNormShape shape, View x, View gamma, View beta, Activation activation, View y, View mean, View inverseStd, View runningMean,
        View runningInverseStd, float momentum, float epsilon) =>
        BatchNorm.Train(
            gpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, gamma, shape.C, nameof(gamma)), At(shape, beta, shape.C, nameof(beta)),
            activation, At(shape, y, shape.Length, nameof(y)), At(shape, mean, shape.C, nameof(mean)), At(shape, inverseStd, shape.C, nameof(inverseStd)),
            At(shape, runningMean, shape.C, nameof(runningMean)), At(shape, runningInverseStd, shape.C, nameof(runningInverseStd)),
            momentum, epsilon);

    public void BatchNormBackward(
        in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, Activation activation, View y, View dy, View dx, View dgamma, View dbeta)
    {
        ActivationGradient.Validate(activation);
        BatchNorm.Backward(
            gpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, mean, shape.C, nameof(mean)),
            At(shape, inverseStd, shape.C, nameof(inverseStd)), At(shape, gamma, shape.C, nameof(gamma)), activation,
            At(shape, y, shape.Length, nameof(y)), At(shape, dy, shape.Length, nameof(dy)), At(shape, dx, shape.Length, nameof(dx)),
            At(shape, dgamma, shape.C, nameof(dgamma)), At(shape, dbeta, shape.C, nameof(dbeta)));
    }

    public void MaxPool2dBackward(in MaxPool2dShape shape, View x, View y, View dy, View dx)
    {
        At(shape, y, shape.YLength, nameof(y));
        Kernels.MaxPool2d.Backward(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)), At(shape, dx, shape.XLength, nameof(dx)));
    }

    public void ConvMaxPool2dBackwardData(in ConvMaxPool2dShape shape, View argmax, View dy, View w, View dx) =>
        Kernels.ConvMaxPool2d.BackwardData(
            gpu, shape, At(shape, argmax, shape.YLength, nameof(argmax)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void ConvMaxPool2dBackwardFilter(in ConvMaxPool2dShape shape, View x, View argmax, View dy, View dw, View? db) =>
        Kernels.ConvMaxPool2d.BackwardFilter(
            gpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, argmax, shape.YLength, nameof(argmax)),
            At(shape, dy, shape.YLength, nameof(dy)), At(shape, dw, shape.WLength, nameof(dw)), AtOrNull(shape, db, shape.Conv.K, nameof(db)));

    public void Crop2dBackward(in Crop2dShape shape, View dy, View dx) =>
        Kernels.Crop2d.Backward(gpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, dx, shape.XLength, nameof(dx)));

    public void Dropout(float probability, ulong seed, View x, View y)
    {
        Kernels.Dropout.Validate(probability);
        Kernels.Dropout.Run(gpu, probability, seed, At(x, y.Length), At(y, y.Length));
    }

    public void MeanSquaredError(View x, View target, View loss, float weight) =>
        Kernels.MeanSquaredError.Forward(gpu, At(x, x.Length), At(target, x.Length), At(loss, 1), weight);

    public void MeanSquaredErrorBackward(View x, View target, View dx, float weight) =>
        Kernels.MeanSquaredError.Backward(gpu, At(x, dx.Length), At(target, dx.Length), At(dx, dx.Length), weight);

    public void SigmoidCrossEntropy(View logits, View target, View loss, float weight) =>
        Kernels.SigmoidCrossEntropy.Forward(gpu, At(logits, logits.Length), At(target, logits.Length), At(loss, 1), weight);

    public void SigmoidCrossEntropyBackward(View logits, View target, View dlogits, float weight) =>
        Kernels.SigmoidCrossEntropy.Backward(gpu, At(logits, dlogits.Length), At(target, dlogits.Length), At(dlogits, dlogits.Length), weight);

    public void SumOfSquares(View x, View sum) => Kernels.SumOfSquares.Forward(gpu, At(x, x.Length), At(sum, 1));

    public void AddScaled(float scale, View x, View y) =>
        ForEach.Run(gpu, new AddScaled.Body { Scale = scale, X = At(x, y.Length), Y = At(y, y.Length) }, y.Length);

    public void Multiply(View a, View b, View y) =>
        ForEach.Run(gpu, new Multiply.Body { A = At(a, y.Length), B = At(b, y.Length), Y = At(y, y.Length) }, y.Length);

    public void Adam(in AdamStep step, View w, View g, View m, View v)
    {
        step.Validate();
        Kernels.Adam.Run(gpu, step, At(w, w.Length), At(g, w.Length), At(m, w.Length), At(v, w.Length));
    }

    public void Nesterov(float learningRate, float momentum, View w, View g, View velocity) =>
        Kernels.Nesterov.Run(gpu, learningRate, momentum, At(w, w.Length), At(g, w.Length), At(velocity, w.Length));

    // A view's floats, which must have a given length.
    private static ArrayView<float> At(View view, int length)
    {
        if (view.Length != length) throw new ArgumentException($"a view has {view.Length} floats, not {length}");
        return ((GpuBuffer)view.Buffer).Floats.SubView(view.Offset, view.Length);
    }

    // A view's floats, checked against a shape.
    private static ArrayView<float> At<TShape>(in TShape shape, View view, int length, string name)
        where TShape : struct
    {
        Sizes.RequireLength(shape, view, length, name);
        return At(view, length);
    }

    private static ArrayView<float>? AtOrNull<TShape>(in TShape shape, View? view, int length, string name)
        where TShape : struct => view is { } given ? At(shape, given, length, name) : null;
}
