namespace Engine.Kernels.Tests;

public unsafe class MemoryTests
{
    [Fact]
    public void GivesTheSameBufferBack()
    {
        using HostMemory memory = new();
        HostBuffer first = memory.Rent(100);
        long allocated = memory.BytesAllocated;
        first.Dispose();
        Assert.Equal(0, memory.Outstanding);

        // Nearly equal lengths share a buffer, which then has the length last asked for.
        HostBuffer second = memory.Rent(101);
        Assert.Same(first, second);
        Assert.Equal((101, 1, allocated), (second.Length, memory.Outstanding, memory.BytesAllocated));
        HostBuffer third = memory.Rent(101);
        Assert.NotSame(second, third);
        second.Dispose();
        third.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(1025)]
    public void BuffersAreAlignedAndAsLongAsAsked(int length)
    {
        using HostMemory memory = new();
        using HostBuffer buffer = memory.Rent(length);
        Assert.Equal(length, buffer.All.Length);
        Assert.True(buffer.Capacity >= length);
        Assert.Equal(0, (nint)buffer.Pointer % HostMemory.Alignment);
    }

    [Fact]
    public void GivingABufferBackTwiceThrows()
    {
        using HostMemory memory = new();
        HostBuffer buffer = memory.Rent(5);
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(buffer.Dispose);
        Assert.Equal(0, memory.Outstanding);
    }

    [Fact]
    public void ABufferMayOutliveItsPool()
    {
        HostMemory memory = new();
        HostBuffer buffer = memory.Rent(5);
        memory.Dispose();
        new Span<float>(buffer.Pointer, buffer.Length).Fill(1);
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(buffer.Dispose);
        Assert.Throws<ObjectDisposedException>(() => memory.Rent(5));
    }

    [Fact]
    public void SmallBuffersShareMemoryButNoFloat()
    {
        HostMemory memory = new();
        HostBuffer[] buffers = [.. Enumerable.Range(0, 40).Select(i => memory.Rent(i * 9000))];
        for (int i = 0; i < buffers.Length; i++) new Span<float>(buffers[i].Pointer, buffers[i].Capacity + HostMemory.ReadableTail).Fill(i);
        memory.Dispose();
        for (int i = 0; i < buffers.Length; i++)
        {
            Assert.Equal(0, (nint)buffers[i].Pointer % HostMemory.Alignment);
            Assert.Equal(-1, new Span<float>(buffers[i].Pointer, buffers[i].Capacity + HostMemory.ReadableTail).IndexOfAnyExcept(i));
        }

        foreach (HostBuffer buffer in buffers) buffer.Dispose();
        Assert.Equal(0, memory.Outstanding);
    }

    [Fact]
    public void RejectsImpossibleLengths()
    {
        using HostMemory memory = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Rent(-1));
        Assert.Throws<OverflowException>(() => memory.Rent(int.MaxValue));
        Assert.Equal(0, memory.Outstanding);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(0, 11)]
    [InlineData(10, 1)]
    [InlineData(11, 0)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(1, int.MaxValue)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void AViewLiesInsideItsBuffer(int offset, int length)
    {
        using HostMemory memory = new();
        using HostBuffer buffer = memory.Rent(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => new View(buffer, offset, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.All.Slice(offset, length));
    }

    [Fact]
    public void ASliceCountsFromItsView()
    {
        using HostMemory memory = new();
        using HostBuffer buffer = memory.Rent(10);
        View view = new View(buffer, 2, 7).Slice(3, 4);
        Assert.Equal((5, 4), (view.Offset, view.Length));
        Assert.Equal(0, view.Slice(4, 0).Length);

        // Floats that belong to the buffer but not to the view.
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Slice(0, 5));
    }

    [Theory, EveryDevice]
    public void CopiesBetweenHostAndViews(Device device)
    {
        using IBackend backend = device.Open();
        using DeviceBuffer buffer = backend.Allocate(6);
        backend.Upload([1, 2, 3, 4, 5, 6], buffer.All);
        backend.Copy(buffer.All.Slice(1, 2), buffer.All.Slice(4, 2));
        backend.Synchronize();
        float[] result = new float[6];
        backend.Download(buffer.All, result);
        Assert.Equal([1, 2, 3, 4, 2, 3], result);
        Assert.Throws<ArgumentException>(() => backend.Upload([1], buffer.All));
        Assert.Throws<ArgumentException>(() => backend.Download(buffer.All, new float[5]));
        Assert.Throws<ArgumentException>(() => backend.Copy(buffer.All.Slice(0, 2), buffer.All.Slice(3, 3)));
    }

    [Fact]
    public void ScratchIsAlignedAndItsUseIsChecked()
    {
        using Workspace workspace = new(threads: 2);
        workspace.Begin(Workspace.Aligned(5) + Workspace.Aligned(17));
        float* first = workspace.Take(5), second = workspace.Take(17);
        Assert.Equal(0, (nint)first % HostMemory.Alignment);
        Assert.Equal(Workspace.Aligned(5), second - first);
        Assert.Throws<InvalidOperationException>(() => workspace.Take(1));

        // A smaller kernel gets the same memory again.
        workspace.Begin(Workspace.Aligned(1));
        Assert.True(first == workspace.Take(1));
    }

    [Fact]
    public void EveryThreadHasScratchOfItsOwnThatStaysWhereItIs()
    {
        using Workspace workspace = new(threads: 2);
        workspace.Begin(0, ofEachThread: 17);
        float* first = workspace.OfThreads.Of(0), second = workspace.OfThreads.Of(1);
        Assert.Equal(0, (nint)second % HostMemory.Alignment);
        Assert.True(second - first >= 17);

        // Whatever else a kernel takes.
        workspace.Begin(1000, ofEachThread: 3);
        Assert.True(first == workspace.OfThreads.Of(0) && second == workspace.OfThreads.Of(1));
    }
}
