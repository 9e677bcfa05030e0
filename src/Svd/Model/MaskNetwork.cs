using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>SVDNet's maps as <see cref="MaskNetwork"/> takes them in: mp6 to 16 channels, conv4 to 16 and mp3 to 8; rows and columns stay.</summary>
internal readonly record struct MaskNetworkMaps(Tensor Pool6, Tensor Conv4, Tensor Pool3) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Pool6.Dispose();
        Conv4.Dispose();
        Pool3.Dispose();
    }
}

/// <summary>
/// The mask network. From the maps that SVDNet computes anyway, it computes the importance of each bin of an excerpt in one pass (the idea of Dabkowski and
/// Gal, "Real time image saliency for black box classifiers", NIPS 2017). It goes back through SVDNet's stages: a transposed convolution undoes the size of
/// each stage (conv5 and mp6, conv4, then conv1, conv2 and mp3), and a 1×1 convolution adds the map that the stage started from. Batch normalisation and ELU
/// follow each sum, since SVDNet's maps have no fixed scale. The result is broad regions; a filter over the input adds which of their bins stand out. Only the
/// order of the importance z counts.
/// <code>
/// a = ELU(BN(fc8: 64→16×11×7 + mp6: 1×1, 64→16))                      16×11×7
/// b = ELU(BN(up5: 5×5, stride 3, 16→16 + conv4: 1×1, 128→16))         16×35×23
/// c = ELU(BN(up4: 3×3, 16→8 + mp3: 1×1, 32→8))                         8×37×25
/// z = box(up2: 8×8, stride 3, 8→1, cropped) + input: 9×9, 1→1         1×115×80
/// </code>
/// The box, a mean over 3×3, removes the pattern of period 3 that strides of 3 leave, and with it most of a mask's tiny pieces.
/// </summary>
/// <remarks>Weight files hold fc8, mp6, up5, conv4, up4, mp3, up2, input and the three normalisations, in the layout of <see cref="WeightFile"/>.</remarks>
public sealed class MaskNetwork : IDisposable
{
    private const int Channels6 = 16, Rows6 = 11, Columns6 = 7, Channels4 = 16, Channels3 = 8, DetailSize = 9;

    // The blur's standard deviations. The gain is about three times the initial deviation of what the blur is added to.
    private const double BlurFrames = 2.5, BlurBands = 0.7, BlurGain = 4;

    private readonly Dense _fromFeatures = new(SvdNet.FeatureCount, Channels6 * Rows6 * Columns6, bias: false) { Name = "fc8" };
    private readonly Conv2d _fromPool6 = new(64, Channels6, 1, bias: false) { Name = "mp6" };
    private readonly ConvTranspose2d _up5 = new(Channels6, Channels4, 5, stride: 3, bias: false) { Name = "up5" };
    private readonly Conv2d _fromConv4 = new(128, Channels4, 1, bias: false) { Name = "conv4" };
    private readonly ConvTranspose2d _up4 = new(Channels4, Channels3, 3, bias: false) { Name = "up4" };
    private readonly Conv2d _fromPool3 = new(32, Channels3, 1, bias: false) { Name = "mp3" };
    private readonly ConvTranspose2d _up2 = new(Channels3, 1, 8, stride: 3) { Name = "up2" };
    private readonly Conv2d _fromInput = new(1, 1, DetailSize, padding: DetailSize / 2, bias: false) { Name = "input" };
    private readonly BatchNorm _norm6 = new(Channels6, Activation.Elu) { Name = "norm6" };
    private readonly BatchNorm _norm4 = new(Channels4, Activation.Elu) { Name = "norm4" };
    private readonly BatchNorm _norm3 = new(Channels3, Activation.Elu) { Name = "norm3" };
    private Tensor? _box;

    private MaskNetwork() => Layers = new ModuleList(_fromFeatures, _fromPool6, _up5, _fromConv4, _up4, _fromPool3, _up2, _fromInput, _norm6, _norm4, _norm3);

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => Layers.ParameterCount;

