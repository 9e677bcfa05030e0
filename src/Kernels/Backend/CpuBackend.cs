using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>The SIMD kernels on a team of threads, for one vector width.</summary>
internal sealed unsafe class CpuBackend<TV>(int threads) : HostBackend, IBackend
    where TV : unmanaged, IVector<TV>
{
    private readonly CpuContext _cpu = new(threads);

    public string Name => $"cpu ({TV.Width * 32}-bit vectors, {_cpu.Threads} thread{(_cpu.Threads == 1 ? "" : "s")})";

    public override void Dispose()
    {
        _cpu.Dispose();
        base.Dispose();
    }

    public void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y) => Conv2d(shape, x, w, b, activation, y, null);

    public void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y, PackedFilter? packed)
    {
        float* filters = At(shape, w, shape.WLength, nameof(w));
        Kernels.Conv2d.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), filters, At(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)), Pack(shape, Kernels.Conv2d.ChooseForm(shape), filters, packed));
    }

    // What packed holds of the filters, made now if it is another form's or nothing; null where there is nothing to keep.
    private float* Pack(in Conv2dShape shape, Conv2dForm form, float* w, PackedFilter? packed)
    {
        int length = packed is null ? 0 : Kernels.Conv2d.PackedLength(shape, form);
        if (length == 0) return null;
        if (packed!.Buffer is null || packed.Form != form)
        {
            HostBuffer buffer = Memory.Rent(length);
            Kernels.Conv2d.Pack<TV>(_cpu, shape, form, w, buffer.Pointer);
            packed.Fill(form, buffer);
        }

        return At(packed.Buffer!.All);
    }

    public void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.ConvTranspose2d.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), At(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Dense.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), At(shape, b, shape.Out, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, Activation activation, View y) =>
        BatchNorm.Infer<TV>(
            _cpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, mean, shape.C, nameof(mean)),
            At(shape, inverseStd, shape.C, nameof(inverseStd)), At(shape, gamma, shape.C, nameof(gamma)), At(shape, beta, shape.C, nameof(beta)),
            activation, At(shape, y, shape.Length, nameof(y)));

    public void Activate(Activation activation, View x, View y)
    {
        SpanOf(x, y.Length);
        Elementwise.Run<TV>(_cpu, activation, At(x), At(y), y.Length);
    }

    public void MaxPool2d(in MaxPool2dShape shape, View x, View y) =>
        Kernels.MaxPool2d.Forward<TV>(_cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, y, shape.YLength, nameof(y)));

    public void ConvMaxPool2d(in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax) =>
        ConvMaxPool2d(shape, x, w, b, activation, y, argmax, null);

    public void ConvMaxPool2d(
        in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax, PackedFilter? packed)
    {
        Kernels.ConvMaxPool2d.Validate(activation);
        float* filters = At(shape, w, shape.WLength, nameof(w));
        using HostBuffer sums = Memory.Rent(Kernels.ConvMaxPool2d.SumsLength(shape, argmax is not null));
        Kernels.ConvMaxPool2d.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), filters, At(shape, b, shape.Conv.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)), At(shape, argmax, shape.YLength, nameof(argmax)), sums.Pointer,
            Pack(shape.Conv, Kernels.ConvMaxPool2d.ConvolutionForm(shape, argmax is not null), filters, packed));
    }

    public void Transpose(in TransposeShape shape, View x, View y) =>
        Kernels.Transpose.Forward(_cpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, y, shape.Length, nameof(y)));

    public void Crop2d(in Crop2dShape shape, View x, View y) =>
        Kernels.Crop2d.Forward(shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)));

    public void RealFft(in RealFftShape shape, View x, View window, View y) =>
        Kernels.RealFft.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, window, shape.Size, nameof(window)),
            At(shape, y, shape.YLength, nameof(y)));

    public void Magnitude(View x, View y)
    {
        SpanOf(x, checked(2 * y.Length));
        Kernels.Magnitude.Forward<TV>(_cpu, At(x), At(y), y.Length);
    }

    public void LogFloor(float floor, View x, View y) => Map(new LogFloorOperator(floor), x, y);

    private void Map<TOperator>(TOperator function, View x, View y)
        where TOperator : unmanaged, IUnaryOperator
    {
        SpanOf(x, y.Length);
        Elementwise.Run<TV, TOperator>(_cpu, function, At(x), At(y), y.Length);
    }

    public void Conv2dBackwardData(in Conv2dShape shape, View dy, View w, View dx)
    {
        using HostBuffer turned = Memory.Rent(shape.WLength);
        Kernels.Conv2d.BackwardData<TV>(
            _cpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)),
            turned.Pointer);
    }

    public void Conv2dBackwardFilter(in Conv2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Conv2d.BackwardFilter<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), At(shape, db, shape.K, nameof(db)));

    public void ConvTranspose2dBackwardData(in ConvTranspose2dShape shape, View dy, View w, View dx) =>
        Kernels.ConvTranspose2d.BackwardData<TV>(
            _cpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void ConvTranspose2dBackwardFilter(in ConvTranspose2dShape shape, View x, View dy, View dw, View? db) =>
        Kernels.ConvTranspose2d.BackwardFilter<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), At(shape, db, shape.K, nameof(db)));

    public void DenseBackwardData(in DenseShape shape, View dy, View w, View dx) =>
        Kernels.Dense.BackwardData<TV>(
            _cpu, shape, At(shape, dy, shape.YLength, nameof(dy)), At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void DenseBackwardFilter(in DenseShape shape, View x, View dy, View dw, View? db) =>
        Kernels.Dense.BackwardFilter<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, dw, shape.WLength, nameof(dw)), At(shape, db, shape.Out, nameof(db)));

    public void ActivateBackward(Activation activation, View y, View dy, View dx)
    {
        ActivationGradient.Validate(activation);
        SpanOf(y, dx.Length);
        SpanOf(dy, dx.Length);
        ActivationGradient.Run<TV>(_cpu, activation, At(y), At(dy), At(dx), dx.Length);
    }

    public void BatchNormTrain(
        in BatchNormShape shape, View x, View gamma, View beta, Activation activation, View y, View mean, View inverseStd, View runningMean,
        View runningInverseStd, float momentum, float epsilon) =>
        BatchNorm.Train<TV>(
            _cpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, gamma, shape.C, nameof(gamma)), At(shape, beta, shape.C, nameof(beta)),
            activation, At(shape, y, shape.Length, nameof(y)), At(shape, mean, shape.C, nameof(mean)), At(shape, inverseStd, shape.C, nameof(inverseStd)),
            At(shape, runningMean, shape.C, nameof(runningMean)), At(shape, runningInverseStd, shape.C, nameof(runningInverseStd)),
            momentum, epsilon);

    public void BatchNormBackward(
        in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, Activation activation, View y, View dy, View dx, View dgamma, View dbeta)
    {
        ActivationGradient.Validate(activation);
        BatchNorm.Backward<TV>(
            _cpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, mean, shape.C, nameof(mean)),
            At(shape, inverseStd, shape.C, nameof(inverseStd)), At(shape, gamma, shape.C, nameof(gamma)), activation,
            At(shape, y, shape.Length, nameof(y)), At(shape, dy, shape.Length, nameof(dy)), At(shape, dx, shape.Length, nameof(dx)),
            At(shape, dgamma, shape.C, nameof(dgamma)), At(shape, dbeta, shape.C, nameof(dbeta)));
    }

    public void MaxPool2dBackward(in MaxPool2dShape shape, View x, View y, View dy, View dx) =>
        Kernels.MaxPool2d.Backward(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, y, shape.YLength, nameof(y)),
            At(shape, dy, shape.YLength, nameof(dy)), At(shape, dx, shape.XLength, nameof(dx)));

    public void ConvMaxPool2dBackwardData(in ConvMaxPool2dShape shape, View argmax, View dy, View w, View dx) =>
        Kernels.ConvMaxPool2d.BackwardData<TV>(
            _cpu, shape, At(shape, argmax, shape.YLength, nameof(argmax)), At(shape, dy, shape.YLength, nameof(dy)),
            At(shape, w, shape.WLength, nameof(w)), At(shape, dx, shape.XLength, nameof(dx)));

    public void ConvMaxPool2dBackwardFilter(in ConvMaxPool2dShape shape, View x, View argmax, View dy, View dw, View? db) =>
        Kernels.ConvMaxPool2d.BackwardFilter<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, argmax, shape.YLength, nameof(argmax)),
            At(shape, dy, shape.YLength, nameof(dy)), At(shape, dw, shape.WLength, nameof(dw)), At(shape, db, shape.Conv.K, nameof(db)));

    public void Crop2dBackward(in Crop2dShape shape, View dy, View dx) =>
        Kernels.Crop2d.Backward(shape, SpanOf(shape, dy, shape.YLength, nameof(dy)), SpanOf(shape, dx, shape.XLength, nameof(dx)));

    public void Dropout(float probability, ulong seed, View x, View y)
    {
        Kernels.Dropout.Validate(probability);
        SpanOf(x, y.Length);
        Kernels.Dropout.Run(_cpu, probability, seed, At(x), At(y), y.Length);
    }

    public void MeanSquaredError(View x, View target, View loss, float weight)
    {
        SpanOf(target, x.Length);
        SpanOf(loss, 1)[0] = Kernels.MeanSquaredError.Forward<TV>(_cpu, At(x), At(target), x.Length, weight);
    }

    public void MeanSquaredErrorBackward(View x, View target, View dx, float weight)
    {
        SpanOf(x, dx.Length);
        SpanOf(target, dx.Length);
        Kernels.MeanSquaredError.Backward<TV>(_cpu, At(x), At(target), At(dx), dx.Length, weight);
    }

    public void SigmoidCrossEntropy(View logits, View target, View loss, float weight)
    {
        SpanOf(target, logits.Length);
        SpanOf(loss, 1)[0] = Kernels.SigmoidCrossEntropy.Forward<TV>(_cpu, At(logits), At(target), logits.Length, weight);
    }

    public void SigmoidCrossEntropyBackward(View logits, View target, View dlogits, float weight)
    {
        SpanOf(logits, dlogits.Length);
        SpanOf(target, dlogits.Length);
        Kernels.SigmoidCrossEntropy.Backward<TV>(_cpu, At(logits), At(target), At(dlogits), dlogits.Length, weight);
    }

    public void SumOfSquares(View x, View sum) => SpanOf(sum, 1)[0] = Kernels.SumOfSquares.Forward<TV>(_cpu, At(x), x.Length);

    public void AddScaled(float scale, View x, View y) => Map(new AddScaledOperator(scale), x, y, y);

    public void Multiply(View a, View b, View y) => Map(default(MultiplyOperator), a, b, y);

    public void Adam(in AdamStep step, View w, View g, View m, View v)
    {
        step.Validate();
        SpanOf(g, w.Length);
        SpanOf(m, w.Length);
        SpanOf(v, w.Length);
        Kernels.Adam.Run<TV>(_cpu, step, At(w), At(g), At(m), At(v), w.Length);
    }

    public void Nesterov(float learningRate, float momentum, View w, View g, View velocity)
    {
        SpanOf(g, w.Length);
        SpanOf(velocity, w.Length);
        Kernels.Nesterov.Run<TV>(_cpu, learningRate, momentum, At(w), At(g), At(velocity), w.Length);
    }

    private void Map<TOperator>(TOperator function, View left, View right, View y)
        where TOperator : unmanaged, IBinaryOperator
    {
        SpanOf(left, y.Length);
        SpanOf(right, y.Length);
        Elementwise.Run<TV, TOperator>(_cpu, function, At(left), At(right), At(y), y.Length);
    }
}
