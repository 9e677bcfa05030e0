using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>
/// Everything that a training needs to continue to the same bits: named arrays in an .npz file. The file is written under a temporary name and then renamed, so
/// there is always a complete one. Tensors are float32; numbers are float64, which holds whole numbers up to 2⁵³.
/// </summary>
public sealed class Checkpoint
{
    private const string VersionName = "checkpoint_version";
    private const double Version = 1;

    private readonly Dictionary<string, NpyArray> _arrays = [];
    private readonly string _path = "the checkpoint";

    /// <summary>Makes an empty checkpoint.</summary>
    public Checkpoint() => Put(VersionName, Version);

    private Checkpoint(string path) => _path = path;

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or not a checkpoint of this version.</exception>
    public static Checkpoint Read(string path)
    {
        using NpzFile file = NpzFile.Open(path);
        if (!file.Contains(VersionName)) throw new EngineException($"{path} is not a checkpoint; remove it or name another folder");
        Checkpoint checkpoint = new(path);
        foreach (string name in file.Names) checkpoint._arrays[name] = file.Read(name);
        double version = checkpoint.Number(VersionName);
        return version == Version
            ? checkpoint
            : throw new EngineException($"{path} is a checkpoint of version {version}, this program writes version {Version}; start again in another folder");
    }

    /// <summary>Writes the checkpoint; the file that was there stays whole until the new one is.</summary>
    /// <exception cref="EngineException">It cannot be written.</exception>
    public void Write(string path) => NpzFile.Write(path, _arrays.Select(entry => (entry.Key, entry.Value)));

    /// <summary>Puts a tensor's elements in.</summary>
    public void Put(string name, Tensor tensor) => _arrays[name] = new NpyArray([tensor.Shape.Length], tensor.ToArray());

    /// <summary>Puts numbers in.</summary>
    public void Put(string name, params double[] numbers) => _arrays[name] = new NpyArray([numbers.Length], numbers);

    /// <summary>Puts text in.</summary>
    public void PutText(string name, string text) => Put(name, [.. text.Select(letter => (double)letter)]);

    /// <summary>Puts 64-bit words in, each as two halves.</summary>
    public void Put(string name, ReadOnlySpan<ulong> words)
    {
        double[] halves = new double[2 * words.Length];
        for (int i = 0; i < words.Length; i++) (halves[2 * i], halves[2 * i + 1]) = (words[i] >> 32, (uint)words[i]);
        Put(name, halves);
    }

    /// <summary>Takes a tensor's elements out.</summary>
    /// <exception cref="EngineException">There is no such array, it has another length, or an element is not finite.</exception>
    public void Take(string name, Tensor tensor)
    {
        NpyArray array = Array(name);
        if (array.Length != tensor.Shape.Length) throw Misfit(name);
        float[] values = array.ToSingle();
        if (!values.All(float.IsFinite)) throw Nonsense(name, "holds NaN or infinite values");
        tensor.Backend.Upload(values, tensor.View);
    }

    /// <summary>Text by name.</summary>
    /// <exception cref="EngineException">It is missing, or its numbers are not characters.</exception>
    public string Text(string name) => new([.. Numbers(name).Select(letter => letter == (char)letter ? (char)letter : throw Misfit(name))]);

    /// <summary>A whole number by name.</summary>
    /// <exception cref="EngineException">It is missing, is not one whole number, or lies outside this range.</exception>
    public long Count(string name, long from, long to) =>
        Number(name) is var number && double.IsInteger(number) && number >= from && number <= to
            ? (long)number : throw Nonsense(name, $"is {number}, which is not a whole number from {from} to {to}");

    /// <summary>The failure for a value that can be read but makes no sense.</summary>
    public EngineException Nonsense(string name, string problem) => new($"{_path} is of no use: '{name}' {problem}; start again in another folder");

    /// <summary>Whether there is something of this name.</summary>
    public bool Contains(string name) => _arrays.ContainsKey(name);

    /// <summary>Numbers by name.</summary>
    /// <exception cref="EngineException">They are missing.</exception>
    public double[] Numbers(string name) => Array(name).ToDouble();

    /// <summary>One number by name.</summary>
    /// <exception cref="EngineException">It is missing, or there is more than one.</exception>
    public double Number(string name) => Numbers(name) is [double number] ? number : throw Misfit(name);

    /// <summary>Words by name.</summary>
    /// <exception cref="EngineException">They are missing, or are not words.</exception>
    public ulong[] Words(string name)
    {
        double[] halves = Numbers(name);
        if (halves.Length % 2 != 0 || halves.Any(half => half != (uint)half)) throw Misfit(name);
        ulong[] words = new ulong[halves.Length / 2];
        for (int i = 0; i < words.Length; i++) words[i] = ((ulong)halves[2 * i] << 32) | (ulong)halves[2 * i + 1];
        return words;
    }

    private NpyArray Array(string name) => _arrays.TryGetValue(name, out NpyArray? array) ? array : throw Misfit(name);

    private EngineException Misfit(string name) =>
        new($"{_path} does not belong to this training ('{name}' does not fit); start again in another folder");
}
