using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// Mean and standard deviation of the 80 bands over a training set, which normalise a frame: (x − mean) / std; and perhaps the level to which a song is brought
/// before.
/// </summary>
public sealed class BandStatistics
{
    private const string LevelName = "level";

    internal BandStatistics(double[] mean, double[] std, double? level = null) => (Mean, Std, Level) = (mean, std, level);

    /// <summary>The bands' means.</summary>
    public IReadOnlyList<double> Mean { get; }

    /// <summary>The bands' standard deviations.</summary>
    public IReadOnlyList<double> Std { get; }

    /// <summary>The level in dB to which songs are brought (<see cref="SongLevel"/>); null leaves them as they are, as in the published method.</summary>
    public double? Level { get; }

    /// <summary>32 hexadecimal digits of the SHA-256 of the numbers, which tell whether two files hold the same statistics.</summary>
    public string Digest
    {
        get
        {
            const int digits = 32;
            double[] numbers = Level is { } level ? [.. Mean, .. Std, level] : [.. Mean, .. Std];
            return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(numbers.AsSpan())))[..digits];
        }
    }

    /// <summary>One normalised frame of silence, which pads a song at both ends so that every frame gets a prediction.</summary>
    public float[] Silence => [.. Mean.Zip(Std, (mean, std) => (float)((Math.Log(MagnitudeFloor) - mean) / std))];

    /// <summary>Reads an .npz file with the arrays <c>mean</c> and <c>std</c> of 80 numbers each, and perhaps <c>level</c>, one number in dB.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or does not hold such statistics.</exception>
    public static BandStatistics Read(string path)
    {
        using NpzFile file = NpzFile.Open(path);
        double[] mean = ReadBands(file, "mean", path), std = ReadBands(file, "std", path);
        if (std.Any(value => value <= 0)) throw new EngineException($"{path}: std holds values that are not positive");
        if (mean.Concat(std.Select(value => 1 / value)).Any(value => !float.IsFinite((float)value)))
        {
            throw new EngineException($"{path} holds values that are too large or too small for float32");
        }

        return new BandStatistics(mean, std, file.Contains(LevelName) ? ReadLevel(file, path) : null);
    }

    /// <summary>Writes the file that <see cref="Read"/> reads, with float64 numbers.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Write(string path) =>
        NpzFile.Write(path, [
            ("mean", new NpyArray([Bands], [.. Mean])), ("std", new NpyArray([Bands], [.. Std])),
            .. Level is { } level ? [(LevelName, new NpyArray([1], [level]))] : (ReadOnlySpan<(string, NpyArray)>)[],
        ]);

    /// <summary>The same with another level.</summary>
    internal BandStatistics At(double? level) => new([.. Mean], [.. Std], level);

    /// <summary>Uploads the normalisation to a backend.</summary>
    public BandNormalizer On(IBackend backend) => new(backend, this);

    private static double ReadLevel(NpzFile file, string path) =>
        file.Describe(LevelName).Shape is [] or [1] && file.Read(LevelName).ToDouble()[0] is var level && double.IsFinite(level)
            ? level : throw new EngineException($"{path}: {LevelName} is not one finite number");

    private static double[] ReadBands(NpzFile file, string name, string path)
    {
        if (!file.Contains(name))
        {
            throw new EngineException($"{path} does not hold normalisation statistics: it has no array '{name}' (it has {string.Join(", ", file.Names)})");
        }

        int[] shape = file.Describe(name).Shape;
        if (shape is not [Bands]) throw new EngineException($"{path}: {name} has shape ({string.Join(", ", shape)}), not ({Bands},): one number per mel band");
        double[] values = file.Read(name).ToDouble();
        if (values.Any(value => !double.IsFinite(value))) throw new EngineException($"{path}: {name} holds NaN or infinite values");
        return values;
    }
}

/// <summary>The normalisation on a backend.</summary>
public sealed class BandNormalizer : IDisposable
{
    private readonly Tensor _mean;
    private readonly Tensor _inverseStd;
    private readonly Tensor _one;
    private readonly Tensor _zero;

    private readonly IBackend _backend;

    internal BandNormalizer(IBackend backend, BandStatistics statistics)
    {
        (_backend, Level) = (backend, statistics.Level);
        Shape bands = new(Bands);
        _mean = Tensor.From(backend, bands, [.. statistics.Mean.Select(mean => (float)mean)]);
        _inverseStd = Tensor.From(backend, bands, [.. statistics.Std.Select(std => (float)(1 / std))]);
        _one = Tensor.From(backend, bands, [.. Enumerable.Repeat(1f, Bands)]);
        _zero = Tensor.From(backend, bands, new float[Bands]);
    }

    /// <inheritdoc cref="BandStatistics.Level"/>
    public double? Level { get; }

    /// <summary>Normalises frames×80 at the level that they have. The caller owns the result.</summary>
    public Tensor Normalize(Tensor frames) => frames.BatchNorm(_mean, _inverseStd, _one, _zero);

    /// <summary>Normalises frames×80 of a song in place after a change of its level in dB: see <see cref="SongLevel.GainTo"/>.</summary>
    public void Normalize(Span<float> frames, double gain)
    {
        if (gain != 0) SongLevel.Amplify(frames, gain);
        using Tensor logMel = Tensor.From(_backend, new Shape(frames.Length / Bands, Bands), frames);
        using Tensor normalized = Normalize(logMel);
        normalized.CopyTo(frames);
    }

    /// <summary>A whole song's frames×80, brought to the level of the statistics, if they have one, and normalised.</summary>
    public float[] NormalizeSong(ReadOnlySpan<float> logMel)
    {
        float[] frames = logMel.ToArray();
        Normalize(frames, Level is { } level ? SongLevel.GainTo(level, frames) : 0);
        return frames;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in (Tensor[])[_mean, _inverseStd, _one, _zero]) tensor.Dispose();
    }
}
