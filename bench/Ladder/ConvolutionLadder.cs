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
    private readonly PackedFilter _kept = new();
    private readonly float* _sums;
    private readonly float* _packed;

    /// <summary>Makes the arrays.</summary>
    public ConvolutionLadder(string name, ConvMaxPool2dShape shape, int threads)
        : base(name, ConvMaxPool2dOp.Spec(shape, bias: true, LeakyRelu), threads)
    {
        _shape = shape;
        _sums = One.At(Rent(shape.Pool.XLength));
        _packed = One.At(Rent(Conv2d.PackedLength(shape.Conv, Conv2dForm.Winograd3)));
        Conv2d.Pack<TV>(One, shape.Conv, Conv2dForm.Winograd3, W, _packed);
        Add("plain loops", 1, Plain, $"{Here}PlainConvolution.cs");
        Add("blocked", 1, Blocked, $"{Here}BlockedConvolution.cs");
        Add("register tile", 1, Tiled, $"{Here}TiledConvolution.cs");
        Add("packed rows, cache chunks", 1, Product, $"{Here}ProductConvolution.cs", $"{Kernels}Product/TiledProduct.cs", $"{Kernels}Product/RegisterTile.cs");
        Add("Winograd F(3×3)", 1, WinogradThenPool, Winograd);
        Add("fused pool", 1, () => Fused(One, null), Winograd);
        Add("packed filters", 1, () => Fused(One, _packed), Winograd);
        Add("threads", threads, () => Fused(All, _packed), Winograd);
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

    private void InUse() => Backend.Run(new ConvMaxPool2dOp(_shape, XView, WView, BView, LeakyRelu, YView, null, _kept));

    // What follows the sums where the pool is a pass of its own.
    private void Pool()
    {
        MaxPool2d.Forward<TV>(One, _shape.Pool, _sums, Y);
        int plane = _shape.Pool.P * _shape.Pool.Q;
        for (int i = 0; i < _shape.YLength; i++) Y[i] += B[i / plane % _shape.Pool.C];
        Elementwise.RunLine<TV>(LeakyRelu, Y, _shape.YLength);
    }
}
