namespace Engine.Kernels;

/// <content>
/// The CPU form: the definition's arithmetic, parallel over fixed chunks. The hash's 64-bit multiplications bound it; it stands before small dense
/// layers only, so they are left to scalar code.
/// </content>
internal static unsafe partial class Dropout
{
    private const int Chunk = 16 * 1024;

    /// <summary>Overwrites y, which may be x.</summary>
    public static void Run(CpuContext cpu, float probability, ulong seed, float* x, float* y, int length)
    {
        Arguments arguments = new() { X = x, Y = y, Length = length, Key = Hash(seed), Probability = probability };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk, &arguments);
    }

    private static void RunChunk(void* context, int task, int worker)
    {
        Arguments arguments = *(Arguments*)context;
        int i = task * Chunk, end = i + Math.Min(arguments.Length - i, Chunk);
        double kept = 1.0 - arguments.Probability;
        for (; i < end; i++) arguments.Y[i] = IsKept(arguments.Key, i, arguments.Probability) ? (float)(arguments.X[i] / kept) : 0;
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
