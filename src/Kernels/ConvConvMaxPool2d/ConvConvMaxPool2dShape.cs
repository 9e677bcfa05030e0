namespace Engine.Kernels;

/// <summary>
/// The sizes of a convolution, <see cref="First"/>, whose result is the input of a pooled convolution, <see cref="Pooled"/>; both lie alike.
/// </summary>
public readonly record struct ConvConvMaxPool2dShape
{
    /// <summary>Checks that the first's result is the second's input.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public ConvConvMaxPool2dShape(in Conv2dShape first, in ConvMaxPool2dShape pooled)
    {
        (First, Pooled) = (first, pooled);
        Conv2dShape conv = pooled.Conv;
        Sizes.Require(
            this, (first.N, first.K, first.P, first.Q, first.Layout) == (conv.N, conv.C, conv.H, conv.W, conv.Layout),
            "the result of the first convolution is not the input of the second");
    }

    /// <summary>The sizes by their names, those of the first under <c>first</c> and the others under <c>pooled</c>.</summary>
    internal static ConvConvMaxPool2dShape From(OpSettings s) => new(Conv2dShape.From(s.Of("first")), ConvMaxPool2dShape.From(s.Of("pooled")));

    /// <summary>The first convolution.</summary>
    public Conv2dShape First { get; }

    /// <summary>The second and its pooling.</summary>
    public ConvMaxPool2dShape Pooled { get; }

    /// <summary>Floating-point operations of both; a multiplication and an addition count as two.</summary>
    public long Flops => First.Flops + Pooled.Flops;

    /// <inheritdoc/>
    public override string ToString() => $"{First}, then {Pooled}";
}
