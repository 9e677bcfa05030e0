using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>
/// The mask network: from the maps that SVDNet makes of an excerpt anyway to the importance of each of its bins, in one pass (the idea of Dabkowski and
/// Gal, "Real time image saliency for black box classifiers", NIPS 2017). It goes SVDNet's way back: a transposed convolution undoes the size of each stage
/// (conv5 and mp6, conv4, then conv1, conv2 and mp3), and takes in the map that the stage started from, through a 1×1 convolution; ELU after each sum.
/// Importance is a logit: only its order counts, and bins above a threshold of it are a region.
/// <code>
/// a = ELU(fc8: 64→16×11×7 + mp6: 1×1, 64→16)                 16×11×7
/// b = ELU(up5: 5×5, stride 3, 16→16 + conv4: 1×1, 128→16)    16×35×23
/// c = ELU(up4: 3×3, 16→8 + mp3: 1×1, 32→8)                    8×37×25
/// z = up2: 9×9, stride 3, 8→1, cropped                        1×115×80
/// </code>
/// </summary>
/// <remarks>Weight files hold fc8, mp6, up5, conv4, up4, mp3 and up2, in the layout of <see cref="WeightFile"/>.</remarks>
public sealed class MaskNetwork : IDisposable
{
    private const int Channels6 = 16, Rows6 = 11, Columns6 = 7, Channels4 = 16, Channels3 = 8;

    private readonly Dense _fromFeatures = new("fc8", SvdNet.FeatureCount, Channels6 * Rows6 * Columns6);
    private readonly Conv2d _fromPool6 = new("mp6", 64, Channels6, 1, bias: false);
    private readonly ConvTranspose2d _up5 = new("up5", Channels6, Channels4, 5, stride: 3, padding: 0);
    private readonly Conv2d _fromConv4 = new("conv4", 128, Channels4, 1, bias: false);
    private readonly ConvTranspose2d _up4 = new("up4", Channels4, Channels3, 3, stride: 1, padding: 0);
    private readonly Conv2d _fromPool3 = new("mp3", 32, Channels3, 1, bias: false);
    private readonly ConvTranspose2d _up2 = new("up2", Channels3, 1, 9, stride: 3, padding: 0);

    private MaskNetwork() => Layers = new ModuleList(_fromFeatures, _fromPool6, _up5, _fromConv4, _up4, _fromPool3, _up2);

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => Layers.ParameterCount;

    /// <summary>All layers, in the order of the weight files.</summary>
    internal Module Layers { get; }

    /// <summary>Makes a network with He's initial weights.</summary>
    internal static MaskNetwork Create(IBackend backend, RandomSource random)
    {
        MaskNetwork network = new();
        Initializers.Initialize(network.Layers, backend, WeightInitializer.HeNormal, random);
        return network;
    }

    /// <summary>Reads the weights and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or does not hold this network.</exception>
    public static MaskNetwork Load(IBackend backend, string path)
    {
        WeightFile file = WeightFile.Read(path);
        if (SvdNet.IsIn(file)) throw new EngineException($"{path} does not hold a mask network: it holds SVDNet");
        if (InversionNetwork.IsIn(file)) throw new EngineException($"{path} does not hold a mask network: it holds an inversion network");
        MaskNetwork network = new();
        file.LoadInto(network.Layers, "a mask network", backend);
        return network;
    }

    /// <summary>The importance of every bin, N×1×115×80. The caller owns the result, and still the maps.</summary>
    public Tensor Forward(in SvdNetMaps maps)
    {
        int count = maps.Features.Shape[0];
        using Tensor features = _fromFeatures.Forward(maps.Features);
        using Tensor a = Merge(features.Reshape(new Shape(count, Channels6, Rows6, Columns6)), _fromPool6.Forward(maps.Pool6));
        using Tensor b = Merge(_up5.Forward(a), _fromConv4.Forward(maps.Conv4));
        using Tensor c = Merge(_up4.Forward(b), _fromPool3.Forward(maps.Pool3));
        using Tensor painted = _up2.Forward(c);
        return painted.Crop2d(ExcerptFrames, Bands);
    }

    /// <inheritdoc/>
    public void Dispose() => Layers.Dispose();

    // Takes both.
    private static Tensor Merge(Tensor deeper, Tensor beside)
    {
        using Tensor sum = deeper.Add(beside);
        deeper.Dispose();
        beside.Dispose();
        return sum.Activate(Activation.Elu);
    }
}
