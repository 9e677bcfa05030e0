using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>An operation with input x, filters w, bias b and output y, and its rungs. All rungs read and write the same arrays.</summary>
internal abstract class OperationLadder : IDisposable
{
    private readonly List<Rung> _rungs = [];
    private float[]? _expected;

    private protected OperationLadder(string name, OpSpec spec) => (Name, Spec) = (name, spec);

    /// <summary>A short name of the operation.</summary>
    public string Name { get; }

    /// <summary>The operation.</summary>
    public OpSpec Spec { get; }

    /// <summary>The rungs, the definition in plain loops first.</summary>
    public IReadOnlyList<Rung> Rungs => _rungs;

    /// <summary>Runs a rung and compares it with the definition.</summary>
    /// <exception cref="EngineException">It computes something else.</exception>
    public double Check(Rung rung)
    {
        _expected ??= Define(Spec);
        float[] actual = new float[_expected.Length];

        // Otherwise a rung that writes nothing would pass with the result of the one before.
        Array.Fill(actual, float.NaN);
        Write(actual);
        rung.Run();
        Read(actual);
        return Report.Check.Close(_expected, actual, Report.Check.KernelTolerance, $"{Name}, rung {rung.Number} ({rung.Name})");
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    private protected void Add(string name, int threads, Action run, params string[] files) =>
        _rungs.Add(new Rung(_rungs.Count + 1, name, threads, files, run));

    private protected abstract void Write(float[] y);

    private protected abstract void Read(float[] y);

    private static float[] Define(OpSpec spec)
    {
        using IBackend reference = Backends.CreateReference();
        using KernelRun run = new(spec, reference);
        run.Call();
        return run.Results().Single().Values;
    }
}

/// <summary>The arrays on a CPU backend of one vector width, with a team of one thread and one of all threads.</summary>
internal abstract unsafe class OperationLadder<TV> : OperationLadder
    where TV : unmanaged, IVector<TV>
{
    private readonly CpuBackend<TV> _backend;
    private readonly List<DeviceBuffer> _buffers = [];

    private protected OperationLadder(string name, OpSpec spec, int threads)
        : base(name, spec)
    {
        _backend = new CpuBackend<TV>(threads);
        One = new CpuContext(1, _backend.Memory);
        All = new CpuContext(threads, _backend.Memory);
        View[] views = [.. spec.Operands.Select(operand => Rent(operand.Length))];
        foreach ((OperandInfo operand, View view) in spec.Operands.Zip(views))
        {
            if (operand.Role == OperandRole.In) _backend.Upload(KernelRun.InputOf(operand), view);
        }

        (XView, WView, BView, YView) = (views[0], views[1], views[2], views[3]);
        X = One.At(XView);
        W = One.At(WView);
        B = One.At(BView);
        Y = One.At(YView);
    }

    private protected IBackend Backend => _backend;

    private protected CpuContext One { get; }

    private protected CpuContext All { get; }

    private protected View XView { get; }

    private protected View WView { get; }

    private protected View BView { get; }

    private protected View YView { get; }

    private protected float* X { get; }

    private protected float* W { get; }

    private protected float* B { get; }

    private protected float* Y { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers) buffer.Dispose();
        One.Dispose();
        All.Dispose();
        _backend.Dispose();
    }

    private protected View Rent(int length)
    {
        _buffers.Add(_backend.Allocate(length));
        return _buffers[^1].All;
    }

    private protected override void Write(float[] y) => _backend.Upload(y, YView);

    private protected override void Read(float[] y) => _backend.Download(YView, y);
}
