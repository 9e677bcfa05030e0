using Engine.Bench.Peers;
using Engine.Kernels;

namespace Engine.Bench;

/// <summary>Every operation that the report's pieces of work run, from <c>shapes.csv</c>. A test holds the file against what they really run.</summary>
internal static class KernelCases
{
    // The definitions take a second for each GFLOP. An operation with more FLOPs than this is checked on fewer samples.
    private const long MostCheckedFlops = 2_000_000_000;
    private const int FewSamples = 4;

    /// <summary>All cases in the order of the file.</summary>
    public static IReadOnlyList<KernelCase> All { get; } = [.. LayerRow.ReadAll().Select(Of)];

    /// <summary>Floating-point operations of a piece of work, by the plain definitions.</summary>
    public static double FlopsOf(string work) => All.Where(kernel => kernel.Work == work).Sum(kernel => (double)kernel.Calls * kernel.Spec.Flops);

    private static KernelCase Of(LayerRow row)
    {
        OpSpec spec = row.Describe();
        string samples = row.Op.StartsWith("ConvMaxPool2d", StringComparison.Ordinal) ? "conv.n" : "n";
        bool few = spec.Flops > MostCheckedFlops && row.Values().TryGetValue(samples, out string? n) && int.Parse(n) > FewSamples;
        return new KernelCase(row.Work, row.Layer, row.Calls, spec)
        {
            CheckedAs = few ? row.Describe((samples, FewSamples)) : spec, Settings = new OpSettings(row.Values()),
            Peer = OnnxOperation.Of(row.Op, new OpSettings(row.Values())),
        };
    }
}
