using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Kernels.Simd;

/// <summary>Adds up the lanes of vectors.</summary>
internal static class LaneSums
{
    /// <summary>The sums of the lanes of four vectors: halves are added down to 128 bits, and four of those are transposed and added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Of<TV>(TV a, TV b, TV c, TV d)
        where TV : unmanaged, IVector<TV>
    {
        Vector128<float> foldedA = TV.Fold(a), foldedB = TV.Fold(b), foldedC = TV.Fold(c), foldedD = TV.Fold(d);
        Vector128<float> ac = Transposition.InterleaveLow(foldedA, foldedC) + Transposition.InterleaveHigh(foldedA, foldedC);
        Vector128<float> bd = Transposition.InterleaveLow(foldedB, foldedD) + Transposition.InterleaveHigh(foldedB, foldedD);
        return Transposition.InterleaveLow(ac, bd) + Transposition.InterleaveHigh(ac, bd);
    }
}
