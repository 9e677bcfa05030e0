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

    public void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, Activation activation, View y) =>
        BatchNorm.InferReference(
            shape, SpanOf(shape, x, shape.Length, nameof(x)), SpanOf(shape, mean, shape.C, nameof(mean)),
            SpanOf(shape, inverseStd, shape.C, nameof(inverseStd)), SpanOf(shape, gamma, shape.C, nameof(gamma)),
            SpanOf(shape, beta, shape.C, nameof(beta)), activation, SpanOf(shape, y, shape.Length, nameof(y)));

    public void Activate(Activation activation, View x, View y)
    {
        Span<float> source = SpanOf(x, y.Length), destination = SpanOf(y, y.Length);
        for (int i = 0; i < source.Length; i++) destination[i] = (float)activation.Reference(source[i]);
    }

    public void MaxPool2d(in MaxPool2dShape shape, View x, View y) =>
        Kernels.MaxPool2d.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)));

    public void ConvMaxPool2d(in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax)
    {
        Kernels.ConvMaxPool2d.Validate(activation);
        Kernels.ConvMaxPool2d.ForwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, b, shape.Conv.K, nameof(b)), activation, SpanOf(shape, y, shape.YLength, nameof(y)),
            SpanOf(shape, argmax, shape.YLength, nameof(argmax)));
    }

    public void Transpose(in TransposeShape shape, View x, View y) =>
        Kernels.Transpose.Reference(shape, SpanOf(shape, x, shape.Length, nameof(x)), SpanOf(shape, y, shape.Length, nameof(y)));

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

    public void Conv2dBackwardData(in Conv2dShape shape, View dy, View w, View dx) =>
        Kernels.Conv2d.BackwardDataReference(
            shape, SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void Conv2dBackwardFilter(in Conv2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Conv2d.BackwardFilterReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, dy, shape.YLength, nameof(dy)),
            SpanOf(shape, dw, shape.WLength, nameof(dw)), SpanOf(shape, db, shape.K, nameof(db)));

    public void ConvTranspose2dBackwardData(in ConvTranspose2dShape shape, View dy, View w, View dx) =>
        Kernels.ConvTranspose2d.BackwardDataReference(
            shape, SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void ConvTranspose2dBackwardFilter(in ConvTranspose2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.ConvTranspose2d.BackwardFilterReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, dy, shape.YLength, nameof(dy)),
            SpanOf(shape, dw, shape.WLength, nameof(dw)), SpanOf(shape, db, shape.K, nameof(db)));

    public void DenseBackwardData(in DenseShape shape, View dy, View w, View dx) =>
        Kernels.Dense.BackwardDataReference(
            shape, SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, w, shape.WLength, nameof(w)),
            SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void DenseBackwardFilter(in DenseShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Dense.BackwardFilterReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, dy, shape.YLength, nameof(dy)),
            SpanOf(shape, dw, shape.WLength, nameof(dw)), SpanOf(shape, db, shape.Out, nameof(db)));

    public void ActivateBackward(Activation activation, View y, View dy, View dx)
    {
        ActivationGradient.Validate(activation);
        Span<float> result = SpanOf(y, dx.Length), gradient = SpanOf(dy, dx.Length), destination = SpanOf(dx, dx.Length);
        for (int i = 0; i < result.Length; i++) destination[i] = (float)ActivationGradient.Reference(activation, result[i], gradient[i]);
    }

    public void BatchNormTrain(
        in BatchNormShape shape, View x, View gamma, View beta, Activation activation, View y, View mean, View inverseStd, View runningMean,
        View runningInverseStd, float momentum, float epsilon) =>
        BatchNorm.TrainReference(
            shape, SpanOf(shape, x, shape.Length, nameof(x)), SpanOf(shape, gamma, shape.C, nameof(gamma)),
            SpanOf(shape, beta, shape.C, nameof(beta)), activation, SpanOf(shape, y, shape.Length, nameof(y)), SpanOf(shape, mean, shape.C, nameof(mean)),
            SpanOf(shape, inverseStd, shape.C, nameof(inverseStd)), SpanOf(shape, runningMean, shape.C, nameof(runningMean)),
            SpanOf(shape, runningInverseStd, shape.C, nameof(runningInverseStd)), momentum, epsilon);

    public void BatchNormBackward(
        in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, Activation activation, View y, View dy, View dx, View dgamma, View dbeta)
    {
        ActivationGradient.Validate(activation);
        BatchNorm.BackwardReference(
            shape, SpanOf(shape, x, shape.Length, nameof(x)), SpanOf(shape, mean, shape.C, nameof(mean)),
            SpanOf(shape, inverseStd, shape.C, nameof(inverseStd)), SpanOf(shape, gamma, shape.C, nameof(gamma)), activation,
            SpanOf(shape, y, shape.Length, nameof(y)), SpanOf(shape, dy, shape.Length, nameof(dy)), SpanOf(shape, dx, shape.Length, nameof(dx)),
            SpanOf(shape, dgamma, shape.C, nameof(dgamma)), SpanOf(shape, dbeta, shape.C, nameof(dbeta)));
    }

    public void MaxPool2dBackward(in MaxPool2dShape shape, View x, View y, View dy, View dx) =>
        Kernels.MaxPool2d.BackwardReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)),
            SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void ConvMaxPool2dBackwardData(in ConvMaxPool2dShape shape, View argmax, View dy, View w, View dx) =>
        Kernels.ConvMaxPool2d.BackwardDataReference(
            shape, SpanOf(shape, argmax, shape.YLength, nameof(argmax)), SpanOf(shape, dy, shape.YLength, nameof(dy)),
            SpanOf(shape, w, shape.WLength, nameof(w)), SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void ConvMaxPool2dBackwardFilter(in ConvMaxPool2dShape shape, View x, View argmax, View dy, View dw, View? db) =>
        Kernels.ConvMaxPool2d.BackwardFilterReference(
            shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, argmax, shape.YLength, nameof(argmax)),
            SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, dw, shape.WLength, nameof(dw)), SpanOf(shape, db, shape.Conv.K, nameof(db)));

    public void Crop2dBackward(in Crop2dShape shape, View dy, View dx) =>
        Kernels.Crop2d.Backward(shape, SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void Dropout(float probability, ulong seed, View x, View y)
    {
        Kernels.Dropout.Validate(probability);
        Kernels.Dropout.Reference(probability, seed, SpanOf(x, y.Length), SpanOf(y, y.Length));
    }

    public void MeanSquaredError(View x, View target, View loss, float weight) =>
        SpanOf(loss, 1)[0] = Kernels.MeanSquaredError.Reference(SpanOf(x, x.Length), SpanOf(target, x.Length), weight);

    public void MeanSquaredErrorBackward(View x, View target, View dx, float weight) =>
        Kernels.MeanSquaredError.BackwardReference(SpanOf(x, dx.Length), SpanOf(target, dx.Length), SpanOf(dx, dx.Length), weight);

    public void SigmoidCrossEntropy(View logits, View target, View loss, float weight) =>
        SpanOf(loss, 1)[0] = Kernels.SigmoidCrossEntropy.Reference(SpanOf(logits, logits.Length), SpanOf(target, logits.Length), weight);

    public void SigmoidCrossEntropyBackward(View logits, View target, View dlogits, float weight) =>
        Kernels.SigmoidCrossEntropy.BackwardReference(
            SpanOf(logits, dlogits.Length), SpanOf(target, dlogits.Length), SpanOf(dlogits, dlogits.Length), weight);

    public void SumOfSquares(View x, View sum) => SpanOf(sum, 1)[0] = Kernels.SumOfSquares.Reference(SpanOf(x, x.Length));

    public void AddScaled(float scale, View x, View y) => Kernels.AddScaled.Reference(scale, SpanOf(x, y.Length), SpanOf(y, y.Length));

    public void Multiply(View a, View b, View y) =>
        Kernels.Multiply.Reference(SpanOf(a, y.Length), SpanOf(b, y.Length), SpanOf(y, y.Length));

    public void Adam(in AdamStep step, View w, View g, View m, View v)
    {
        step.Validate();
        Kernels.Adam.Reference(step, SpanOf(w, w.Length), SpanOf(g, w.Length), SpanOf(m, w.Length), SpanOf(v, w.Length));
    }

    public void Nesterov(float learningRate, float momentum, View w, View g, View velocity) =>
        Kernels.Nesterov.Reference(learningRate, momentum, SpanOf(w, w.Length), SpanOf(g, w.Length), SpanOf(velocity, w.Length));
}
