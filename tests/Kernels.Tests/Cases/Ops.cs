using System.Reflection;
using CsCheck;
using Xunit.Sdk;

namespace Engine.Kernels.Tests;

/// <summary>
/// The table of cases for the tests that are the same for all operations. Some sizes are chosen to be awkward, others are generated, the same in every run.
/// Each family of operations has a file: a method that makes a case of each operation, the sizes, and the list of cases.
/// </summary>
internal static partial class Ops
{
    private const int GeneratedPerOp = 10;

    // Lazy, because the static fields of the other files may not be set yet.
    private static readonly Lazy<Dictionary<string, OpCase>> Table =
        new(() => Own().Concat(GoldenCases.All).DistinctBy(op => op.Name).ToDictionary(op => op.Name));

    /// <summary>Every activation.</summary>
    public static readonly Activation[] Activations =
        [.. Enum.GetValues<ActivationKind>().Select(kind => new Activation(kind, kind == ActivationKind.LeakyRelu ? 0.01f : 0)), Activation.LeakyRelu(0)];

    /// <summary>All cases by name, in order.</summary>
    public static IReadOnlyDictionary<string, OpCase> ByName => Table.Value;

    /// <summary>The operations that have cases in these files; the reference arrays give the cases of the others.</summary>
    public static IReadOnlySet<string> WithOwnCases => Own().Select(op => op.Spec.Name).ToHashSet();

    /// <summary>The pointwise operations with as many elements as asked; the batch normalisation both along Inner and along C.</summary>
    public static IEnumerable<OpCase> Pointwise(int length) => OwnPointwise(length).Concat(GoldenCases.Pointwise(length));

    private static IEnumerable<OpCase> Own() =>
    [
        .. ConvolutionCases(), .. TransposedConvolutionCases(), .. PoolingCases(), .. LayerCases(), .. LossCases(), .. AxesCases(), .. MoveCases(),
        .. new[] { 1, 70, 2 * 16384 + 5 }.SelectMany(OwnPointwise), // 16384 elements make a task
    ];

    // A case of an operation that is a sum of products of its inputs.
    private static OpCase SumOfProducts(OpSpec spec, int terms) =>
        new(spec) { Tolerance = Tolerance.Sum(terms), Scale = inputs => new OpCase(spec).RunReference(Absolute(inputs)) };

    private static void Absolute(float[] input)
    {
        for (int i = 0; i < input.Length; i++) input[i] = Math.Abs(input[i]);
    }

    private static float[][] Absolute(float[][] inputs) => [.. inputs.Select(input => input.Select(Math.Abs).ToArray())];

    private static float[] Negated(float[] input) => [.. input.Select(value => -value)];

    // n distinct numbers from 1 to 7.
    private static Gen<int[]> Distinct(int n) => Gen.Shuffle(Enumerable.Range(1, 7).ToArray(), n, n);

    private static Gen<(int H, int W)> Pair(int min, int max) => Gen.Select(Gen.Int[min, max], Gen.Int[min, max], (h, w) => (h, w));

    private static IEnumerable<T> Generate<T>(Gen<T> generator)
    {
        PCG random = new(1, 2024);
        return [.. Enumerable.Range(0, GeneratedPerOp).Select(_ => generator.Generate(random, null, out Size _))];
    }
}

/// <summary>Runs a theory (Device device, string name) on every case, on every vector width or on all that computes but the definitions.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EveryCaseAttribute : DataAttribute
{
    public bool OnGpusToo { get; init; }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        (OnGpusToo ? Devices.All.Where(device => device != Device.Reference) : Devices.Cpu)
            .SelectMany(device => Ops.ByName.Keys.Select(name => new object[] { device, name }));
}
