namespace Engine.Kernels.Tests;

/// <summary>Calls one operation of a backend on its inputs, in the order of the interface, and its output.</summary>
internal delegate void OpBody(IBackend backend, View[] inputs, View output);

/// <summary>
/// One operation with its sizes and parameters: what to call, how long its arrays are, and how exact it must be. The same case serves known
/// answers, the comparison with the reference, and every property that all operations share.
/// </summary>
/// <param name="Name">The operation, its sizes and its parameters.</param>
/// <param name="Inputs">Floats in each input.</param>
/// <param name="Output">Floats in the output; several outputs lie one behind the other, see <see cref="LastPart"/>.</param>
/// <param name="Body">The call.</param>
internal sealed record OpCase(string Name, int[] Inputs, int Output, OpBody Body)
{
    private float[]? _expected;
    private float[]? _scale;

    /// <summary>How exact the operation must be, relative to <see cref="Scale"/> or to the result if that is larger.</summary>
    public Tolerance Tolerance { get; init; }

    /// <summary>What errors are relative to, from the inputs: for sums, the sums of their terms' absolute values.</summary>
    public Func<float[][], float[]> Scale { get; init; } = _ => [];

    /// <summary>Random inputs lie between plus and minus this.</summary>
    public float Range { get; init; } = 1;

    /// <summary>Turns random numbers into inputs that the operation is defined for.</summary>
    public Action<float[][]> Adjust { get; init; } = _ => { };

    /// <summary>Floats in the last of several outputs.</summary>
    public int LastPart { get; init; } = Output;

    /// <summary>Whether the operation has nothing to compare its input's length with.</summary>
    public bool TakesAnyLength { get; init; }

    /// <summary>Whether the operation may write its output over any input of the same length.</summary>
    public bool MayOverwriteInput { get; init; }

    /// <summary>Random inputs, the same in every run.</summary>
    public float[][] RandomInputs()
    {
        Random random = new(Output);
        float[][] inputs = [.. Inputs.Select(length => Enumerable.Range(0, length).Select(_ => Range * (2 * random.NextSingle() - 1)).ToArray())];
        Adjust(inputs);
        return inputs;
    }

    /// <summary>What the reference backend makes of <see cref="RandomInputs"/>.</summary>
    public float[] Expected => _expected ??= RunReference(RandomInputs());

    /// <summary>Asserts that a result on <see cref="RandomInputs"/> is the reference's within the tolerance.</summary>
    public void AssertExpected(float[] actual, string backend) =>
        Compare.Close(Expected, actual, Tolerance, _scale ??= Scale(RandomInputs()), $"{Name} on {backend}");

    /// <summary>Runs the operation on arrays.</summary>
    public float[] Run(IBackend backend, params float[][] inputs)
    {
        DeviceBuffer[] buffers = [.. inputs.Select(input => backend.Allocate(input.Length))];
        using DeviceBuffer output = backend.Allocate(Output);
        for (int i = 0; i < inputs.Length; i++) backend.Upload(inputs[i], buffers[i].All);
        Body(backend, [.. buffers.Select(buffer => buffer.All)], output.All);
        float[] result = new float[Output];
        backend.Download(output.All, result);
        foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        return result;
    }

    /// <summary>Runs the operation on the reference backend.</summary>
    public float[] RunReference(params float[][] inputs)
    {
        using IBackend reference = Backends.CreateReference();
        return Run(reference, inputs);
    }

    /// <summary>Runs the operation on a backend opened for it.</summary>
    public float[] RunOn(Device device, params float[][] inputs)
    {
        using IBackend backend = device.Open();
        return Run(backend, inputs);
    }

    /// <summary>Asserts an answer worked by hand, to the bit but for the sign of zero.</summary>
    public void AssertAnswer(Device device, float[] expected, params float[][] inputs)
    {
        using IBackend backend = device.Open();
        Compare.Close(expected, Run(backend, inputs), Tolerance.Exact, what: $"{Name} on {backend.Name}");
    }

    /// <summary>Asserts an answer worked by hand that is not a float, or not reached without rounding.</summary>
    public void AssertNearAnswer(Device device, float[] expected, params float[][] inputs)
    {
        using IBackend backend = device.Open();
        Compare.Close(expected, Run(backend, inputs), Tolerance, Scale(inputs), $"{Name} on {backend.Name}");
    }

    public override string ToString() => Name;
}
