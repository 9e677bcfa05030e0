using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>
/// A weight file in the layout of the published ones: an .npz with float32 arrays <c>param0</c>, <c>param1</c>, … in the order of the layers, each layer's
/// weight before its bias or its batch-norm parameters. The archive's comment may say what the file belongs to; NumPy ignores it.
/// </summary>
public sealed class WeightFile
{
    // The largest network has a tenth of this number.
    private const long MostValues = 16 << 20;

    private readonly Lazy<IReadOnlyList<NpyArray>> _arrays;

    private WeightFile(string path, IReadOnlyList<int[]> shapes, string comment)
    {
        (Path, Shapes, Comment) = (path, shapes, comment);
        _arrays = new Lazy<IReadOnlyList<NpyArray>>(ReadArrays);
    }

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The arrays' sizes, in order.</summary>
    public IReadOnlyList<int[]> Shapes { get; }

    /// <summary>What the writer said beside the arrays; empty where there is nothing.</summary>
    public string Comment { get; }

    /// <summary>The arrays in order, read when they are first asked for: when the shapes are known to be those that are wanted.</summary>
    /// <exception cref="EngineException">The file cannot be read any more, is damaged, or holds values that are not finite.</exception>
    public IReadOnlyList<NpyArray> Arrays => _arrays.Value;

    /// <summary>32 hexadecimal digits of the SHA-256 of the arrays' shapes and values: the same for the same weights, whichever way they are packed.</summary>
    /// <exception cref="EngineException">See <see cref="Arrays"/>.</exception>
    public string Digest => DigestOf(Shapes.Count);

    /// <summary>Reads the headers and checks what does not depend on the network: names, element type, number of values.</summary>
    /// <exception cref="EngineException">The file is missing, damaged or not a weight file.</exception>
    public static WeightFile Read(string path)
    {
        using NpzFile file = NpzFile.Open(path);
        List<int[]> shapes = [];
        long values = 0;
        for (int i = 0; i < file.Names.Count; i++)
        {
            string name = NameOf(i);
            if (!file.Contains(name)) throw new EngineException($"{path} is not a weight file: among its {file.Names.Count} arrays is no {name}");
            (bool isDouble, int[] shape) = file.Describe(name);
            if (isDouble) throw new EngineException($"{path}: {name} is float64; weight files hold float32");
            values += shape.Aggregate(1L, (product, size) => product * size);
            if (values > MostValues) throw new EngineException($"{path} is not a weight file of this program: it holds more than {MostValues} numbers");
            shapes.Add(shape);
        }

        if (shapes.Count == 0) throw new EngineException($"{path} is not a weight file: it holds no arrays");
        return new WeightFile(path, shapes, file.Comment);
    }

    /// <summary>Writes a module's parameters, see <see cref="Module.Save"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="module">The module with the parameters.</param>
    /// <param name="comment">What <see cref="Comment"/> will say; ASCII.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    internal static void Write(string path, Module module, string comment = "") => NpzFile.Write(
        path,
        module.Parameters.Select((parameter, i) =>
        {
            int[] sizes = [.. Enumerable.Range(0, parameter.Shape.Rank).Select(axis => parameter.Shape[axis])];
            return (NameOf(i), new NpyArray(sizes, parameter.ToFileLayout()));
        }),
        comment);

    /// <summary>Whether the arrays are those of a module, by number and shape.</summary>
    public bool Fits(Module module) => Complaint(module) is null;

    /// <summary>Loads a module's parameters.</summary>
    /// <exception cref="EngineException">The number of arrays or a shape does not fit; the message says which.</exception>
    public void LoadInto(Module module, string network, IBackend backend)
    {
        if (Complaint(module) is { } complaint) throw new EngineException($"{Path} does not hold {network}: {complaint}");
        foreach ((Parameter parameter, NpyArray array) in module.Parameters.Zip(Arrays)) parameter.Load(backend, array.AsSingle());
    }

    /// <summary>The <see cref="Digest"/> of the first arrays alone.</summary>
    /// <exception cref="EngineException">See <see cref="Arrays"/>.</exception>
    public string DigestOf(int arrays)
    {
        const int digits = 32;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (NpyArray array in Arrays.Take(arrays))
        {
            hash.AppendData(Encoding.ASCII.GetBytes($"({string.Join(',', array.Shape.ToArray())})"));
            hash.AppendData(MemoryMarshal.AsBytes(array.AsSingle()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..digits];
    }

    private static string NameOf(int number) => $"param{number}";

    private NpyArray[] ReadArrays()
    {
        using NpzFile file = NpzFile.Open(Path);
        return [.. Shapes.Select((shape, i) =>
        {
            NpyArray array = file.Read(NameOf(i));
            if (array.IsDouble || !array.Shape.SequenceEqual(shape)) throw new EngineException($"{Path} has changed while it was read; try again");
            foreach (float value in array.AsSingle())
            {
                if (!float.IsFinite(value)) throw new EngineException($"{Path}: {NameOf(i)} holds NaN or infinite values");
            }

            return array;
        })];
    }

    private string? Complaint(Module module)
    {
        IReadOnlyList<Parameter> parameters = module.Parameters;
        for (int i = 0; i < Math.Min(Shapes.Count, parameters.Count); i++)
        {
            if (Shapes[i] is not { Length: >= 1 and <= Shape.MaxRank } sizes || !parameters[i].Shape.Is(sizes))
            {
                return $"{NameOf(i)} is {(Shapes[i].Length == 0 ? "a single number" : string.Join('×', Shapes[i]))}, "
                    + $"not {parameters[i].Shape} ({parameters[i].Name})";
            }
        }

        return Shapes.Count == parameters.Count ? null : $"it has {Shapes.Count} arrays, not {parameters.Count}";
    }
}
