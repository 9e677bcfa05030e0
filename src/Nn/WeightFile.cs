using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>
/// A weight file in the layout of the published ones: an .npz with float32 arrays <c>param0</c>, <c>param1</c>, … from the input on, each layer's
/// weight before its bias or its batch-norm parameters.
/// </summary>
public sealed class WeightFile
{
    private WeightFile(string path, IReadOnlyList<NpyArray> arrays) => (Path, Arrays) = (path, arrays);

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The arrays in order.</summary>
    public IReadOnlyList<NpyArray> Arrays { get; }

    /// <summary>Reads a file and checks what does not depend on the network: names, element type, finite values.</summary>
    /// <exception cref="EngineException">The file is missing, damaged or not a weight file.</exception>
    public static WeightFile Read(string path)
    {
        using NpzFile file = NpzFile.Open(path);
        List<NpyArray> arrays = [];
        for (int i = 0; i < file.Names.Count; i++)
        {
            string name = $"param{i}";
            if (!file.Contains(name)) throw new EngineException($"{path} is not a weight file: among its {file.Names.Count} arrays is no {name}");
            NpyArray array = file.Read(name);
            if (array.IsDouble) throw new EngineException($"{path}: {name} is float64; weight files hold float32");
            if (array.ToSingle().Any(value => !float.IsFinite(value))) throw new EngineException($"{path}: {name} holds NaN or infinite values");
            arrays.Add(array);
        }

        if (arrays.Count == 0) throw new EngineException($"{path} is not a weight file: it holds no arrays");
        return new WeightFile(path, arrays);
    }

    /// <summary>Writes a module's parameters.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void Write(string path, Module module) => NpzFile.Write(
        path,
        module.Parameters.Select((parameter, i) =>
        {
            int[] sizes = [.. Enumerable.Range(0, parameter.Shape.Rank).Select(axis => parameter.Shape[axis])];
            return ($"param{i}", new NpyArray(sizes, parameter.ToFileLayout()));
        }));

    /// <summary>Whether the arrays are those of a module, by number and shape.</summary>
    public bool Fits(Module module) => Complaint(module) is null;

    /// <summary>Loads a module's parameters.</summary>
    /// <exception cref="EngineException">The number of arrays or a shape does not fit; the message says which.</exception>
    public void LoadInto(Module module, string network, IBackend backend)
    {
        if (Complaint(module) is { } complaint) throw new EngineException($"{Path} does not hold {network}: {complaint}");
        module.Load(backend, Arrays);
    }

    private string? Complaint(Module module)
    {
        IReadOnlyList<Parameter> parameters = module.Parameters;
        for (int i = 0; i < Math.Min(Arrays.Count, parameters.Count); i++)
        {
            if (Arrays[i].Shape is not { Length: >= 1 and <= Shape.MaxRank } sizes || !parameters[i].Shape.Is(sizes))
            {
                return $"param{i} is {(Arrays[i].Shape.Length == 0 ? "a single number" : string.Join('×', Arrays[i].Shape.ToArray()))}, "
                    + $"not {parameters[i].Shape} ({parameters[i].Name})";
            }
        }

        return Arrays.Count == parameters.Count ? null : $"it has {Arrays.Count} arrays, not {parameters.Count}";
    }
}
