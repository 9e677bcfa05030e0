namespace Engine.Kernels.Tests;

/// <summary>What is made of a convolution's filters, kept from call to call.</summary>
public class PackedFilterTests
{
    // The same filters in tiles of 3×3, of 4×4 and without.
    private static readonly Conv2dShape[] Forms = [new(1, 16, 11, 17, 32, 3, 3), new(1, 16, 14, 18, 32, 3, 3), new(1, 16, 5, 6, 32, 3, 3)];

    private static readonly ConvMaxPool2dShape Pooled = new(Forms[1], 3, 3, 3, 3);

    [Fact]
    public void TheSameFiltersTakeAllForms()
    {
        Assert.Equal([Conv2dForm.Winograd3, Conv2dForm.Winograd4, Conv2dForm.General], Forms.Select(shape => Conv2d.ChooseForm(shape)));
        Assert.Equal(Conv2dForm.Winograd4, ConvMaxPool2d.ConvolutionForm(Pooled, argmax: false));
        Assert.Equal(Conv2dForm.Winograd3, ConvMaxPool2d.ConvolutionForm(Pooled, argmax: true));
    }

    [Theory, EveryDevice]
    public void ChangesNoBit(Device device)
    {
        using IBackend backend = device.Open();
        Conv2dShape[] shapes = [.. Ops.Winograd, .. Ops.WholeWidth, .. Ops.BatchLastWinograd, .. Ops.FewChannels, .. Forms];
        foreach (Conv2dShape shape in shapes)
        {
            using PackedFilter packed = new();
            AssertSameBits(backend, Ops.Conv2d(shape), Convolution(shape, packed));
        }

        foreach (ConvMaxPool2dShape shape in Ops.PooledConvolutions)
        {
            using PackedFilter packed = new();
            AssertSameBits(backend, Ops.ConvMaxPool2d(shape), Pooling(shape, packed));
        }
    }

    /// <summary>One place serves shapes that want the filters in different forms.</summary>
    [Theory, EveryDevice]
    public void IsFilledAnewForAnotherForm(Device device)
    {
        using IBackend backend = device.Open();
        using PackedFilter packed = new();
        Conv2dShape wide = Ops.WholeWidth[1];
        Conv2dShape[] shapes = [.. Forms, wide, wide.In(BatchLayout.ChannelsLast), wide, .. Forms];
        foreach (Conv2dShape shape in shapes) AssertSameBits(backend, Ops.Conv2d(shape), Convolution(shape, packed));
        AssertSameBits(backend, Ops.ConvMaxPool2d(Pooled), Pooling(Pooled, packed));
    }

    /// <summary>Other filters do not show until the owner says so: the first are really kept.</summary>
    [Theory, EveryWidth]
    public void HoldsUntilItIsEmptied(Device device)
    {
        using IBackend backend = device.Open();
        foreach (Conv2dShape shape in (Conv2dShape[])[Ops.Winograd[0], Ops.Winograd[2], Ops.WholeWidth[1]])
        {
            using PackedFilter packed = new();
            OpCase op = Convolution(shape, packed);
            float[][] inputs = op.RandomInputs(), others = [inputs[0], [.. inputs[1].Select(weight => 1 - weight)]];
            float[] first = op.Run(backend, inputs), second = Ops.Conv2d(shape).Run(backend, others);
            Assert.NotEqual(first, second);
            Compare.SameBits(first, op.Run(backend, others), $"kept: {op} on {backend.Name}");
            packed.Dispose();
            Compare.SameBits(second, op.Run(backend, others), $"emptied: {op} on {backend.Name}");
        }
    }

    [Fact]
    public void AllocatesNothingOnceFilledAndGivesItsMemoryBack()
    {
        using CpuBackend<Simd.V128> backend = new(threads: 1);
        foreach (Conv2dShape shape in (Conv2dShape[])[Ops.Winograd[0], Ops.Winograd[2], Ops.WholeWidth[1]])
        {
            using DeviceBuffer x = backend.Allocate(shape.XLength), w = backend.Allocate(shape.WLength), y = backend.Allocate(shape.YLength);
            int before = backend.Memory.Outstanding;
            using PackedFilter packed = new();
            for (int i = 0; i < 2; i++) backend.Run(new Conv2dOp(shape, x.All, w.All, null, Activation.None, y.All, packed));
            long native = backend.Memory.BytesAllocated, managed = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++) backend.Run(new Conv2dOp(shape, x.All, w.All, null, Activation.None, y.All, packed));
            Assert.Equal(managed, GC.GetAllocatedBytesForCurrentThread());
            Assert.Equal((native, before + 1), (backend.Memory.BytesAllocated, backend.Memory.Outstanding));
            packed.Dispose();
            Assert.Equal(before, backend.Memory.Outstanding);
        }
    }

    // When it is filled, and when it is full.
    private static void AssertSameBits(IBackend backend, OpCase plain, OpCase packed)
    {
        float[][] inputs = plain.RandomInputs();
        inputs[1] = [.. Enumerable.Range(0, inputs[1].Length).Select(i => MathF.Sin(i))];
        float[] expected = plain.Run(backend, inputs);
        for (int i = 0; i < 2; i++) Compare.SameBits(expected, packed.Run(backend, inputs), $"{plain} on {backend.Name}");
    }

    private static OpCase Convolution(Conv2dShape shape, PackedFilter packed) =>
        new(Conv2dOp.Spec(shape, packed: true)) { Packed = packed };

    private static OpCase Pooling(ConvMaxPool2dShape shape, PackedFilter packed) =>
        new(ConvMaxPool2dOp.Spec(shape, packed: true)) { Packed = packed };
}
