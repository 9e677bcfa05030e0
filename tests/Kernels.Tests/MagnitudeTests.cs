namespace Engine.Kernels.Tests;

public class MagnitudeTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) => Ops.Magnitude(4).AssertAnswer(device, [5, 13, 0, 17], [3, 4, -5, 12, 0, 0, 8, -15]);
}
