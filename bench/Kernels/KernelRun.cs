using Engine.Kernels;

namespace Engine.Bench;

/// <summary>A kernel with its arrays on a backend, ready to be called again and again.</summary>
internal sealed class KernelRun : IDisposable
{
    private readonly KernelCase _case;
    private readonly IBackend _backend;
    private readonly DeviceBuffer[] _buffers;
    private readonly View[] _inputs;
    private readonly View _output;

    public KernelRun(KernelCase kernel, IBackend backend, float[][] inputs)
    {
        (_case, _backend) = (kernel, backend);
        int count = inputs.Length + (kernel.IsInPlace ? 0 : 1);
        _buffers = [.. Enumerable.Range(0, count).Select(i => backend.Allocate(i < inputs.Length ? inputs[i].Length : kernel.Output))];
        for (int i = 0; i < inputs.Length; i++) backend.Upload(inputs[i], _buffers[i].All);
        _inputs = [.. _buffers.Take(inputs.Length).Select(buffer => buffer.All)];
        _output = _buffers[kernel.IsInPlace ? 0 : ^1].All;
    }

    /// <summary>One call.</summary>
    public void Call() => Call(1);

    /// <summary>So many calls, which a device is waited for once.</summary>
    public void Call(int launches)
    {
        for (int i = 0; i < launches; i++) Launch();
        _backend.Synchronize();
    }

    /// <summary>Starts a call; a device may not be done with it.</summary>
    public void Launch() => _case.Body(_backend, _inputs, _output);

    /// <summary>What the last call left.</summary>
    public float[] Result()
    {
        float[] result = new float[_output.Length];
        _backend.Download(_output, result);
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers) buffer.Dispose();
    }
}
