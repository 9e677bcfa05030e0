using Engine.Kernels;
using Engine.Svd.FrontEnd;

namespace Engine.Bench;

/// <summary>An operation with its arrays on a backend, ready to be called again and again.</summary>
internal sealed class KernelRun : IDisposable
{
    private readonly OpSpec _spec;
    private readonly IBackend _backend;
    private readonly DeviceBuffer[] _buffers;
    private readonly View[] _views;
    private readonly PackedFilter _packed = new();

    public KernelRun(OpSpec spec, IBackend backend)
    {
        (_spec, _backend) = (spec, backend);
        _buffers = [.. spec.Operands.Select(operand => backend.Allocate(operand.Length))];
        _views = [.. _buffers.Select(buffer => buffer.All)];
        foreach ((OperandInfo operand, View view) in spec.Operands.Zip(_views))
        {
            if (operand.Role != OperandRole.Out) backend.Upload(InputOf(operand), view);
        }
    }

    /// <summary>Random numbers, the same in every run, for which the operation is defined.</summary>
    public static float[] InputOf(OperandInfo operand)
    {
        if (operand.Name == "sparse w") return [.. MelFilterbank.Weights().Select(weight => (float)weight)];
        Random random = new(operand.Length);
        float[] values = new float[operand.Length];
        for (int i = 0; i < values.Length; i++) values[i] = Adapt(operand.Name, 2 * random.NextSingle() - 1);
        return values;
    }

    /// <summary>One call.</summary>
    public void Call() => Call(1);

    /// <summary>Several calls, after which a device is waited for once.</summary>
    public void Call(int launches)
    {
        for (int i = 0; i < launches; i++) Launch();
        _backend.Synchronize();
    }

    /// <summary>Starts a call; a device may not have finished it.</summary>
    public void Launch() => _spec.Run(_backend, _views, _packed);

    /// <summary>What the last call left in each output.</summary>
    public IEnumerable<(OperandInfo Operand, float[] Values)> Results()
    {
        foreach ((OperandInfo operand, View view) in _spec.Operands.Zip(_views))
        {
            if (operand.Role == OperandRole.In) continue;
            float[] values = new float[operand.Length];
            _backend.Download(view, values);
            yield return (operand, values);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed.Dispose();
        foreach (DeviceBuffer buffer in _buffers) buffer.Dispose();
    }

    // Second moments, deviations and targets are not negative; a place in a window of 3×3 is a whole number below 9.
    private static float Adapt(string operand, float value) => operand switch
    {
        "v" or "inverseStd" or "runningInverseStd" or "target" => Math.Abs(value),
        "argmax" => MathF.Floor((value + 1) * 4.49f),
        _ => value,
    };
}
