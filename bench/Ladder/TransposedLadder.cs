using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>A transposed convolution with bias and ELU whose batch is last, from plain loops to the form in use.</summary>
internal sealed unsafe class TransposedLadder<TV> : OperationLadder<TV>
    where TV : unmanaged, IVector<TV>
{
    private const string Kernels = "src/Kernels/", Here = "bench/Ladder/";

    private static readonly Activation Elu = new(ActivationKind.Elu);

    private readonly ConvTranspose2dShape _shape;

    /// <summary>Makes the arrays.</summary>
    public TransposedLadder(string name, ConvTranspose2dShape shape, int threads)
        : base(name, ConvTranspose2dOp.Spec(shape, bias: true, Elu), threads)
    {
        _shape = shape;
        string product = $"{Kernels}BatchLast/BatchLastProduct.cs", taps = $"{Kernels}Conv2d/TapAxis.cs";
        bool isWinograd = BatchLastWinograd.Suits(shape);
        string[] tiles = isWinograd
            ? [$"{Kernels}BatchLast/BatchLastWinograd.cs", $"{Kernels}BatchLast/TileTransform.cs", $"{Kernels}Conv2d/Winograd/IWinograd.cs"]
            : [];
        Add("plain loops", 1, Plain, $"{Here}PlainTransposed.cs");
        Add("phases", 1, Phased<V1>, $"{Here}PhasedTransposed.cs");
        Add("samples in the lanes", 1, Phased<TV>, $"{Here}PhasedTransposed.cs");
        Add("register tile", 1, () => BatchLastProduct.Run<TV>(One, _shape, X, W, B, Elu, Y), product, taps);
        Add("threads", threads, () => BatchLastProduct.Run<TV>(All, _shape, X, W, B, Elu, Y), product, taps);
        if (isWinograd) Add("Winograd's tiles", threads, () => BatchLastWinograd.Run<TV>(All, _shape, X, W, B, Elu, Y), [.. tiles, product, taps]);
        Add(
            "in use", threads, () => Backend.Run(new ConvTranspose2dOp(_shape, XView, WView, BView, Elu, YView)),
            [$"{Kernels}ConvTranspose2d/ConvTranspose2dOp.cs", $"{Kernels}ConvTranspose2d/ConvTranspose2d.Cpu.cs", .. tiles, product, taps]);
    }

    private void Plain()
    {
        PlainTransposed.Run(_shape, X, W, B, Y);
        Elementwise.RunLine<TV>(Elu, Y, _shape.YLength);
    }

    private void Phased<TLanes>()
        where TLanes : unmanaged, IVector<TLanes>
    {
        PhasedTransposed.Run<TLanes>(_shape, X, W, B, Y);
        Elementwise.RunLine<TV>(Elu, Y, _shape.YLength);
    }
}
