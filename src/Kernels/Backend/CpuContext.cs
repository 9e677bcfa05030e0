using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>What the CPU form of an operation is given: the team of threads, its operands' memory, and scratch memory.</summary>
public sealed unsafe class CpuContext : IDisposable
{
    private readonly WorkerPool _pool;

    internal CpuContext(int threads, HostMemory memory) => (_pool, Workspace, Memory) = (new WorkerPool(threads), new Workspace(threads), memory);

    /// <summary>How many threads take part, the calling one included.</summary>
    public int Threads => _pool.Threads;

    /// <summary>Scratch memory, valid until the next kernel begins.</summary>
    internal Workspace Workspace { get; }

    /// <summary>The pool of the backend's buffers, for what must live longer than scratch memory.</summary>
    internal HostMemory Memory { get; }

    /// <summary>The first float of a view; null for none.</summary>
    public float* At(View? view) => view is { } given ? Memory.At(given) : null;

    /// <summary>The floats of a view.</summary>
    public Span<float> SpanAt(View view) => new(Memory.At(view), view.Length);

    /// <summary>y[i] = function(x[i]) for every i of y; y may be x.</summary>
    public void Map<TV, TOperator>(TOperator function, View x, View y)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator => Elementwise.Run<TV, TOperator>(this, function, At(x), At(y), y.Length);

    /// <summary>y[i] = function(left[i], right[i]) for every i of y; y may be either.</summary>
    public void Map<TV, TOperator>(TOperator function, View left, View right, View y)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator => Elementwise.Run<TV, TOperator>(this, function, At(left), At(right), At(y), y.Length);

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

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        Workspace.Dispose();
    }
}
