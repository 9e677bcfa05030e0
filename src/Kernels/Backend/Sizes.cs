using System.Runtime.CompilerServices;

namespace Engine.Kernels;

/// <summary>Checks that all shapes share. Their messages contain the whole shape.</summary>
internal static class Sizes
{
    /// <summary>Throws unless the condition holds.</summary>
    public static void Require<TShape>(TShape shape, bool condition, string complaint)
        where TShape : struct
    {
        if (!condition) throw new ArgumentException($"{complaint}: {shape}");
    }

    /// <summary>Throws unless all sizes are at least 1.</summary>
    public static void RequirePositive<TShape>(TShape shape, params ReadOnlySpan<int> sizes)
        where TShape : struct
    {
        foreach (int size in sizes) Require(shape, size > 0, "a size is not positive");
    }

    /// <summary>The product of sizes, as the length of an array that one buffer can hold.</summary>
    public static int Product<TShape>(TShape shape, params ReadOnlySpan<int> sizes)
        where TShape : struct
    {
        long product = 1;
        foreach (int size in sizes)
        {
            product *= size;
            Require(shape, product <= int.MaxValue, "an array would exceed 2³¹ floats");
        }

        return (int)product;
    }

    /// <summary>Throws unless a view has a length.</summary>
    public static void RequireLength(View view, int length, [CallerArgumentExpression(nameof(view))] string name = "")
    {
        if (view.Length != length) throw new ArgumentException($"{name} has {view.Length} floats, not {length}");
    }
}
