using Engine.Kernels;

namespace Engine.Bench.Golden;

/// <summary>Runs a case of a kernel.</summary>
internal static class KernelCheck
{
    /// <summary>The outputs by name.</summary>
    /// <exception cref="EngineException">There is no such kernel, or the case does not fit it.</exception>
    public static IReadOnlyDictionary<string, float[]> Run(GoldenCase @case, IBackend backend)
    {
        OpSpec spec = Describe(@case);
        if (@case.Inputs.Keys.FirstOrDefault(name => spec.Operands.All(operand => operand.Name != name || operand.Role == OperandRole.Out)) is { } unknown)
        {
            throw @case.Complaint($"has an input {MessageText.Quote(unknown)}, which {@case.Op} does not read");
        }

        DeviceBuffer[] buffers = [.. spec.Operands.Select(operand => backend.Allocate(operand.Length))];
        try
        {
            foreach ((OperandInfo operand, DeviceBuffer buffer) in spec.Operands.Zip(buffers))
            {
                if (operand.Role != OperandRole.Out) backend.Upload(InputOf(@case, operand), buffer.All);
            }

            spec.Run(backend, [.. buffers.Select(buffer => buffer.All)]);
            return spec.Operands.Zip(buffers).Where(pair => pair.First.Role != OperandRole.In)
                .ToDictionary(pair => pair.First.Name, pair => Download(backend, pair.Second));
        }
        finally
        {
            foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        }
    }

    /// <summary>The case's operation, perhaps with another <c>length</c>.</summary>
    /// <exception cref="EngineException">There is no such kernel, or the settings do not fit it.</exception>
    public static OpSpec Describe(GoldenCase @case, int? length = null)
    {
        if (!OpTable.All.TryGetValue(@case.Op, out OpTable.Maker? make))
        {
            throw @case.Complaint($"is of the kernel {MessageText.Quote(@case.Op)}, which there is not");
        }

        // The optional arrays are those that the case has.
        Dictionary<string, string> settings = @case.FlatSettings();
        settings["bias"] = $"{@case.Inputs.ContainsKey("b") || @case.Outputs.Any(output => output.Name == "db")}";
        if (length is not null) settings["length"] = $"{length}";
        settings["factor"] = $"{@case.Inputs.ContainsKey("factor")}";
        settings["argmax"] = $"{@case.Outputs.Any(output => output.Name == "argmax")}";
        try
        {
            return make(new OpSettings(settings));
        }
        catch (Exception e) when (e is EngineException or ArgumentException)
        {
            throw @case.Complaint($"does not describe a call of {@case.Op}: {e.Message}");
        }
    }

    private static float[] InputOf(GoldenCase @case, OperandInfo operand)
    {
        float[] values = @case.Input(operand.Name);
        return values.Length == operand.Length ? values
            : throw @case.Complaint($"has {values.Length} values of {operand.Name}; with its settings there are {operand.Length}");
    }

    private static float[] Download(IBackend backend, DeviceBuffer buffer)
    {
        float[] values = new float[buffer.All.Length];
        backend.Download(buffer.All, values);
        return values;
    }
}
