using Engine.Nn;

namespace Engine.Svd.Explain.Methods;

/// <summary>The random numbers of a method for an excerpt. They depend only on the seed, the method's name and the excerpt's number.</summary>
internal static class RandomStream
{
    public static RandomSource Of(ulong seed, string method, int excerpt)
    {
        // FNV-1a: string.GetHashCode differs from run to run.
        ulong hash = 0xCBF29CE484222325;
        foreach (char letter in method) hash = (hash ^ letter) * 0x100000001B3;
        return new RandomSource(seed, hash, (ulong)excerpt);
    }
}
