using System.Diagnostics;

namespace Engine.Kernels;

/// <summary>
/// A fixed team of threads that runs numbered tasks: the one level at which the CPU kernels are parallel. Every task writes its own part of the output. Where a
/// number depends on how a kernel is cut into tasks, as a sum of several parts does, it is cut by its shape alone. So the result has the same bits whatever the
/// number of threads, and whichever thread takes which task.
/// </summary>
/// <remarks>
/// Each thread begins with a share of neighbouring tasks, and helps others when it has finished. So what one kernel wrote is mostly read by the same thread in
/// the next kernel, from that thread's own caches.
/// Between two kernels the threads spin for a moment before they sleep: waking a sleeping thread takes longer than a small kernel. Starting a run allocates
/// nothing. Runs are started by one thread at a time.
/// </remarks>
internal sealed unsafe class WorkerPool : IDisposable
{
    // Half a millisecond: longer than the gap between two kernels of one network, and than a task that one thread works on while the others have none. It is
    // measured by the clock, because the runtime's measure of a spin was seen to be wrong by a factor. A thread that sleeps may be woken on a busy processor,
    // and then begins milliseconds later.
    private static readonly long SpinTicks = Stopwatch.Frequency / 2000;

    private const int CacheLine = 16;

    // Spins between two looks at the clock.
    private const int SpinsPerLook = 16;

    private const int TeamBits = 16;

    /// <summary>The largest team.</summary>
    public const int MaxThreads = 1024;

    private readonly Thread[] _threads;
    private readonly Lock _running = new();
    private readonly object _gate = new();
    private delegate*<void*, int, int, void> _body;
    private void* _context;
    private int _tasks;

    // Each thread's next task, a cache line apart.
    private readonly int[] _next;
    private int _pending;
    private int _sleepers;

    // The high bits hold the number of the run, the low bits how many threads take part. It is one word, so that a thread that sat out a run cannot combine the
    // number of one run with the team of another.
    private long _ticket;
    private bool _stop;

    /// <summary>Starts a team of <paramref name="threads"/>, the calling thread being one of them.</summary>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaxThreads);
        Threads = threads;
        _next = new int[threads * CacheLine];
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"kernel worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>How many threads, the calling one included.</summary>
    public int Threads { get; }

    /// <summary>
    /// Calls <paramref name="body"/> once for every task from 0 to <paramref name="tasks"/> − 1, as (context, task, worker), and returns when
    /// all are done. The worker's number, below <see cref="Threads"/>, picks its scratch memory. The body must not throw.
    /// </summary>
    public void Run(int tasks, delegate*<void*, int, int, void> body, void* context)
    {
        int active = Math.Min(Threads, tasks);
        if (active <= 1)
        {
            for (int task = 0; task < tasks; task++) body(context, task, 0);
            return;
        }

        lock (_running)
        {
            _body = body;
            _context = context;
            _tasks = tasks;
            for (int i = 0; i < active; i++) _next[i * CacheLine] = FirstOf(i, active);
            _pending = active - 1;

            // A full fence on both sides: either the worker sees the new ticket before it sleeps, or we see the sleeper.
            Interlocked.Exchange(ref _ticket, (((_ticket >> TeamBits) + 1) << TeamBits) | (long)active);
            if (Volatile.Read(ref _sleepers) > 0)
            {
                lock (_gate) Monitor.PulseAll(_gate);
            }

            TakeTasks(0, active);
            WaitForOthers();
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _stop = true;
        Interlocked.Add(ref _ticket, 1L << TeamBits);
        lock (_gate) Monitor.PulseAll(_gate);
        foreach (Thread thread in _threads) thread.Join();
    }

    private void TakeTasks(int worker, int active)
    {
        delegate*<void*, int, int, void> body = _body;
        void* context = _context;
        for (int turn = 0; turn < active; turn++)
        {
            int owner = (worker + turn) % active, end = FirstOf(owner + 1, active);
            ref int next = ref _next[owner * CacheLine];
            for (int task; (task = Interlocked.Increment(ref next) - 1) < end;) body(context, task, worker);
        }
    }

    // The first task of a thread's share.
    private int FirstOf(int thread, int active) => (int)((long)_tasks * thread / active);

    private void Work(int worker)
    {
        for (long seen = 0; ;)
        {
            seen = WaitForNext(seen);
            if (_stop) return;
            int active = (int)(seen & ((1L << TeamBits) - 1));
            if (worker >= active) continue;
            TakeTasks(worker, active);
            Interlocked.Decrement(ref _pending);
        }
    }

    // A yield is a call into the kernel, which takes longer than the wait for a task that is nearly done.
    private void WaitForOthers()
    {
        long end = SpinEnd;
        for (int spins = 1; Volatile.Read(ref _pending) > 0; spins++)
        {
            if (spins % SpinsPerLook == 0 && Stopwatch.GetTimestamp() >= end) Thread.Yield();
            else Thread.SpinWait(1);
        }
    }

    // A thread that spins must not keep a processor from a thread that has work.
    private long SpinEnd => Environment.ProcessorCount >= Threads ? Stopwatch.GetTimestamp() + SpinTicks : 0;

    private long WaitForNext(long seen)
    {
        long ticket;
        long end = SpinEnd;
        do
        {
            for (int spins = 0; spins < SpinsPerLook; spins++)
            {
                if ((ticket = Volatile.Read(ref _ticket)) != seen) return ticket;
                Thread.SpinWait(1);
            }
        }
        while (Stopwatch.GetTimestamp() < end);

        lock (_gate)
        {
            Interlocked.Increment(ref _sleepers);
            while ((ticket = Volatile.Read(ref _ticket)) == seen) Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }

        return ticket;
    }
}
