using System.Collections.Concurrent;

namespace Engine.Kernels.Tests;

public unsafe class WorkerPoolTests
{
    // Long enough for the slowest machine; only a hang takes longer.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private static readonly ConcurrentDictionary<int, Thread> Team = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public Task EveryTaskRunsOnce(int threads) => Task.Run(() =>
    {
        using WorkerPool pool = new(threads);
        foreach (int tasks in new[] { 0, 1, 2, 3, 6, 7, 8, 1000, 100_000 }) AssertRunsOnce(pool, tasks);
    }).WaitAsync(Deadline);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public Task TensOfThousandsOfTinyRunsFinish(int threads) => Task.Run(() =>
    {
        using WorkerPool pool = new(threads);
        for (int i = 0; i < 30_000; i++) AssertRunsOnce(pool, i % 10);
    }).WaitAsync(Deadline);

    /// <summary>A pause lets the threads fall asleep, so that the next run has to wake them.</summary>
    [Fact]
    public Task SleepingThreadsWake() => Task.Run(() =>
    {
        using WorkerPool pool = new(2);
        for (int i = 0; i < 50; i++)
        {
            Thread.Sleep(i % 5);
            AssertRunsOnce(pool, 4);
        }
    }).WaitAsync(Deadline);

    /// <summary>
    /// Tasks that wait for each other show that all threads take part, each with its own number; disposing ends all but the caller's.
    /// </summary>
    [Fact]
    public Task DisposingJoinsTheThreads() => Task.Run(() =>
    {
        const int Threads = 7;
        Team.Clear();
        WorkerPool pool = new(Threads);
        int arrived = 0;
        pool.Run(Threads, &WaitForAll, &arrived);
        Assert.Equal(Enumerable.Range(0, Threads), Team.Keys.Order());
        Assert.Same(Thread.CurrentThread, Team[0]);
        Assert.Equal(Threads, Team.Values.Distinct().Count());

        pool.Dispose();
        Assert.DoesNotContain(Team.Values, thread => thread != Thread.CurrentThread && thread.IsAlive);
        Team.Clear();

        static void WaitForAll(void* context, int task, int worker)
        {
            Team[worker] = Thread.CurrentThread;
            Interlocked.Increment(ref *(int*)context);
            while (Volatile.Read(ref *(int*)context) < Threads) Thread.Yield();
        }
    }).WaitAsync(Deadline);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(WorkerPool.MaxThreads + 1)]
    public void RejectsImpossibleTeams(int threads)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(threads));
        Assert.Throws<ArgumentOutOfRangeException>(() => Backends.CreateCpu(threads));
    }

    private static void AssertRunsOnce(WorkerPool pool, int tasks)
    {
        Span<int> counts = tasks <= 16 ? stackalloc int[tasks] : new int[tasks];
        fixed (int* first = counts)
        {
            Counters counters = new() { Runs = first, Threads = pool.Threads };
            pool.Run(tasks, &Count, &counters);
            Assert.Equal(0, counters.WrongWorkers);
        }

        Assert.Equal(-1, counts.IndexOfAnyExcept(1));

        static void Count(void* context, int task, int worker)
        {
            Counters* counters = (Counters*)context;
            Interlocked.Increment(ref counters->Runs[task]);
            if (worker < 0 || worker >= counters->Threads) Interlocked.Increment(ref counters->WrongWorkers);
        }
    }

    private struct Counters
    {
        public int* Runs;
        public int Threads;
        public int WrongWorkers;
    }
}
