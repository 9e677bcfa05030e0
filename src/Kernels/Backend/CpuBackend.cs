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

    public void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Conv2d.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), At(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.ConvTranspose2d.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), At(shape, b, shape.K, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y) =>
        Kernels.Dense.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, w, shape.WLength, nameof(w)), At(shape, b, shape.Out, nameof(b)),
            activation, At(shape, y, shape.YLength, nameof(y)));

    public void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, View y) =>
        BatchNorm.Infer<TV>(
            _cpu, shape, At(shape, x, shape.Length, nameof(x)), At(shape, mean, shape.C, nameof(mean)),
            At(shape, inverseStd, shape.C, nameof(inverseStd)), At(shape, gamma, shape.C, nameof(gamma)), At(shape, beta, shape.C, nameof(beta)),
            At(shape, y, shape.Length, nameof(y)));

    public void Activate(Activation activation, View x, View y)
    {
        switch (activation.Kind)
        {
            case ActivationKind.LeakyRelu: Map(new LeakyReluOperator(activation.Slope), x, y); break;
            case ActivationKind.Elu: Map(default(EluOperator), x, y); break;
            case ActivationKind.Sigmoid: Map(default(SigmoidOperator), x, y); break;
            default: Map(default(IdentityOperator), x, y); break;
        }
    }

    public void MaxPool2d(in MaxPool2dShape shape, View x, View y) =>
        Kernels.MaxPool2d.Forward<TV>(_cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, y, shape.YLength, nameof(y)));

    public void Crop2d(in Crop2dShape shape, View x, View y) =>
        Kernels.Crop2d.Forward(shape, SpanOf(shape, x, shape.XLength, nameof(x)), SpanOf(shape, y, shape.YLength, nameof(y)));

    public void RealFft(in RealFftShape shape, View x, View window, View y) =>
        Kernels.RealFft.Forward<TV>(
            _cpu, shape, At(shape, x, shape.XLength, nameof(x)), At(shape, window, shape.Size, nameof(window)),
            At(shape, y, shape.YLength, nameof(y)));

    public void Magnitude(View x, View y)
    {
        SpanOf(x, checked(2 * y.Length));
        Kernels.Magnitude.Forward(_cpu, At(x), At(y), y.Length);
    }

    public void LogFloor(float floor, View x, View y) => Map(new LogFloorOperator(floor), x, y);

    private void Map<TOperator>(TOperator function, View x, View y)
        where TOperator : unmanaged, IUnaryOperator
    {
        SpanOf(x, y.Length);
        Elementwise.Run<TV, TOperator>(_cpu, function, At(x), At(y), y.Length);
    }
}
