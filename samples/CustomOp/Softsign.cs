using System.Runtime.CompilerServices;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Tensors;
using ILGPU;

namespace Engine.CustomOp;

/// <summary>
/// y = x / (1 + |x|), an operation that the engine does not have. The struct holds the operands, names them, says how to compute the result in each of three
/// ways, and how a gradient goes back. Overwrites y, which may be x.
/// </summary>
public readonly record struct SoftsignOp(View X, View Y) : IDifferentiableOp
{
    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), y = host.At(Y);
        for (int i = 0; i < y.Length; i++) y[i] = (float)(x[i] / (1 + Math.Abs((double)x[i])));
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, Function>(default, X, Y);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new Body { X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new SoftsignBackwardOp(X, gradients.Dy, gradients.Of(0)));

    /// <summary>The function in vectors of any width.</summary>
    private readonly struct Function : IUnaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV x)
            where TV : unmanaged, IVector<TV> => x / (TV.Broadcast(1) + TV.Max(x, TV.Zero - x));
    }

    /// <summary>What a thread of a GPU does.</summary>
    public struct Body : IGpuBody
    {
        internal ArrayView<float> X;
        internal ArrayView<float> Y;

        /// <inheritdoc/>
        public readonly void Run(int i) => Y[i] = X[i] / (1 + (X[i] < 0 ? -X[i] : X[i]));
    }
}

/// <summary>dx = dy / (1 + |x|)². Overwrites dx, which may be either input.</summary>
public readonly record struct SoftsignBackwardOp(View X, View Dy, View Dx) : IOp
{
    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Dx.Length);
        list.In("dy", Dy, Dx.Length);
        list.Out("dx", Dx, Dx.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), dy = host.At(Dy), dx = host.At(Dx);
        for (int i = 0; i < dx.Length; i++) dx[i] = (float)(dy[i] / Math.Pow(1 + Math.Abs((double)x[i]), 2));
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, Function>(default, X, Dy, Dx);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new Body { X = gpu.At(X), Dy = gpu.At(Dy), Dx = gpu.At(Dx) }, Dx.Length);

    /// <summary>The gradient in vectors of any width.</summary>
    private readonly struct Function : IBinaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV>
        {
            TV root = TV.Broadcast(1) + TV.Max(left, TV.Zero - left);
            return right / (root * root);
        }
    }

    /// <summary>What a thread of a GPU does.</summary>
    public struct Body : IGpuBody
    {
        internal ArrayView<float> X;
        internal ArrayView<float> Dy;
        internal ArrayView<float> Dx;

        /// <inheritdoc/>
        public readonly void Run(int i)
        {
            float root = 1 + (X[i] < 0 ? -X[i] : X[i]);
            Dx[i] = Dy[i] / (root * root);
        }
    }
}

/// <summary>The operation on tensors.</summary>
public static class SoftsignExtensions
{
    /// <summary>x / (1 + |x|), element by element; the result is shaped as x.</summary>
    public static Tensor Softsign(this Tensor x)
    {
        OpResult<SoftsignOp> y = x.Begin<SoftsignOp>(x.Shape);
        return y.Run(new SoftsignOp(x.View, y.View), x);
    }
}
