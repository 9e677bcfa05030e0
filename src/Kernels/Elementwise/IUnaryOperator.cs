using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>A pointwise function, written once for every vector width; the same struct serves the plain kernel and the fused epilogues.</summary>
public interface IUnaryOperator
{
    TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV>;
}
