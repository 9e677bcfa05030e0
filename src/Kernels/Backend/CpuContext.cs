namespace Engine.Kernels;

/// <summary>What every CPU kernel is given: the team of threads and the scratch memory.</summary>
internal sealed unsafe class CpuContext(int threads) : IDisposable
{
    private readonly WorkerPool _pool = new(threads);

    /// <summary>Scratch memory, valid until the next kernel begins.</summary>
    public Workspace Workspace { get; } = new();

    /// <summary>How many threads take part, the calling one included.</summary>
    public int Threads => _pool.Threads;

    /// <summary>
    /// Calls <paramref name="body"/> once for every task from 0 to <paramref name="tasks"/> − 1, as (arguments, task, worker), and returns when all are done.
    /// All tasks share the arguments. The worker's number, below <see cref="Threads"/>, picks its scratch memory. The body must not throw.
    /// </summary>
    public void Run<TArguments>(int tasks, delegate*<ref TArguments, int, int, void> body, ref TArguments arguments)
        where TArguments : unmanaged
    {
        // A reference and a pointer are passed in the same way, and what is fixed does not move during the run.
        fixed (TArguments* fixedArguments = &arguments) _pool.Run(tasks, (delegate*<void*, int, int, void>)body, fixedArguments);
    }

    public void Dispose()
    {
        _pool.Dispose();
        Workspace.Dispose();
    }
}
