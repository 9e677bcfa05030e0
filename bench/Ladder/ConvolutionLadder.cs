using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>A 3×3 convolution with max-pooling 3×3, bias and leaky ReLU, from plain loops to the form in use. Winograd's form must suit the shape.</summary>
internal sealed unsafe class ConvolutionLadder<TV> : OperationLadder<TV>
    where TV : unmanaged, IVector<TV>
{
    private const string Kernels = "src/Kernels/", Here = "bench/Ladder/";

    private static readonly Activation LeakyRelu = new(ActivationKind.LeakyRelu, 0.01f);
    private static readonly string[] Winograd =
    [
        $"{Kernels}Conv2d/Winograd/Conv2d.Winograd.Cpu.cs", $"{Kernels}Conv2d/Winograd/IWinograd.cs", $"{Kernels}Product/ChannelTile.cs",
    ];

    private readonly ConvMaxPool2dShape _shape;
    private readonly ConvMaxPool2dShape _turned;
    private readonly PackedFilter _kept = new();
    private readonly float* _sums;
    private readonly float* _packed3;
    private readonly float* _packed4;

    // The input and the output with their channels last.
    private readonly View _turnedX;
    private readonly View _turnedY;
    private bool _wroteTurned;

    /// <summary>Makes the arrays.</summary>
    public ConvolutionLadder(string name, ConvMaxPool2dShape shape, int threads)
        : base(name, ConvMaxPool2dOp.Spec(shape, bias: true, LeakyRelu), threads)
    {
        _shape = shape;
        _sums = One.At(Rent(shape.Pool.XLength));
        _packed3 = One.At(Rent(Conv2d.PackedLength(shape.Conv, Conv2dForm.Winograd3)));
        _packed4 = One.At(Rent(Conv2d.PackedLength(shape.Conv, Conv2dForm.Winograd4)));
        Conv2d.Pack<TV>(One, shape.Conv, Conv2dForm.Winograd3, W, _packed3);
        Conv2d.Pack<TV>(One, shape.Conv, Conv2dForm.Winograd4, W, _packed4);
        _turned = shape.In(BatchLayout.ChannelsLast);
        (_turnedX, _turnedY) = (Rent(shape.XLength), Rent(shape.YLength));
        Transpose.ToChannelsLast(One, shape.Conv.N, shape.Conv.C, shape.Conv.H * shape.Conv.W, X, One.At(_turnedX));
        Add("plain loops", 1, Plain, $"{Here}PlainConvolution.cs");
        Add("blocked", 1, Blocked, $"{Here}BlockedConvolution.cs");
        Add("register tile", 1, Tiled, $"{Here}TiledConvolution.cs");
        Add("packed rows, cache chunks", 1, Product, $"{Here}ProductConvolution.cs", $"{Kernels}Product/TiledProduct.cs", $"{Kernels}Product/RegisterTile.cs");
        Add("Winograd F(3×3)", 1, WinogradThenPool, Winograd);
        Add("fused pool", 1, () => Fused(One, null), Winograd);
        Add("packed filters", 1, () => Fused(One, _packed3), Winograd);
        Add("channels last", 1, ChannelsLast, Winograd);
        Add("Winograd F(4×4)", 1, () => Larger(One), Winograd);
        Add("threads", threads, () => Larger(All), Winograd);
        Add("in use", threads, InUse, [$"{Kernels}ConvMaxPool2d/ConvMaxPool2dOp.cs", $"{Kernels}ConvMaxPool2d/ConvMaxPool2d.Cpu.cs", .. Winograd]);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _kept.Dispose();
        base.Dispose();
    }

    private void Plain()
    {
        PlainConvolution.Run(_shape.Conv, X, W, _sums);
        Pool();
    }

    private void Blocked()
    {
        BlockedConvolution.Run(_shape.Conv, X, W, _sums);
        Pool();
    }

    private void Tiled()
    {
        TiledConvolution.Run<TV>(_shape.Conv, X, W, _sums);
        Pool();
    }

    private void Product()
    {
        ProductConvolution.Run<TV>(One, _shape.Conv, X, W, _sums);
        Pool();
    }

    private void WinogradThenPool()
    {
        Conv2d.ForwardWinograd<TV, WinogradOf3>(One, _shape.Conv, X, W, null, Activation.None, _sums, null);
        Pool();
    }

    private void Fused(CpuContext cpu, float* packed) =>
        Conv2d.ForwardWinograd<TV, WinogradOf3>(cpu, _shape.Conv, X, W, B, LeakyRelu, Y, packed, WinogradPool.Tiles);

    private void ChannelsLast()
    {
        Conv2d.ForwardWinograd<TV, WinogradOf3>(
            One, _turned.Conv, One.At(_turnedX), W, B, LeakyRelu, One.At(_turnedY), _packed3, WinogradPool.Tiles);
        _wroteTurned = true;
    }

    private void Larger(CpuContext cpu)
    {
        Conv2d.ForwardWinograd<TV, WinogradOf4>(
            cpu, _turned.Conv, cpu.At(_turnedX), W, B, LeakyRelu, cpu.At(_turnedY), _packed4, WinogradPool.Tiles);
        _wroteTurned = true;
    }

    private void InUse()
    {
        Backend.Run(new ConvMaxPool2dOp(_turned, _turnedX, WView, BView, LeakyRelu, _turnedY, null, _kept));
        _wroteTurned = true;
    }

    private protected override void Write(float[] y)
    {
        base.Write(y);
        Backend.Upload(y, _turnedY);
        _wroteTurned = false;
    }

    private protected override void Read(float[] y)
    {
        MaxPool2dShape pool = _shape.Pool;
        if (_wroteTurned) Transpose.Forward(One, new TransposeShape(pool.P * pool.Q, pool.C, pool.N), One.At(_turnedY), Y);
        base.Read(y);
    }

    // The pass after the sums, for rungs that do not fuse the pool.
    private void Pool()
    {
        MaxPool2d.Forward<TV>(One, _shape.Pool, _sums, Y);
        int plane = _shape.Pool.P * _shape.Pool.Q;
        for (int i = 0; i < _shape.YLength; i++) Y[i] += B[i / plane % _shape.Pool.C];
        Elementwise.RunLine<TV>(LeakyRelu, Y, _shape.YLength);
    }
}
