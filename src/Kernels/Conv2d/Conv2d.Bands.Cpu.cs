using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>What the forms whose lanes are output channels share: bands of rows, and the end of a sum.</content>
internal static unsafe partial class Conv2d
{
    // With so many tasks a thread it does not count that one thread may have one more than another.
    private const int TasksPerThread = 8;

    // As long bands of n · rows as fit, but as many for each thread where they are few.
    private static int CountBands(CpuContext cpu, int n, int rows, long fit)
    {
        long bands = (rows + fit - 1) / fit;
        if (n * bands < TasksPerThread * cpu.Threads) bands = (RoundUp((int)(n * bands), cpu.Threads) + n - 1) / n;
        return (int)Math.Min(bands, rows);
    }

    private static int RoundUp(int value, int step) => (value + step - 1) / step * step;

    // Pixels of two vectors of channels; bias may be null.
    private static void Activate<TV>(Activation activation, float* bias, float* pixels, int count)
        where TV : unmanaged, IVector<TV>
    {
        switch (activation.Kind)
        {
            case ActivationKind.LeakyRelu: Activate<TV, LeakyReluOperator>(new LeakyReluOperator(activation.Slope), bias, pixels, count); break;
            case ActivationKind.Elu: Activate<TV, EluOperator>(default, bias, pixels, count); break;
            case ActivationKind.Sigmoid: Activate<TV, SigmoidOperator>(default, bias, pixels, count); break;
            default: Activate<TV, IdentityOperator>(default, bias, pixels, count); break;
        }
    }

    private static void Activate<TV, TOperator>(TOperator activation, float* bias, float* pixels, int count)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV bias0 = bias is null ? TV.Zero : TV.Load(bias), bias1 = bias is null ? TV.Zero : TV.Load(bias + TV.Width);
        for (; count > 0; count--, pixels += 2 * TV.Width)
        {
            TV.Store(activation.Apply(TV.Load(pixels) + bias0), pixels);
            TV.Store(activation.Apply(TV.Load(pixels + TV.Width) + bias1), pixels + TV.Width);
        }
    }
}
