namespace Engine.Kernels;

/// <summary>What every CPU kernel is given: the team of threads and the scratch memory.</summary>
internal sealed unsafe class CpuContext(int threads) : IDisposable
{
    private readonly WorkerPool _pool = new(threads);

    /// <summary>Scratch memory, valid until the next kernel begins.</summary>
    public Workspace Workspace { get; } = new();

    /// <summary>How many threads take part, the calling one included.</summary>
    public int Threads => _pool.Threads;

    /// <inheritdoc cref="WorkerPool.Run"/>
    public void Run(int tasks, delegate*<void*, int, int, void> body, void* context) => _pool.Run(tasks, body, context);

    public void Dispose()
    {
        _pool.Dispose();
        Workspace.Dispose();
    }
}
