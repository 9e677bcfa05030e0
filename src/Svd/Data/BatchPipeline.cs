using Engine.Kernels;

namespace Engine.Svd.Data;

/// <summary>
/// Prepares numbered batches on background threads, a few ahead of the consumer, and hands them out in order. A batch depends only on its number, so the
/// number of threads changes only the speed. The buffers are allocated once and used in turn.
/// </summary>
/// <typeparam name="T">The buffer of a batch; buffers that are disposable are disposed with the pipeline.</typeparam>
public sealed class BatchPipeline<T> : IDisposable
    where T : class
{
    private readonly Action<long, T> _prepare;
    private readonly Slot[] _slots;
    private readonly Thread[] _threads;
    private readonly object _gate = new();

    // first ≤ _position ≤ _claimed ≤ _released + slots: threads take batch _claimed, the consumer waits for _position, buffers below _released are free.
    private long _position;
    private long _claimed;
    private long _released;
    private bool _stop;

    /// <summary>Starts preparing.</summary>
    /// <param name="allocate">Makes a buffer.</param>
    /// <param name="prepare">Fills a buffer with the batch of a number; called by many threads at once, each time for another number and buffer.</param>
    /// <param name="first">The number of the first batch.</param>
    /// <param name="threads">The number of threads. Default: one fewer than processors, but at least one.</param>
    /// <param name="ahead">How many finished batches may wait for the consumer.</param>
    public BatchPipeline(Func<T> allocate, Action<long, T> prepare, long first = 0, int? threads = null, int ahead = 2)
    {
        int team = threads ?? Math.Max(1, Environment.ProcessorCount - 1);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(team, 1, nameof(threads));
        ArgumentOutOfRangeException.ThrowIfLessThan(ahead, 1);
        _prepare = prepare;
        _position = _claimed = _released = first;

        // One buffer is the consumer's, and every thread fills one.
        _slots = [.. Enumerable.Range(0, team + ahead + 1).Select(_ => new Slot(allocate()))];
        _threads = [.. Enumerable.Range(1, team).Select(i => new Thread(Work) { IsBackground = true, Name = $"batch {i}" })];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>The number of the batch that <see cref="Next"/> hands out next: what a checkpoint keeps.</summary>
    public long Position
    {
        get
        {
            lock (_gate) return _position;
        }
    }

    /// <summary>Waits for the next batch. Its buffer is the caller's until the next call.</summary>
    /// <exception cref="EngineException">Preparing it failed in a way that the user can mend; the message names the batch.</exception>
    /// <exception cref="InvalidOperationException">
    /// Preparing it failed in another way; the message names the batch, the inner exception is the failure.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The pipeline is disposed.</exception>
    public T Next()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop, this);
            if (_released < _position)
            {
                _released = _position;
                Monitor.PulseAll(_gate);
            }

            Slot slot = SlotOf(_position);
            while (slot.Finished != _position)
            {
                Monitor.Wait(_gate);
                ObjectDisposedException.ThrowIf(_stop, this);
            }

            if (slot.Failure is EngineException known) throw new EngineException($"batch {_position}: {known.Message}", known);
            if (slot.Failure is { } failure) throw new InvalidOperationException($"batch {_position} cannot be prepared: {failure.Message}", failure);
            _position++;
            return slot.Buffer;
        }
    }

    /// <summary>Ends the threads after their current batches, and disposes the buffers.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stop) return;
            _stop = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread thread in _threads) thread.Join();
        foreach (Slot slot in _slots) (slot.Buffer as IDisposable)?.Dispose();
    }

    private Slot SlotOf(long batch) => _slots[batch % _slots.Length];

    private void Work()
    {
        for (; ; )
        {
            long batch;
            lock (_gate)
            {
                while (!_stop && _claimed - _released >= _slots.Length) Monitor.Wait(_gate);
                if (_stop) return;
                batch = _claimed++;
            }

            Slot slot = SlotOf(batch);
            Exception? failure = null;
            try
            {
                _prepare(batch, slot.Buffer);
            }
#pragma warning disable CA1031 // Whatever it is, it is thrown again in the consumer's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }

            lock (_gate)
            {
                (slot.Failure, slot.Finished) = (failure, batch);
                Monitor.PulseAll(_gate);
            }
        }
    }

    private sealed class Slot(T buffer)
    {
        public T Buffer { get; } = buffer;

        public long Finished { get; set; } = -1;

        public Exception? Failure { get; set; }
    }
}
