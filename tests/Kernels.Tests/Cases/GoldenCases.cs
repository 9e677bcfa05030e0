using Engine.Bench.Golden;
using Engine.Tests;

namespace Engine.Kernels.Tests;

/// <summary>
/// Cases made from the reference arrays in <c>tests/golden</c>, with their sizes, settings, inputs and tolerances. An operation without cases in
/// <see cref="Ops"/> is tested with these, so a new operation needs only its lines in <c>kernel_cases.py</c>.
/// </summary>
internal static class GoldenCases
{
    private const string Length = "length";

    private static readonly HashSet<string> Operations = [.. OpTable.All.Keys.Except(Ops.WithOwnCases)];

    private static readonly GoldenCase[] Arrays =
        [.. GoldenFile.ReadAll(Path.Combine(ReferenceData.Repository, "tests", "golden")).Where(golden => Operations.Contains(golden.Op))];

    /// <summary>The cases as they are.</summary>
    public static IEnumerable<OpCase> All => Arrays.Select(golden => CaseOf(golden, KernelCheck.Describe(golden)));

    /// <summary>The pointwise operations with another length: their inputs are repeated.</summary>
    public static IEnumerable<OpCase> Pointwise(int length) =>
        Arrays.Where(golden => golden.Settings.TryGetProperty(Length, out _)).GroupBy(golden => golden.Op)
            .Select(cases => cases.MaxBy(golden => golden.Setting<int>(Length))!)
            .Select(golden => CaseOf(golden, KernelCheck.Describe(golden, length)));

    private static OpCase CaseOf(GoldenCase golden, OpSpec spec)
    {
        OperandInfo[] outputs = [.. spec.Operands.Where(OpCase.IsOutput)];
        double tolerance = golden.Outputs.Max(output => output.Tolerance);
        return new OpCase(spec)
        {
            Tolerance = new Tolerance(tolerance),
            Scale = _ => tolerance == 0 ? [] : [.. outputs.SelectMany(output => Enumerable.Repeat(ScaleOf(golden, output, tolerance), output.Length))],
            Adjust = inputs =>
            {
                string[] names = [.. spec.Operands.Where(OpCase.IsInput).Select(operand => operand.Name)];
                for (int i = 0; i < inputs.Length; i++)
                {
                    float[] values = golden.Input(names[i]);
                    for (int k = 0; k < inputs[i].Length; k++) inputs[i][k] = values[k % values.Length];
                }
            },
            TakesAnyLength = golden.Settings.TryGetProperty(Length, out _) && spec.Operands.Skip(1).All(operand => operand.Length != spec.Operands[0].Length),
        };
    }

    // Tolerances are relative to the largest value of each output. A sum over repeated inputs grows with them.
    private static float ScaleOf(GoldenCase golden, OperandInfo operand, double tolerance)
    {
        GoldenOutput output = golden.Outputs.Single(output => output.Name == operand.Name);
        return (float)(output.Largest * output.Tolerance / tolerance * Math.Max(1, (double)operand.Length / output.Length));
    }
}
