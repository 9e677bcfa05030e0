namespace Engine.Kernels.Tests;

/// <summary>
/// One operation with its sizes and parameters, and how exact it must be. The same case is used for known answers, for the comparison with the reference, and
/// for every property that all operations share.
/// </summary>
/// <param name="Spec">The operation.</param>
internal sealed record OpCase(OpSpec Spec)
{
    private float[]? _expected;
    private float[]? _scale;

    /// <summary>The operation, its sizes and its parameters.</summary>
    public string Name => Spec.Title;

    /// <summary>Floats in each input, those that the operation changes among them.</summary>
    public int[] Inputs { get; } = [.. Spec.Operands.Where(IsInput).Select(operand => operand.Length)];

    /// <summary>Floats in all outputs together, which lie one behind the other in results.</summary>
    public int Output { get; } = Spec.Operands.Where(IsOutput).Sum(operand => operand.Length);

    /// <summary>How exact the operation must be, relative to <see cref="Scale"/> or to the result if that is larger.</summary>
    public Tolerance Tolerance { get; init; }

    /// <summary>What errors are relative to, from the inputs: for sums, the sums of their terms' absolute values.</summary>
    public Func<float[][], float[]> Scale { get; init; } = _ => [];

    /// <summary>Random inputs lie between plus and minus this.</summary>
    public float Range { get; init; } = 1;

    /// <summary>Turns random numbers into inputs that the operation is defined for.</summary>
    public Action<float[][]> Adjust { get; init; } = _ => { };

    /// <summary>Whether the operation has nothing to compare its first operand's length with.</summary>
    public bool TakesAnyLength { get; init; }

    /// <summary>Whether the operation may write its output over any input of the same length.</summary>
    public bool MayOverwriteInput { get; init; }

    /// <summary>Where packed filters stay from run to run; null where there are none.</summary>
    public PackedFilter? Packed { get; init; }

    /// <summary>Whether an operand is read.</summary>
    public static bool IsInput(OperandInfo operand) => operand.Role != OperandRole.Out;

    /// <summary>Whether an operand is written.</summary>
    public static bool IsOutput(OperandInfo operand) => operand.Role != OperandRole.In;

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
    public float[] Run(IBackend backend, params float[][] inputs) => RunInPlace(backend, "", "", inputs);

    /// <summary>Runs the operation with an output written over an input, both by name.</summary>
    public float[] RunInPlace(IBackend backend, string output, string input, float[][] inputs)
    {
        DeviceBuffer[] buffers = [.. Spec.Operands.Select(operand => backend.Allocate(operand.Length))];
        View[] views = [.. buffers.Select(buffer => buffer.All)];
        Upload(backend, views, inputs);
        string[] names = [.. Spec.Operands.Select(operand => operand.Name)];
        if (output.Length > 0) views[Array.IndexOf(names, output)] = views[Array.IndexOf(names, input)];
        Spec.Run(backend, views, Packed);
        float[] result = Download(backend, views);
        foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        return result;
    }

    /// <summary>Fills the views of the inputs.</summary>
    public void Upload(IBackend backend, View[] views, float[][] inputs)
    {
        int next = 0;
        foreach ((OperandInfo operand, View view) in Spec.Operands.Zip(views))
        {
            if (IsInput(operand)) backend.Upload(inputs[next++], view);
        }
    }

    /// <summary>What the views of the outputs hold, one behind the other.</summary>
    public float[] Download(IBackend backend, View[] views)
    {
        float[] result = new float[Output];
        int at = 0;
        foreach ((OperandInfo operand, View view) in Spec.Operands.Zip(views))
        {
            if (!IsOutput(operand)) continue;
            backend.Download(view, result.AsSpan(at, operand.Length));
            at += operand.Length;
        }

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

    /// <summary>Asserts an answer worked by hand, to the bit except for the sign of zero.</summary>
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

    /// <summary>Asserts, at every vector width, the largest error of random inputs relative to <see cref="Scale"/>.</summary>
    public void AssertDigits(double tolerance)
    {
        float[] scale = Scale(RandomInputs());
        foreach (Device device in Devices.Cpu)
        {
            float[] actual = RunOn(device, RandomInputs());
            double worst = actual.Select((y, i) => Math.Abs((double)y - Expected[i]) / scale[i]).Max();
            Assert.InRange(worst, 0, tolerance);
        }
    }

    public override string ToString() => Name;
}
