using Engine.Bench.Peers;
using Engine.Kernels;

namespace Engine.Bench;

/// <summary>One operation as a piece of work runs it.</summary>
/// <param name="Work">The piece of work; a group of rows in the report.</param>
/// <param name="Layer">The layer, or layers.</param>
/// <param name="Calls">How often the work runs the operation.</param>
/// <param name="Spec">The operation.</param>
internal sealed record KernelCase(string Work, string Layer, int Calls, OpSpec Spec)
{
    /// <summary>The same operation on fewer samples, if that is what is held against the definition.</summary>
    public OpSpec CheckedAs { get; init; } = Spec;

    /// <summary>The operation's sizes and settings.</summary>
    public OpSettings Settings { get; init; } = new(new Dictionary<string, string>());

    /// <summary>The same operation for ONNX Runtime; null where none is compared.</summary>
    public OnnxOperation? Peer { get; init; }

    /// <summary>Arithmetic and traffic of the definition that is checked, in arbitrary units: what the check takes.</summary>
    public double CheckWork => CheckedAs.Flops + CheckedAs.Bytes;

    /// <inheritdoc/>
    public override string ToString() => $"{Work}: {Layer} {Spec.Name}";
}
