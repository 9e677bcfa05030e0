using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form. If the windows are the tiles of <see cref="Conv2d.ForwardWinograd"/>, everything is done there. If they match the tiles in width only, as for
/// whole songs, rows are pooled there and columns here. Otherwise the convolution is written to memory and pooled; then one more pass over each plane finds
/// where the maxima lie (by searching again, as the gradient of <see cref="MaxPool2d"/> does) and applies bias and activation. The convolution's compute bounds
/// it.
/// </content>
internal static unsafe partial class ConvMaxPool2d
{
    /// <summary>What the convolution itself pools.</summary>
    public static WinogradPool ChooseForm(in ConvMaxPool2dShape shape, bool argmax)
    {
        MaxPool2dShape pool = shape.Pool;
        if (!Conv2d.SuitsWinograd(shape.Conv) || pool is not { R: 3, S: 3, StrideW: 3, DilationW: 1 }) return WinogradPool.None;
        if (shape.Conv.DilationH == 1 && pool is { StrideH: 3, DilationH: 1 }) return WinogradPool.Tiles;
        return argmax ? WinogradPool.None : WinogradPool.Rows;
    }

    /// <summary>
    /// The form of the convolution. Winograd's tiles of 4×4 are pooled in a pass of their own, and do not tell where the maxima lie, so they must save a tenth
    /// of the products.
    /// </summary>
    public static Conv2dForm ConvolutionForm(in ConvMaxPool2dShape shape, bool argmax)
    {
        WinogradPool form = ChooseForm(shape, argmax);
        if (form == WinogradPool.None) return Conv2d.ChooseForm(shape.Conv);
        int p = form == WinogradPool.Tiles ? 3 * shape.Pool.P : shape.Conv.P, q = 3 * shape.Pool.Q, dilation = shape.Conv.DilationH;
        bool four = 10 * Conv2d.WinogradProducts(p, q, dilation, 4) <= 9 * Conv2d.WinogradProducts(p, q, dilation, 3);
        return four && !argmax ? Conv2dForm.Winograd4 : Conv2dForm.Winograd3;
    }

    /// <summary>Whether <see cref="Forward"/> can compute its input, the result of a convolution, itself.</summary>
    public static bool CanFollow(in Conv2dShape before, in ConvMaxPool2dShape shape) =>
        ChooseForm(shape, argmax: false) != WinogradPool.None && Conv2d.CanFollow(before, shape.Conv);

    /// <summary>The number of floats that the forward needs for sums.</summary>
    public static int SumsLength(in ConvMaxPool2dShape shape, bool argmax) => ChooseForm(shape, argmax) switch
    {
        WinogradPool.Tiles => 0,
        WinogradPool.Rows => shape.Pool.XLength / shape.Pool.W * shape.Pool.Q,
        _ => shape.Pool.XLength,
    };

    /// <summary>
    /// Overwrites y and, unless it is null, argmax; <paramref name="b"/> may be null. <paramref name="sums"/> is memory for the convolution's result, of <see
    /// cref="SumsLength"/> floats. <paramref name="packed"/> is the result of <see cref="Conv2d.Pack"/>, or null. With <paramref name="before"/>, x is the
    /// result of that convolution and is not stored; see <see cref="CanFollow"/>.
    /// </summary>
    public static void Forward<TV>(
        CpuContext cpu, in ConvMaxPool2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* argmax, float* sums,
        float* packed, in Conv2d.OneChannel before = default)
        where TV : unmanaged, IVector<TV>
    {
        MaxPool2dShape pool = shape.Pool;
        bool four = ConvolutionForm(shape, argmax is not null) == Conv2dForm.Winograd4;
        switch (ChooseForm(shape, argmax is not null))
        {
            case WinogradPool.Tiles:
                if (four) Conv2d.ForwardWinograd<TV, WinogradOf4>(cpu, shape.Conv, x, w, b, activation, y, packed, WinogradPool.Tiles, null, before);
                else Conv2d.ForwardWinograd<TV, WinogradOf3>(cpu, shape.Conv, x, w, b, activation, y, packed, WinogradPool.Tiles, argmax, before);
                return;
            case WinogradPool.Rows:
                if (four) Conv2d.ForwardWinograd<TV, WinogradOf4>(cpu, shape.Conv, x, w, null, Activation.None, sums, packed, WinogradPool.Rows, null, before);
                else Conv2d.ForwardWinograd<TV, WinogradOf3>(cpu, shape.Conv, x, w, null, Activation.None, sums, packed, WinogradPool.Rows, null, before);
                if (shape.Conv.Layout == BatchLayout.ChannelsLast)
                {
                    Arguments rows = new() { Pool = pool, Sums = sums, Bias = b, Activation = activation, Y = y };
                    cpu.Run(pool.N * pool.P, &PoolRow<TV>, ref rows);
                    return;
                }

                pool = new MaxPool2dShape(pool.N, pool.C, pool.H, pool.Q, pool.R, 1, pool.StrideH, 1, pool.DilationH);
                break;
            default:
                if (shape.Conv.Layout == BatchLayout.ChannelsLast)
                {
                    ForwardTurned<TV>(cpu, shape, x, w, b, activation, y, argmax, sums);
                    return;
                }

                Conv2d.Forward<TV>(cpu, shape.Conv, x, w, null, Activation.None, sums, packed);
                break;
        }

        MaxPool2d.Forward<TV>(cpu, pool, sums, y);
        Arguments arguments = new() { Pool = pool, Sums = sums, Bias = b, Activation = activation, Y = y, Argmax = argmax };
        cpu.Run(pool.N * pool.C, &FinishPlane<TV>, ref arguments);
    }

