namespace Engine.Tests;

/// <summary>What a repeated piece of work allocates on the managed heap.</summary>
internal static class Allocation
{
    /// <summary>Asserts that it is nothing once the work has warmed up.</summary>
    public static void AssertNone(Action work)
    {
        // The runtime recompiles methods while it warms up, which allocates here, so the best of several attempts counts.
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 10 && least > 0; attempt++)
        {
            for (int i = 0; i < 20; i++) work();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 5; i++) work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}
