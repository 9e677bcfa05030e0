namespace Engine.Kernels;

/// <content>The CPU form: scalar, since real and imaginary part alternate; the compiler's square root and memory bandwidth bound it.</content>
internal static unsafe partial class Magnitude
{
    private const int Chunk = 16 * 1024;

    /// <summary>Overwrites y, which has <paramref name="length"/> floats; x has twice as many.</summary>
    public static void Forward(CpuContext cpu, float* x, float* y, int length)
    {
        Arguments arguments = new() { X = x, Y = y, Length = length };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk, &arguments);
    }

    private static void RunChunk(void* context, int task, int worker)
    {
        Arguments arguments = *(Arguments*)context;
        int first = task * Chunk, end = first + Math.Min(arguments.Length - first, Chunk);
        for (int i = first; i < end; i++)
        {
            float re = arguments.X[2L * i], im = arguments.X[2L * i + 1];
            arguments.Y[i] = MathF.Sqrt(re * re + im * im);
        }
    }

    private struct Arguments
    {
        public float* X;
        public float* Y;
        public int Length;
    }
}
