using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Tests;

namespace Engine.Svd.Tests.Data;

public class BatchPipelineTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(7, 3)]
    public void BatchesComeInOrderWhateverTheThreads(int threads, int ahead)
    {
        using BatchPipeline<long[]> pipeline = new(() => new long[1], Prepare, first: 5, threads, ahead);
        for (long batch = 5; batch < 300; batch++)
        {
            Assert.Equal(batch, pipeline.Position);
            Assert.Equal(batch * batch, pipeline.Next()[0]);
        }

        static void Prepare(long batch, long[] buffer)
        {
            if (batch % 17 == 0) Thread.Sleep(1); // Some take longer.
            buffer[0] = batch * batch;
        }
    }

    [Fact]
    public void ABatchIsTheConsumersUntilTheNext()
    {
        int allocated = 0;
        using BatchPipeline<long[]> pipeline = new(() => { allocated++; return new long[1]; }, (batch, buffer) => buffer[0] = batch, threads: 3, ahead: 2);
        for (long batch = 0; batch < 50; batch++)
        {
            long[] buffer = pipeline.Next();
            if (batch % 10 == 0) Thread.Sleep(5); // Time enough to overwrite it.
            Assert.Equal(batch, buffer[0]);
        }

        Assert.Equal(6, allocated);
    }

    [Fact]
    public void ThreadsWaitWhenEnoughIsPrepared()
    {
        int prepared = 0;
        using BatchPipeline<object> pipeline = new(() => new object(), (_, _) => Interlocked.Increment(ref prepared), threads: 2, ahead: 3);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref prepared) == 6, _soon));
        Thread.Sleep(20);
        Assert.Equal(6, prepared);
        pipeline.Next();
        pipeline.Next();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref prepared) == 7, _soon));
    }

    [Fact]
    public void AFailureIsThrownWhenItsBatchIsDue()
    {
        using BatchPipeline<object> pipeline = new(
            () => new object(),
            (batch, _) =>
            {
                if (batch == 4) throw new EngineException("the song is gone.");
                if (batch == 3) throw new FormatException("a slip");
            },
            threads: 4);
        for (int batch = 0; batch < 3; batch++) pipeline.Next();
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(pipeline.Next);
        Assert.Contains("batch 3", failure.Message, StringComparison.Ordinal);
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Equal(3, pipeline.Position);
        Assert.Throws<InvalidOperationException>(pipeline.Next);
    }

    [Fact]
    public void AFailureThatTheUserCanMendStaysOne()
    {
        using BatchPipeline<object> pipeline = new(() => new object(), (_, _) => throw new EngineException("the song is gone."), first: 9);
        Failure.Says(() => pipeline.Next(), "batch 9: the song is gone.");
    }

    [Fact]
    public void DisposingEndsTheThreadsAndTheBuffers()
    {
        List<Buffer> buffers = [];
        BatchPipeline<Buffer> pipeline = new(() => { buffers.Add(new Buffer()); return buffers[^1]; }, (_, _) => Thread.Sleep(1), threads: 2);
        pipeline.Next();
        long start = Stopwatch.GetTimestamp();
        pipeline.Dispose();
        pipeline.Dispose();
        Assert.True(Stopwatch.GetElapsedTime(start) < _soon);
        Assert.All(buffers, buffer => Assert.Equal(1, buffer.Disposals));
        Assert.Throws<ObjectDisposedException>(pipeline.Next);
    }

    [Fact]
    public async Task DisposingWakesAWaitingConsumer()
    {
        using ManualResetEventSlim open = new();
        BatchPipeline<object> pipeline = new(() => new object(), (_, _) => open.Wait(), threads: 1);
        Task consumer = Task.Run(() => Assert.Throws<ObjectDisposedException>(pipeline.Next));
        Task disposal = Task.Run(pipeline.Dispose);
        await consumer.WaitAsync(_soon);
        open.Set();
        await disposal.WaitAsync(_soon);
    }

    [Fact]
    public void NothingIsAllocatedOnceItRuns()
    {
        using BatchPipeline<float[]> pipeline = new(() => new float[100_000], (batch, buffer) => buffer.AsSpan().Fill(batch), threads: 2);
        for (int i = 0; i < 20; i++) pipeline.Next();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) pipeline.Next();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Buffer : IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }
}
