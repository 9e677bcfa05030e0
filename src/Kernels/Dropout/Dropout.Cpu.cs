using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Kernels;

/// <content>
/// The CPU form does the arithmetic of the definition, eight elements at a time if the processor has 512-bit registers. Parallel over fixed chunks. The hash's
/// 64-bit multiplications bound it.
/// </content>
internal static unsafe partial class Dropout
{
    private const int Chunk = 16 * 1024;

    /// <summary>Overwrites y, which may be x.</summary>
    public static void Run(CpuContext cpu, float probability, ulong seed, float* x, float* y, int length)
    {
        Arguments arguments = new() { X = x, Y = y, Length = length, Key = Hash(seed), Probability = probability };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk, ref arguments);
    }

    private static void RunChunk(ref Arguments shared, int task, int worker)
    {
        Arguments arguments = shared;
        int i = task * Chunk, end = i + Math.Min(arguments.Length - i, Chunk);
        double kept = 1.0 - arguments.Probability;
        if (Vector512.IsHardwareAccelerated)
        {
            // The definition compares floats exactly. Comparing whole numbers that are 2²⁴ times as large gives the same answer.
            Vector512<ulong> least = Vector512.Create((ulong)Math.Ceiling((double)arguments.Probability * (1 << 24)));
            Vector512<ulong> counter = Vector512.Create(arguments.Key + ((ulong)i + 1) * Golden) + Vector512<ulong>.Indices * Golden;
            for (; i <= end - Vector512<ulong>.Count; i += Vector512<ulong>.Count, counter += Vector512.Create(unchecked(8 * Golden)))
            {
                Vector512<double> x = Vector512.WidenLower(Vector256.Load(arguments.X + i).ToVector512());
                Vector512<double> dropped = Vector512.LessThan(Hash(counter) >>> 40, least).AsDouble();
                Vector512<double> y = Vector512.AndNot(x / Vector512.Create(kept), dropped);
                Vector512.Narrow(y, y).GetLower().Store(arguments.Y + i);
            }
        }

        for (; i < end; i++) arguments.Y[i] = IsKept(arguments.Key, i, arguments.Probability) ? (float)(arguments.X[i] / kept) : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Hash(Vector512<ulong> z)
    {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EB;
        return z ^ (z >>> 31);
    }

    private struct Arguments
    {
        public float* X;
        public float* Y;
        public int Length;
        public ulong Key;
        public float Probability;
    }
}
