using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>A pointwise function of two arrays, written once for every vector width.</summary>
public interface IBinaryOperator
{
    TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV>;
}
