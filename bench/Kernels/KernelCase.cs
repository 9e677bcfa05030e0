using Engine.Kernels;
using Engine.Nn.Onnx;

namespace Engine.Bench;

/// <summary>Calls one operation of a backend on its inputs and its output.</summary>
internal delegate void KernelBody(IBackend backend, View[] inputs, View output);

/// <summary>One kernel on one layer's sizes: what to call, and how much arithmetic and traffic its plain definition has.</summary>
/// <param name="Network">Whose layer it is; a group of rows in the report.</param>
/// <param name="N">Samples.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Kernel">The operation.</param>
/// <param name="Inputs">Floats in each input.</param>
/// <param name="Output">Floats in the output; several outputs lie one behind the other.</param>
/// <param name="Body">The call.</param>
internal sealed record KernelCase(string Network, int N, string Layer, string Kernel, int[] Inputs, int Output, KernelBody Body)
{
    /// <summary>Floating-point operations of the plain definition, a multiply-add counted as two; 0 where memory bounds the kernel.</summary>
    public double Flops { get; init; }

    /// <summary>Bytes that must move at the least: each array once.</summary>
    public double Bytes { get; init; }

    /// <summary>The sizes, for people.</summary>
    public string Sizes { get; init; } = "";

    /// <summary>Turns random numbers from −1 to 1 into inputs that the operation is defined for.</summary>
    public Action<float[][]> Adjust { get; init; } = _ => { };

    /// <summary>The same kernel on fewer samples, if that is what is held against the definition.</summary>
    public KernelCase? CheckedAs { get; init; }

    /// <summary>Whether it belongs to training alone.</summary>
    public bool IsGradient { get; init; }

    /// <summary>Whether the operation changes its first input, which then is the output.</summary>
    public bool IsInPlace { get; init; }

    /// <summary>The same kernel as an ONNX model, from the inputs; null where none is compared.</summary>
    public Func<float[][], OnnxGraph>? Peer { get; init; }

    /// <summary>The axes of the first input, for the peer.</summary>
    public long[] XShape { get; init; } = [];

    /// <summary>Where the samples of the first input and of the output lie; the peer's lie first.</summary>
    public BatchLayout Layout { get; init; } = BatchLayout.First;

    /// <summary>The first input or the output as the peer has them.</summary>
    public float[] ForPeer(float[] values)
    {
        if (Layout == BatchLayout.First) return values;
        float[] turned = new float[values.Length];
        for (int i = 0, others = values.Length / N; i < values.Length; i++) turned[i % N * others + i / N] = values[i];
        return turned;
    }

    /// <summary>Random inputs, the same in every run.</summary>
    public float[][] RandomInputs()
    {
        Random random = new(Output);
        float[][] inputs = Array.ConvertAll(Inputs, length => new float[length]);
        foreach (float[] input in inputs)
        {
            for (int i = 0; i < input.Length; i++) input[i] = 2 * random.NextSingle() - 1;
        }

        Adjust(inputs);
        return inputs;
    }

    /// <summary>Puts the inputs on a backend, ready to be called.</summary>
    public KernelRun On(IBackend backend, float[][] inputs) => new(this, backend, inputs);

    /// <inheritdoc/>
    public override string ToString() => $"{Network} N={N} {Layer} {Kernel}";
}
