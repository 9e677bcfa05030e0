namespace Engine.Kernels.Tests;

public class LogFloorTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) => Ops.LogFloor(1, 4).AssertAnswer(device, [0, 0, 0, 0], [1, 0, -3, float.NegativeInfinity]);

    [Theory, EveryDevice]
    public void KnownAnswerOfPowersOfE(Device device)
    {
        float[] powers = [.. Enumerable.Range(-30, 61).Select(n => (float)Math.Exp(n))];
        Ops.LogFloor(1e-20f, powers.Length).AssertNearAnswer(device, [.. powers.Select(power => (float)Math.Log(power))], powers);
    }

    [Theory, EveryDevice]
    public void KeepsNaN(Device device)
    {
        float[] x = Enumerable.Repeat(float.NaN, 35).ToArray();
        Ops.LogFloor(1e-7f, x.Length).AssertAnswer(device, x, x);
    }
}
