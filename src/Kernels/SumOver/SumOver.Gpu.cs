using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: a thread a sum where each has few terms, else a <see cref="GpuReduction"/> with a channel a sum. Terms are added in a fixed order with
/// compensation. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class SumOver
{
    // Where a thread a sum is as good as a group.
    private const int FewTerms = 64;

    /// <summary>Writes y.</summary>
    public static void Run(GpuContext gpu, in SumOverOp op, ArrayView<float> x, ArrayView<float>? factor, ArrayView<float> y)
    {
        int sums = op.YAxes.Length, terms = op.XAxes.Length / sums;
        TermPlaces places = new(op.XAxes, op.YAxes, op.Repeated);
        Terms body = new() { Places = places, PerSum = terms, X = x, Factor = factor ?? x, HasFactor = factor is null ? 0 : 1 };
        if (terms > FewTerms) GpuReduction.Run(gpu, body, new ScaledTotals { Result = y, Scale = op.Scale }, 1, sums, terms);
        else ForEach.Run(gpu, new Whole { Terms = body, Scale = op.Scale, Y = y }, sums);
    }

    internal struct Terms : IGpuTerms
    {
        public TermPlaces Places;
        public int PerSum;
        public ArrayView<float> X;
        public ArrayView<float> Factor;
        public int HasFactor;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            Places.Of(channel, at - channel * PerSum, out int x, out int factor);
            first.Add(HasFactor > 0 ? X[x] * Factor[factor] : X[x]);
        }
    }

    internal struct Whole : IGpuBody
    {
        public Terms Terms;
        public float Scale;
        public ArrayView<float> Y;

        public readonly void Run(int i)
        {
            CompensatedSum sum = default, none = default;
            for (int term = 0; term < Terms.PerSum; term++) Terms.Add(i * Terms.PerSum + term, i, ref sum, ref none);
            Y[i] = sum.Value * Scale;
        }
    }

    /// <summary>y = scale · x, repeated.</summary>
    internal struct Repeat : IGpuBody
    {
        public BroadcastPlaces Places;
        public ArrayView<float> X;
        public float Scale;
        public ArrayView<float> Y;

        public readonly void Run(int i)
        {
            Places.Of(i, out int x, out _);
            Y[i] = Scale * X[x];
        }
    }
}

/// <summary>Where each term of each sum lies in x and in the factor, for GPUs. Along an axis either the sums are counted or the terms.</summary>
internal readonly struct TermPlaces
{
    private readonly Divisor _sums1;
    private readonly Divisor _sums2;
    private readonly Divisor _sums3;
    private readonly Divisor _terms1;
    private readonly Divisor _terms2;
    private readonly Divisor _terms3;
    private readonly Axes _x;
    private readonly Axes _factor;

    public TermPlaces(Axes whole, Axes kept, Axes repeated)
    {
        (_sums1, _sums2, _sums3) = (new Divisor(kept.D1), new Divisor(kept.D2), new Divisor(kept.D3));
        (_terms1, _terms2, _terms3) = (new Divisor(whole.D1 / kept.D1), new Divisor(whole.D2 / kept.D2), new Divisor(whole.D3 / kept.D3));
        (_x, _factor) = (whole.Strides, repeated.Strides);
    }

    public void Of(int sum, int term, out int x, out int factor)
    {
        int i0 = _sums1.Divide(_sums2.Divide(_sums3.Divide(sum, out int i3), out int i2), out int i1);
        i0 += _terms1.Divide(_terms2.Divide(_terms3.Divide(term, out int j3), out int j2), out int j1);
        (i1, i2, i3) = (i1 + j1, i2 + j2, i3 + j3);
        x = i0 * _x.D0 + i1 * _x.D1 + i2 * _x.D2 + i3 * _x.D3;
        factor = i0 * _factor.D0 + i1 * _factor.D1 + i2 * _factor.D2 + i3 * _factor.D3;
    }
}