    private static void ForwardTurned<TV>(
        CpuContext cpu, in ConvMaxPool2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* argmax, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape conv = shape.Conv;
        int pixels = shape.Pool.P * shape.Pool.Q;
        using HostBuffer input = Transpose.ToBatchFirst(cpu, conv.N, conv.C, conv.H * conv.W, x);
        using HostBuffer output = cpu.Memory.Rent(shape.YLength), places = cpu.Memory.Rent(argmax is null ? 0 : shape.YLength);
        float* where = argmax is null ? null : places.Pointer;
        Forward<TV>(cpu, shape.In(BatchLayout.First), input.Pointer, w, b, activation, output.Pointer, where, sums, null);
        Transpose.ToChannelsLast(cpu, conv.N, conv.K, pixels, output.Pointer, y);
        if (argmax is not null) Transpose.ToChannelsLast(cpu, conv.N, conv.K, pixels, where, argmax);
    }

    // One task is one output row, with its channels last: the maxima of the rows of its windows, whose columns are pooled.
    private static void PoolRow<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV> => arguments.Activation.Accept<RowTask<TV>, Nothing>(new RowTask<TV>(ref arguments, task));

    private static void PoolRow<TV, TOperator>(in Arguments arguments, TOperator activation, int task)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        ref readonly MaxPool2dShape pool = ref arguments.Pool;
        int n = task / pool.P, p = task % pool.P, length = pool.Q * pool.C;
        float* top = arguments.Sums + ((long)n * pool.H + p * pool.StrideH) * length, y = arguments.Y + (long)task * length;
        long step = (long)pool.DilationH * length;
        for (int q = 0; q < pool.Q; q++)
        for (int c = 0; c < pool.C; c += TV.Width, top += TV.Width, y += TV.Width)
        {
            TV max = TV.Load(top);
            for (int r = 1; r < pool.R; r++) max = TV.Max(TV.Load(top + r * step), max);
            TV.Store(activation.Apply(arguments.Bias is null ? max : max + TV.Load(arguments.Bias + c)), y);
        }
    }

    private static void FinishPlane<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        MaxPool2dShape pool = arguments.Pool;
        int length = pool.P * pool.Q;
        float* y = arguments.Y + (long)task * length;
        if (arguments.Argmax is not null)
        {
            float* sums = arguments.Sums + (long)task * pool.H * pool.W, argmax = arguments.Argmax + (long)task * length;
            for (int i = 0; i < length; i++)
            {
                int corner = i / pool.Q * pool.StrideH * pool.W + i % pool.Q * pool.StrideW;
                argmax[i] = FirstEqual(pool, sums + corner, y[i]);
            }
        }

        float bias = arguments.Bias is null ? 0 : arguments.Bias[task % pool.C];
        arguments.Activation.Accept<PlaneEnd<TV>, Nothing>(new PlaneEnd<TV>(bias, y, length));
    }

    private static void Finish<TV, TOperator>(TOperator activation, float bias, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator
    {
        int i = 0;
        for (; i <= length - TV.Width; i += TV.Width) TV.Store(activation.Apply(TV.Load(y + i) + TV.Broadcast(bias)), y + i);
        for (; i < length; i++) V1.Store(activation.Apply(V1.Broadcast(y[i] + bias)), y + i);
    }

    // Goes backwards over all entries without branches, which would be mispredicted in every window. No entry exceeds max, so ≥ means =.
    private static int FirstEqual(in MaxPool2dShape pool, float* corner, float max)
    {
        int found = 0;
        for (int r = pool.R - 1, at = pool.R * pool.S - 1; r >= 0; r--)
        for (int s = pool.S - 1; s >= 0; s--, at--)
        {
            int equal = corner[(long)r * pool.DilationH * pool.W + s * pool.DilationW] >= max ? 1 : 0;
            found ^= (found ^ at) & -equal;
        }

        return found;
    }

    private readonly ref struct RowTask<TV>(ref Arguments arguments, int task) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref Arguments _arguments = ref arguments;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            PoolRow<TV, TActivation>(_arguments, activation, task);
            return default;
        }
    }

    private readonly struct PlaneEnd<TV>(float bias, float* y, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            Finish<TV, TActivation>(activation, bias, y, length);
            return default;
        }
    }

    private struct Arguments
    {
        public MaxPool2dShape Pool;
        public float* Sums;
        public float* Bias;
        public Activation Activation;
        public float* Y;
        public float* Argmax;
    }
}
