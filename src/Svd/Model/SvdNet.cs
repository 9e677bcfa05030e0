using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>
/// SVDNet, the singing-voice detector that is explained (Schlüter and Grill, ISMIR 2015): N×1×115×80 normalised log-mel excerpts to 64
/// features (fc8) to the probability of singing (fc9). Leaky ReLU with slope 0.01 after every layer but the last.
/// </summary>
public sealed class SvdNet : IDisposable
{
    /// <summary>Features of the deepest hidden layer, fc8.</summary>
    public const int FeatureCount = 64;

    // conv1 makes 2.3 MB of an excerpt: of a few excerpts that is still in the cache when conv2 reads it.
    private const int ExcerptsAtATime = 4;

    private static readonly Activation LeakyRelu = Activation.LeakyRelu(0.01f);

    private readonly Conv2d _conv1 = new("conv1", 1, 64, 3, activation: LeakyRelu);
    private readonly Conv2d _conv2 = new("conv2", 64, 32, 3, activation: LeakyRelu);
    private readonly Conv2d _conv4 = new("conv4", 32, 128, 3, activation: LeakyRelu);
    private readonly Conv2d _conv5 = new("conv5", 128, 64, 3, activation: LeakyRelu);
    private readonly Dense _fc7 = new("fc7", 64 * 11 * 7, 256, activation: LeakyRelu);
    private readonly Dense _fc8 = new("fc8", 256, FeatureCount, activation: LeakyRelu);
    private readonly Dense _fc9 = new("fc9", FeatureCount, 1, activation: Activation.Sigmoid);
    private readonly Sequential _convolutions;
    private readonly Sequential _hidden;
    private readonly Sequential _whole;

    // The dense layers as convolutions, made when a whole song is first asked for.
    private Tensor[]? _denseFilters;

    private SvdNet()
    {
        _convolutions = new Sequential(
            ("conv1", _conv1),
            ("conv2", _conv2),
            ("mp3", new MaxPool2d(3)),
            ("conv4", _conv4),
            ("conv5", _conv5),
            ("mp6", new MaxPool2d(3)));
        _hidden = new Sequential(("fc7", _fc7), ("fc8", _fc8));
        _whole = new Sequential(("convolutions", _convolutions), ("hidden", _hidden), ("fc9", _fc9));
    }

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => _whole.ParameterCount;

    /// <summary>Reads the weights and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or does not hold this network.</exception>
    public static SvdNet Load(IBackend backend, string path)
    {
        SvdNet network = new();
        WeightFile.Read(path).LoadInto(network._whole, "SVDNet", backend);
        return network;
    }

    /// <summary>The features Φ(x): N×1×115×80 to N×64. The caller owns the result.</summary>
    /// <param name="x">Normalised log-mel excerpts.</param>
    /// <param name="observe">
    /// Is shown every layer's name and output, valid during the call; the convolutional layers' a few excerpts at a time, in order.
    /// </param>
    public Tensor Features(Tensor x, Action<string, Tensor>? observe = null)
    {
        int count = x.Shape[0];
        using Tensor pooled = Tensor.Allocate(x.Backend, new Shape(count, _fc7.Weight.Shape[0]));
        for (int first = 0; first < count; first += ExcerptsAtATime)
        {
            int few = Math.Min(ExcerptsAtATime, count - first);
            using Tensor excerpts = x.Slice(first, few);
            using Tensor maps = _convolutions.Forward(excerpts, observe);
            using Tensor rows = pooled.Slice(first, few);
            x.Backend.Copy(maps.View, rows.View);
        }

        return _hidden.Forward(pooled, observe);
    }

    /// <summary>The probability of singing from the features: N×64 to N×1. The caller owns the result.</summary>
    public Tensor Probability(Tensor features) => _fc9.Forward(features);

    /// <summary>
    /// The fully convolutional form over a stretch of song: 1×1×T×80 to the probabilities of its T − 114 excerpts, T − 114 numbers in order.
    /// The caller owns the result.
    /// </summary>
    /// <remarks>
    /// Where a pooling layer of the network steps by 3 in time, here it steps by 1 and everything behind it is spread out by 3 instead; the
    /// dense layers become convolutions, the first 11×7 with taps 9 frames apart. The numbers are the same as from sliding the excerpt
    /// along by one frame, at about a fiftieth of the work.
    /// </remarks>
    public Tensor ProbabilityOfEveryFrame(Tensor song)
    {
        Tensor[] dense = _denseFilters ??= [AsFilters(_fc7, 64, 11, 7), AsFilters(_fc8, 256, 1, 1), AsFilters(_fc9, FeatureCount, 1, 1)];
        using Tensor conv1 = _conv1.Forward(song);
        using Tensor conv2 = _conv2.Forward(conv1);
        using Tensor mp3 = conv2.MaxPool2d((3, 3), (1, 3));
        using Tensor conv4 = _conv4.Forward(mp3, (3, 1));
        using Tensor conv5 = _conv5.Forward(conv4, (3, 1));
        using Tensor mp6 = conv5.MaxPool2d((3, 3), (1, 3), (3, 1));
        using Tensor fc7 = mp6.Conv2d(dense[0], _fc7.Bias!.Value, dilation: (9, 1), activation: _fc7.Activation);
        using Tensor fc8 = fc7.Conv2d(dense[1], _fc8.Bias!.Value, activation: _fc8.Activation);
        using Tensor fc9 = fc8.Conv2d(dense[2], _fc9.Bias!.Value, activation: _fc9.Activation);
        return fc9.Reshape(new Shape(song.Shape[2] - (ExcerptFrames - 1)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _whole.Dispose();
        foreach (Tensor filters in _denseFilters ?? []) filters.Dispose();
    }

    // Weights In×Out, In being channels × rows × columns, as filters Out×channels×rows×columns: the transpose.
    private static Tensor AsFilters(Dense layer, int channels, int rows, int columns)
    {
        Tensor weight = layer.Weight.Value;
        (int featuresIn, int featuresOut) = (weight.Shape[0], weight.Shape[1]);
        float[] values = weight.ToArray(), transposed = new float[values.Length];
        for (int i = 0; i < featuresIn; i++)
        for (int o = 0; o < featuresOut; o++)
        {
            transposed[o * featuresIn + i] = values[i * featuresOut + o];
        }

        return Tensor.From(weight.Backend, new Shape(featuresOut, channels, rows, columns), transposed);
    }
}
