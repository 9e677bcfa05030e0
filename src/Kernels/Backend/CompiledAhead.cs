using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Names the operations of inference for the widest vectors. A compiler that compiles ahead (ReadyToRun) takes generic code only for the types for which it
/// sees it called, and it does not see through <see cref="IBackend.Run"/>. Nothing calls this.
/// </summary>
internal static class CompiledAhead
{
    internal static void Inference(CpuContext cpu)
    {
        Run<BatchNormInferOp>(cpu, default);
        Run<Conv2dOp>(cpu, default);
        Run<ConvConvMaxPool2dOp>(cpu, default);
        Run<ConvMaxPool2dOp>(cpu, default);
        Run<ConvTranspose2dOp>(cpu, default);
        Run<DenseOp>(cpu, default);
        Run<LogFloorOp>(cpu, default);
        Run<MagnitudeOp>(cpu, default);
        Run<Pad2dOp>(cpu, default);
        Run<RealFftOp>(cpu, default);
        Run<TransposeOp>(cpu, default);
    }

    private static void Run<TOp>(CpuContext cpu, in TOp op)
        where TOp : struct, IOp
    {
        OperandCheck.Check(op);
        op.Cpu<V512>(cpu);
    }
}
