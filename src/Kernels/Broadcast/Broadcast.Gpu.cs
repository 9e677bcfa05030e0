using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: a thread an element of the whole, which finds its place in both arrays. Memory bandwidth bounds it.</content>
internal static partial class Broadcast
{
    /// <summary>y = a + scale·b.</summary>
    internal struct Sum : IGpuBody
    {
        public BroadcastPlaces Places;
        public ArrayView<float> A;
        public ArrayView<float> B;
        public float Scale;
        public ArrayView<float> Y;

        public readonly void Run(int i)
        {
            Places.Of(i, out int a, out int b);
            Y[i] = A[a] + Scale * B[b];
        }
    }

    /// <summary>y = scale·a·b.</summary>
    internal struct Product : IGpuBody
    {
        public BroadcastPlaces Places;
        public ArrayView<float> A;
        public ArrayView<float> B;
        public float Scale;
        public ArrayView<float> Y;

        public readonly void Run(int i)
        {
            Places.Of(i, out int a, out int b);
            Y[i] = Scale * A[a] * B[b];
        }
    }
}

/// <summary>Where each element of the whole lies in both arrays, for GPUs.</summary>
internal readonly struct BroadcastPlaces
{
    private readonly Divisor _d1;
    private readonly Divisor _d2;
    private readonly Divisor _d3;
    private readonly Axes _a;
    private readonly Axes _b;

    public BroadcastPlaces(BroadcastShape shape)
    {
        (_d1, _d2, _d3) = (new Divisor(shape.Whole.D1), new Divisor(shape.Whole.D2), new Divisor(shape.Whole.D3));
        (_a, _b) = (shape.A.Strides, shape.B.Strides);
    }

    public void Of(int i, out int a, out int b)
    {
        int i0 = _d1.Divide(_d2.Divide(_d3.Divide(i, out int i3), out int i2), out int i1);
        a = i0 * _a.D0 + i1 * _a.D1 + i2 * _a.D2 + i3 * _a.D3;
        b = i0 * _b.D0 + i1 * _b.D1 + i2 * _b.D2 + i3 * _b.D3;
    }
}
