using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>The SIMD forms on a team of threads, for one vector width.</summary>
internal sealed class CpuBackend<TV> : HostBackend
    where TV : unmanaged, IVector<TV>
{
    private readonly CpuContext _cpu;

    public CpuBackend(int threads) => _cpu = new CpuContext(threads, Memory);

    public override string Name => $"cpu ({TV.Width * 32}-bit vectors, {_cpu.Threads} thread{(_cpu.Threads == 1 ? "" : "s")})";

    public override BatchLayout MapLayout => BatchLayout.ChannelsLast;

    public override void Run<TOp>(in TOp op)
    {
        OperandCheck.Check(op);
        op.Cpu<TV>(_cpu);
    }

    public override void Dispose()
    {
        _cpu.Dispose();
        base.Dispose();
    }
}
