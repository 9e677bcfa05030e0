using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Everything there is to know about one activation: its definition, its vector form (<see cref="IUnaryOperator"/>), its GPU form, and the gradient of each.
/// A gradient takes the output y rather than the input, so that the input need not be kept. Products, convolutions and pooling apply the same functions to
/// their results while these are in registers, which saves a pass that memory bandwidth would bound.
/// </summary>
internal interface IActivation : IUnaryOperator
{
    /// <summary>
    /// Whether the function never falls as x grows. Then its output tells its gradient, and the maximum of its results is its result for the maximum.
    /// </summary>
    bool NeverFalls { get; }

    /// <summary>The definition, in double precision.</summary>
    double Reference(double x);

    /// <summary>The definition of the gradient, in double precision: dx from the output y and its gradient dy.</summary>
    double ReferenceGradient(double y, double dy);

    /// <summary>dx from the output y and its gradient dy.</summary>
    TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV>;

    /// <summary>The function of one number, in a GPU kernel.</summary>
    float OnGpu(float x);

    /// <summary>dx from the output y and its gradient dy, in a GPU kernel.</summary>
    float GradientOnGpu(float y, float dy);
}

/// <summary>Something that is done with an activation whose struct is known only when it runs, see <see cref="Activation.Accept"/>.</summary>
internal interface IActivationVisitor<TResult>
{
    TResult Visit<TActivation>(TActivation activation)
        where TActivation : unmanaged, IActivation;
}

/// <summary>The result of a visitor that has none.</summary>
internal readonly struct Nothing;
