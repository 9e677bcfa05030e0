using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form. If the first convolution has one channel and the maps lie N H W C, each band of <see cref="Conv2d.ForwardWinograd"/> computes the rows that it
/// needs of the first convolution, and reads them while they are in the second-level cache; the rows that two bands share are computed twice. Otherwise the two
/// run one after the other. Compute bounds it.
/// </content>
internal static unsafe partial class ConvConvMaxPool2d
{
    /// <summary>Overwrites y. Both biases may be null; <paramref name="packed"/> holds the second convolution's filters, or is null.</summary>
    public static void Forward<TV>(
        CpuContext cpu, in ConvConvMaxPool2dShape shape, float* x, float* firstW, float* firstB, Activation firstActivation, float* w, float* b,
        Activation activation, float* y, PackedFilter? packed)
        where TV : unmanaged, IVector<TV>
    {
        ConvMaxPool2dShape pooled = shape.Pooled;
        bool isFused = ConvMaxPool2d.CanFollow(shape.First, pooled);
        using HostBuffer between = cpu.Memory.Rent(isFused ? 0 : shape.First.YLength), sums = cpu.Memory.Rent(ConvMaxPool2d.SumsLength(pooled, false));
        if (!isFused) Conv2d.Forward<TV>(cpu, shape.First, x, firstW, firstB, firstActivation, between.Pointer);
        float* kept = Conv2d.Keep<TV>(cpu, pooled.Conv, ConvMaxPool2d.ConvolutionForm(pooled, argmax: false), w, packed);
        Conv2d.OneChannel before = isFused ? new() { Shape = shape.First, X = x, W = firstW, B = firstB, Activation = firstActivation } : default;
        ConvMaxPool2d.Forward<TV>(cpu, pooled, between.Pointer, w, b, activation, y, null, sums.Pointer, kept, before);
    }
}
