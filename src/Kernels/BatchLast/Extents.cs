namespace Engine.Kernels;

/// <summary>A number that is known when a kernel is compiled, so that the registers of a smaller tile cost nothing.</summary>
internal interface IExtent
{
    static abstract int Count { get; }
}

internal readonly struct One : IExtent
{
    public static int Count => 1;
}

internal readonly struct Two : IExtent
{
    public static int Count => 2;
}

internal readonly struct Three : IExtent
{
    public static int Count => 3;
}

internal readonly struct Four : IExtent
{
    public static int Count => 4;
}

internal readonly struct Six : IExtent
{
    public static int Count => 6;
}

internal readonly struct Eight : IExtent
{
    public static int Count => 8;
}

internal readonly struct Twelve : IExtent
{
    public static int Count => 12;
}
