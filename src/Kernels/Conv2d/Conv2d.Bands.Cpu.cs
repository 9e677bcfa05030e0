using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>Code that the forms with output channels in the lanes share: bands of rows, and the bias and activation of a sum.</content>
internal static unsafe partial class Conv2d
{
    // With this many tasks for each thread, it hardly matters if one thread gets one task more than another.
    private const int TasksPerThread = 8;

    // Bands are as long as fits. If there are few, their number becomes a multiple of the threads.
    private static int CountBands(CpuContext cpu, int n, int rows, long fit)
    {
        long bands = (rows + fit - 1) / fit;
        if (n * bands < TasksPerThread * cpu.Threads) bands = (RoundUp((int)(n * bands), cpu.Threads) + n - 1) / n;
        return (int)Math.Min(bands, rows);
    }

    private static int RoundUp(int value, int step) => (value + step - 1) / step * step;

    // Pixels of two vectors of channels, to places a pitch of floats apart, which may be where they are; bias may be null.
    private static void Activate<TV>(Activation activation, float* bias, float* pixels, int count, float* to, long pitch)
        where TV : unmanaged, IVector<TV> => activation.Accept<PixelActivation<TV>, Nothing>(new PixelActivation<TV>(bias, pixels, count, to, pitch));

    private static void Activate<TV, TOperator>(TOperator activation, float* bias, float* pixels, int count, float* to, long pitch)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV bias0 = bias is null ? TV.Zero : TV.Load(bias), bias1 = bias is null ? TV.Zero : TV.Load(bias + TV.Width);
        for (; count > 0; count--, pixels += 2 * TV.Width, to += pitch)
        {
            TV.Store(activation.Apply(TV.Load(pixels) + bias0), to);
            TV.Store(activation.Apply(TV.Load(pixels + TV.Width) + bias1), to + TV.Width);
        }
    }

    private readonly struct PixelActivation<TV>(float* bias, float* pixels, int count, float* to, long pitch) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            Activate<TV, TActivation>(activation, bias, pixels, count, to, pitch);
            return default;
        }
    }
}
