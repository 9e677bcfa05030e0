using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: forward takes one thread for each output, which can also report where the maximum lies in its window. Backward finds that place again; then
/// one thread for each input looks at all windows that contain the input and adds the gradients of those whose maximum it is. So windows may overlap, and no
/// atomic addition is needed. A NaN in a window makes the output NaN, and the gradient then goes to the window's first element. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class MaxPool2d
{
    /// <summary>Writes y.</summary>
    public static void Forward(GpuContext gpu, in MaxPool2dShape shape, ArrayView<float> x, ArrayView<float> y) =>
        FindMaxima(gpu, shape, x, null, Activation.None, y, null);

    /// <summary>Writes dx.</summary>
    public static void Backward(GpuContext gpu, in MaxPool2dShape shape, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dx)
    {
        using GpuBuffer y = gpu.Memory.Rent(shape.YLength), argmax = gpu.Memory.Rent(shape.YLength);
        FindMaxima(gpu, shape, x, null, Activation.None, y.Floats, argmax.Floats);
        Spread(gpu, shape, argmax.Floats, dy, dx);
    }

    /// <summary>
    /// y = activation(maximum + b[channel]) and, unless it is null, argmax, the place of the first maximum in the window: row · S + column. Writes both. x is
    /// N×C×H×W; y and argmax lie as <paramref name="layout"/> says.
    /// </summary>
    public static void FindMaxima(
        GpuContext gpu, in MaxPool2dShape shape, ArrayView<float> x, ArrayView<float>? b, Activation activation, ArrayView<float> y,
        ArrayView<float>? argmax, BatchLayout layout = BatchLayout.First) =>
        ForEach.Run(
            gpu,
            new Maxima
            {
                Strides = MapStrides.Of(layout, shape.N, shape.C, shape.P * shape.Q), Q = shape.Q,
                Windows = new Windows(shape), X = x, Bias = b ?? x, HasBias = b is null ? 0 : 1, C = new Divisor(shape.C), Activation = activation, Y = y,
                Argmax = argmax ?? y, HasArgmax = argmax is null ? 0 : 1,
            },
            shape.YLength);

    /// <summary>Writes dx, the sum of dy over the windows whose argmax points to the input.</summary>
    public static void Spread(GpuContext gpu, in MaxPool2dShape shape, ArrayView<float> argmax, ArrayView<float> dy, ArrayView<float> dx) =>
        ForEach.Run(gpu, new Gradient { Windows = new Windows(shape), Argmax = argmax, Dy = dy, Dx = dx }, shape.XLength);

    /// <summary>The shape in the form that threads need.</summary>
    internal readonly struct Windows(in MaxPool2dShape shape)
    {
        public readonly Divisor H = new(shape.H);
        public readonly Divisor W = new(shape.W);
        public readonly Divisor P = new(shape.P);
        public readonly Divisor Q = new(shape.Q);
        public readonly int R = shape.R;
        public readonly int S = shape.S;
        public readonly int StrideH = shape.StrideH;
        public readonly int StrideW = shape.StrideW;
        public readonly int DilationH = shape.DilationH;
        public readonly int DilationW = shape.DilationW;
    }

    internal struct Maxima : IGpuBody
    {
        public Windows Windows;
        public MapStrides Strides;
        public int Q;
        public ArrayView<float> X;
        public ArrayView<float> Bias;
        public int HasBias;
        public Divisor C;
        public Activation Activation;
        public ArrayView<float> Y;
        public ArrayView<float> Argmax;
        public int HasArgmax;

        public readonly void Run(int i)
        {
            int plane = Windows.P.Divide(Windows.Q.Divide(i, out int q), out int p);
            int start = (plane * Windows.H.Value + p * Windows.StrideH) * Windows.W.Value + q * Windows.StrideW, first = 0;
            float max = X[start];
            for (int r = 0; r < Windows.R; r++)
            for (int s = 0; s < Windows.S; s++)
            {
                float value = X[start + r * Windows.DilationH * Windows.W.Value + s * Windows.DilationW];
                if (GpuMath.IsNaN(max) || (value <= max && !GpuMath.IsNaN(value))) continue;
                max = value;
                first = r * Windows.S + s;
            }

            int n = C.Divide(plane, out int c), at = Strides.At(n, c, p * Q + q);
            if (HasArgmax != 0) Argmax[at] = GpuMath.IsNaN(max) ? 0 : first;
            Y[at] = GpuActivation.Value(Activation, HasBias != 0 ? max + Bias[c] : max);
        }
    }

    internal struct Gradient : IGpuBody
    {
        public Windows Windows;
        public ArrayView<float> Argmax;
        public ArrayView<float> Dy;
        public ArrayView<float> Dx;

        public readonly void Run(int i)
        {
            int plane = Windows.H.Divide(Windows.W.Divide(i, out int column), out int row);
            float sum = 0;
            for (int r = 0; r < Windows.R; r++)
            for (int s = 0; s < Windows.S; s++)
            {
                // The window in which this input is element (r, s).
                int top = row - r * Windows.DilationH, left = column - s * Windows.DilationW;
                if (top < 0 || left < 0) continue;
                int p = top / Windows.StrideH, q = left / Windows.StrideW;
                if (p * Windows.StrideH != top || q * Windows.StrideW != left || p >= Windows.P.Value || q >= Windows.Q.Value) continue;
                int window = (plane * Windows.P.Value + p) * Windows.Q.Value + q;
                if ((int)Argmax[window] == r * Windows.S + s) sum += Dy[window];
            }

            Dx[i] = sum;
        }
    }
}