    /// <summary>All layers, in the order of the weight files.</summary>
    internal Module Layers { get; }

    /// <summary>
    /// Makes a network with He's initial weights, except that the filter over the input starts as a blur along time, which makes the loudest partials the most
    /// important.
    /// </summary>
    internal static MaskNetwork Create(IBackend backend, RandomSource random)
    {
        MaskNetwork network = new();
        Initializers.Initialize(network.Layers, backend, WeightInitializer.HeNormal, random);
        double[] blur =
        [
            .. Enumerable.Range(0, DetailSize * DetailSize).Select(i => Math.Exp(
                -0.5 * Math.Pow((i / DetailSize - DetailSize / 2) / BlurFrames, 2) - 0.5 * Math.Pow((i % DetailSize - DetailSize / 2) / BlurBands, 2))),
        ];
        network._fromInput.Weight.Load(backend, [.. blur.Select(weight => (float)(BlurGain * weight / blur.Sum()))]);
        return network;
    }

    /// <summary>Reads the weights and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or does not hold this network.</exception>
    public static MaskNetwork Load(IBackend backend, string path) => Load(backend, WeightFile.Read(path));

    /// <summary>Puts the weights on a backend.</summary>
    /// <exception cref="EngineException">The file does not hold this network.</exception>
    public static MaskNetwork Load(IBackend backend, WeightFile file)
    {
        if (SvdNet.IsIn(file)) throw new EngineException($"{file.Path} does not hold a mask network: it holds SVDNet");
        if (InversionArchitecture.In(file) is { } inversion) throw new EngineException($"{file.Path} does not hold a mask network: it holds {inversion}");
        MaskNetwork network = new();
        file.LoadInto(network.Layers, "a mask network", backend);
        return network;
    }

    /// <summary>The importance of every bin, N×1×115×80. The caller owns the result and keeps the maps.</summary>
    public Tensor Forward(in SvdNetMaps maps) => Forward(maps.Input, maps.Features, Beside(maps));

    /// <summary>What the network takes in beside its own way: the maps through the 1×1 convolutions, which may be those of a whole stretch of song.</summary>
    internal MaskNetworkMaps Beside(in SvdNetMaps maps) =>
        new(_fromPool6.Forward(maps.Pool6), _fromConv4.Forward(maps.Conv4), _fromPool3.Forward(maps.Pool3));

    /// <summary>The importance of every bin, N×1×115×80. The caller owns the result; <paramref name="beside"/> is given back.</summary>
    /// <param name="input">The excerpts, N×1×115×80.</param>
    /// <param name="detected">SVDNet's features of them, N×64.</param>
    /// <param name="beside">Of each excerpt.</param>
    internal Tensor Forward(Tensor input, Tensor detected, in MaskNetworkMaps beside)
    {
        using Tensor features = _fromFeatures.Forward(detected);
        using Tensor a = Merge(features.Reshape(new Shape(detected.Shape[0], Channels6, Rows6, Columns6)), beside.Pool6, _norm6);
        using Tensor b = Merge(_up5.Forward(a), beside.Conv4, _norm4);
        using Tensor c = Merge(_up4.Forward(b), beside.Pool3, _norm3);
        using Tensor painted = _up2.Forward(c);
        using Tensor cropped = painted.Crop2d(ExcerptFrames, Bands), region = cropped.Conv2d(Box(cropped.Backend), padding: (1, 1));
        using Tensor detail = _fromInput.Forward(input);
        return region.Add(detail);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _box?.Dispose();
        Layers.Dispose();
    }

    // The mean over 3×3 removes the pattern of period 3 that strides of 3 leave.
    private Tensor Box(IBackend backend) => _box ??= Tensor.From(backend, new Shape(1, 1, 3, 3), [.. Enumerable.Repeat(1 / 9f, 9)]);

    // Disposes both.
    private static Tensor Merge(Tensor deeper, Tensor beside, BatchNorm norm)
    {
        using Tensor sum = deeper.Add(beside);
        deeper.Dispose();
        beside.Dispose();
        return norm.Forward(sum);
    }
}
