using Engine.Kernels.Simd;

namespace Engine.Kernels.Tests;

/// <summary>The machine's limits can be measured with any number of threads. What they are is the machine's business.</summary>
public class MachinePeakTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    public void IsMeasured(int threads)
    {
        Assert.True(MachinePeak.MeasureGflops(threads, VectorSupport.Widest) > 0);
        Assert.True(MachinePeak.MeasureBandwidth(threads, VectorSupport.Widest) > 0);
        double exchange = MachinePeak.MeasureExchange(threads, VectorSupport.Widest);
        if (threads == 1) Assert.True(double.IsNaN(exchange));
        else Assert.True(exchange > 0);
    }
}
