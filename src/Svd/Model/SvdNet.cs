using Engine.Kernels;
using Engine.Nn;
using Engine.Nn.Onnx;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>The maps between SVDNet's layers for N excerpts, each after its activation and pooling.</summary>
/// <param name="Input">The excerpts themselves, N×1×115×80; not owned.</param>
/// <param name="Pool3">mp3: N×32×37×25.</param>
/// <param name="Conv4">conv4: N×128×35×23.</param>
/// <param name="Pool6">mp6: N×64×11×7.</param>
/// <param name="Features">fc8: N×64.</param>
public readonly record struct SvdNetMaps(Tensor Input, Tensor Pool3, Tensor Conv4, Tensor Pool6, Tensor Features) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Pool3.Dispose();
        Conv4.Dispose();
        Pool6.Dispose();
        Features.Dispose();
    }
}

/// <summary>
/// SVDNet, the singing-voice detector that is explained (Schlüter and Grill, ISMIR 2015): N×1×115×80 normalised log-mel excerpts to 64
/// features (fc8) to the probability of singing (fc9). Leaky ReLU with slope 0.01 after every layer but the last.
/// </summary>
public sealed class SvdNet : IDisposable
{
    /// <summary>Features of the deepest hidden layer, fc8.</summary>
    public const int FeatureCount = 64;

    // conv1's output for one excerpt, the largest that there is: 64 maps of 113×78.
    private const long LargestMapBytes = 64 * 113 * 78 * sizeof(float);

    private const string Description = "SVDNet (Schlüter and Grill, ISMIR 2015) detects singing in log-mel spectrograms.";

    private static readonly Activation LeakyRelu = Activation.LeakyRelu(Slope);

    private readonly Conv2d _conv1 = new(1, 64, 3, activation: LeakyRelu) { Name = "conv1" };
    private readonly Conv2d _conv2 = new(64, 32, 3, activation: LeakyRelu) { Name = "conv2" };
    private readonly Conv2d _conv4 = new(32, 128, 3, activation: LeakyRelu) { Name = "conv4" };
    private readonly Conv2d _conv5 = new(128, 64, 3, activation: LeakyRelu) { Name = "conv5" };
    private readonly Dropout _dropout7 = new(0.5f) { Name = "fc7.dropout" };
    private readonly Dropout _dropout8 = new(0.5f) { Name = "fc8.dropout" };
    private readonly Dropout _dropout9 = new(0.5f) { Name = "fc9.dropout" };
    private readonly Dense _fc7 = new(64 * 11 * 7, 256, activation: LeakyRelu) { Name = "fc7" };
    private readonly Dense _fc8 = new(256, FeatureCount, activation: LeakyRelu) { Name = "fc8" };
    private readonly Dense _fc9 = new(FeatureCount, 1, activation: Activation.Sigmoid) { Name = "fc9" };
    private readonly InferencePlan _outputPlan = new();
    private readonly InferencePlan _probabilityPlan = new();
    private readonly InferencePlan _everyFramePlan = new();

    private readonly ConvConvMaxPool2d _conv1Conv2Pool3;
    private readonly ConvMaxPool2d _conv5Pool6;
    private readonly Sequential _convolutions;
    private readonly Sequential _hidden7;
    private readonly Sequential _hidden;
    private readonly (SvdNetLayer Layer, Sequential Convolutions)[] _upTo;

    // Created for the first whole song, since the dense layers as convolutions have their own filters.
    private Sequential? _everyFrame;
    private Conv2d[] _slidDense = [];

    private SvdNet()
    {
        _conv1Conv2Pool3 = new ConvConvMaxPool2d(_conv1, new ConvMaxPool2d(_conv2, new MaxPool2d(3) { Name = "mp3" }));
        _conv5Pool6 = new ConvMaxPool2d(_conv5, new MaxPool2d(3) { Name = "mp6" });
        _convolutions = new Sequential(_conv1Conv2Pool3, _conv4, _conv5Pool6);
        _upTo =
        [
            (SvdNetLayer.Conv1, new Sequential(_conv1)), (SvdNetLayer.Conv2, new Sequential(_conv1, _conv2)),
            (SvdNetLayer.Pool3, new Sequential(_conv1Conv2Pool3)), (SvdNetLayer.Conv4, new Sequential(_conv1Conv2Pool3, _conv4)),
            (SvdNetLayer.Conv5, new Sequential(_conv1Conv2Pool3, _conv4, _conv5)), (SvdNetLayer.Pool6, _convolutions),
        ];
        _hidden7 = new Sequential(_dropout7, _fc7);
        _hidden = new Sequential(_dropout7, _fc7, _dropout8, _fc8);
        Layers = new Sequential(_convolutions, _hidden, _dropout9, _fc9);
    }

    /// <summary>The slope of the leaky rectifiers below zero.</summary>
    internal const float Slope = 0.01f;

    /// <summary>The layers that have weights, from the output to the input.</summary>
    public static IReadOnlyList<string> LayersFromTheTop { get; } = ["fc9", "fc8", "fc7", "conv5", "conv4", "conv2", "conv1"];

    /// <summary>How many numbers the parameters hold.</summary>
    public int ParameterCount => Layers.ParameterCount;

    /// <summary>Where the weights are.</summary>
    internal IBackend Backend => _fc9.Weight.Value.Backend;

    /// <summary>All layers, in the order of the weight files.</summary>
    internal Sequential Layers { get; }

    /// <summary>Makes a network with orthogonal weights and zero biases, whose dropout (0.5 before each dense layer) is on.</summary>
    internal static SvdNet Create(IBackend backend, RandomSource random)
    {
        SvdNet network = new();
        Initializers.Initialize(network.Layers, backend, WeightInitializer.Orthogonal, random);
        network._dropout7.IsOn = network._dropout8.IsOn = network._dropout9.IsOn = true;
        return network;
    }

    /// <summary>Makes a network without dropout whose parameters are the average of those in training. Call <see cref="WeightsChanged"/> after steps.</summary>
    internal static SvdNet Averaged(WeightAverage average)
    {
        SvdNet network = new();
        TrainableParameters.Place(average.Average, network.Layers);
        return network;
    }

    /// <summary>
    /// The fully convolutional form. A pooling layer that steps by 3 in time steps by 1 here, and everything after it is dilated by 3 instead. The dense layers
    /// become convolutions; the first is 11×7 with taps 9 frames apart.
    /// </summary>
    private Sequential EveryFrame => _everyFrame ??= BuildEveryFrame();

    private Sequential BuildEveryFrame()
    {
        _slidDense = [_fc7.AsConv2d(64, 11, 7, dilation: (9, 1)), _fc8.AsConv2d(256, 1, 1), _fc9.AsConv2d(FeatureCount, 1, 1)];
        return new Sequential(
            new ConvConvMaxPool2d(_conv1, new ConvMaxPool2d(_conv2, new MaxPool2d((3, 3), stride: (1, 3)) { Name = "mp3" })),
            _conv4.Dilated(3, 1),
            new ConvMaxPool2d(_conv5.Dilated(3, 1), new MaxPool2d((3, 3), stride: (1, 3), dilation: (3, 1)) { Name = "mp6" }),
            _slidDense[0],
            new ToLayout(BatchLayout.First),
            _slidDense[1],
            _slidDense[2]);
    }

    /// <summary>Reads the weights and puts them on a backend.</summary>
    /// <exception cref="EngineException">The file is missing, damaged, or does not hold this network.</exception>
    public static SvdNet Load(IBackend backend, string path) => Load(backend, WeightFile.Read(path));

    /// <summary>Puts the weights on a backend.</summary>
    /// <exception cref="EngineException">The file does not hold this network.</exception>
    public static SvdNet Load(IBackend backend, WeightFile file)
    {
        SvdNet network = new();
        if (!file.Fits(network.Layers) && InversionArchitecture.In(file) is { } inversion)
        {
            throw new EngineException($"{file.Path} does not hold SVDNet: it holds {inversion}");
        }

        file.LoadInto(network.Layers, "SVDNet", backend);
        return network;
    }

    /// <summary>
    /// A digest that tells whether two files compute the same features. The output layer does not count: a calibration changes it, but not what inversion and
    /// mask networks were trained with.
    /// </summary>
    /// <exception cref="EngineException">The file cannot be read, is damaged, or holds values that are not finite.</exception>
    public static string DigestOfFeatures(WeightFile file) => file.DigestOf(file.Shapes.Count - 2);

    /// <summary>Whether a weight file holds this network, by the shapes of its arrays.</summary>
    public static bool IsIn(WeightFile file)
    {
        using SvdNet network = new();
        return file.Fits(network.Layers);
    }

    /// <summary>The features Φ(x): N×1×115×80 to N×64. The caller owns the result.</summary>
    /// <inheritdoc cref="Output"/>
    public Tensor Features(Tensor x, Action<string, Tensor>? observe = null) => Output(x, SvdNetLayer.Fc8, observe);

    /// <summary>What a layer makes of excerpts: N×1×115×80 to <see cref="SvdNetLayer.ShapeOf"/> N. The caller owns the result.</summary>
    /// <param name="x">Normalised log-mel excerpts.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="observe">
    /// Gets the name and the output of every layer up to this one, valid during the call. Outputs of convolutional layers come a few excerpts at a time, in
    /// order.
    /// </param>
    public Tensor Output(Tensor x, SvdNetLayer layer, Action<string, Tensor>? observe = null)
    {
        if (x.Tape is not null) return OutputOnTape(x, layer, observe);
        using InferencePlan.Run run = _outputPlan.Begin();
        SvdNetLayer last = layer.HasMaps ? layer : SvdNetLayer.Pool6;
        Sequential convolutions = ConvolutionsUpTo(last);
        int count = x.Shape[0], atATime = ExcerptsAtATime(x.Backend);
        Tensor maps = Tensor.Allocate(x.Backend, last.ShapeOf(count));
        for (int first = 0; first < count; first += atATime)
        {
            int few = Math.Min(atATime, count - first);
            using Tensor excerpts = x.Slice(first, few);
            using Tensor input = excerpts.ToLayout(observe is null ? x.Backend.MapLayout : BatchLayout.First);
            using Tensor fewMaps = convolutions.Forward(input, observe);
            CopyTo(fewMaps, maps, first);
        }

        if (layer.HasMaps) return maps;
        using (maps)
        using (Tensor flat = maps.Reshape(new Shape(count, _fc7.Weight.Shape[0]))) return DenseUpTo(layer).Forward(flat, observe);
    }

    /// <summary>The features and the maps before them: N×1×115×80 to the four in <see cref="SvdNetMaps"/>. The caller owns the result.</summary>
    public SvdNetMaps Maps(Tensor x)
    {
        int count = x.Shape[0], atATime = ExcerptsAtATime(x.Backend);
        if (x.Tape is not null) return MapsOnTape(x);
        Tensor pool3 = Tensor.Allocate(x.Backend, new Shape(count, 32, 37, 25)), conv4 = Tensor.Allocate(x.Backend, new Shape(count, 128, 35, 23));
        Tensor pool6 = Tensor.Allocate(x.Backend, new Shape(count, 64, 11, 7));
        for (int first = 0; first < count; first += atATime)
        {
            int few = Math.Min(atATime, count - first);
            using Tensor excerpts = x.Slice(first, few);
            using Tensor input = excerpts.ToLayout(x.Backend.MapLayout);
            using Tensor fewPool3 = _conv1Conv2Pool3.Forward(input), fewConv4 = _conv4.Forward(fewPool3);
            using Tensor fewPool6 = _conv5Pool6.Forward(fewConv4);
            CopyTo(fewPool3, pool3, first);
            CopyTo(fewConv4, conv4, first);
            CopyTo(fewPool6, pool6, first);
        }

        using Tensor flat = pool6.Reshape(new Shape(count, _fc7.Weight.Shape[0]));
        return new SvdNetMaps(x, pool3, conv4, pool6, _hidden.Forward(flat));
    }

    private static int ExcerptsAtATime(IBackend backend) => (int)Math.Max(1, backend.ChunkBytes / LargestMapBytes);

    private Sequential ConvolutionsUpTo(SvdNetLayer layer)
    {
        for (int i = 0; i < _upTo.Length; i++)
        {
            if (_upTo[i].Layer == layer) return _upTo[i].Convolutions;
        }

        throw new ArgumentException($"{layer} is no layer of convolutions");
    }

    private Sequential DenseUpTo(SvdNetLayer layer) => layer == SvdNetLayer.Fc7 ? _hidden7 : _hidden;

    // Gradients flow only through whole tensors.
    private Tensor OutputOnTape(Tensor x, SvdNetLayer layer, Action<string, Tensor>? observe)
    {
        Tensor input = x.ToLayout(observe is null ? x.Backend.MapLayout : BatchLayout.First);
        Tensor maps = ConvolutionsUpTo(layer.HasMaps ? layer : SvdNetLayer.Pool6).Forward(input, observe).ToLayout(BatchLayout.First);
        return layer.HasMaps ? maps : DenseUpTo(layer).Forward(maps.Reshape(new Shape(x.Shape[0], _fc7.Weight.Shape[0])), observe);
    }

    // Copies a few excerpts' maps to their place in those of all.
    private static void CopyTo(Tensor few, Tensor all, int first)
    {
        using Tensor batchFirst = few.ToLayout(BatchLayout.First);
        using Tensor place = all.Slice(first, few.Shape[0]);
        few.Backend.Copy(batchFirst.View, place.View);
    }

    private SvdNetMaps MapsOnTape(Tensor x)
    {
        Tensor input = x.ToLayout(x.Backend.MapLayout);
        Tensor pool3 = _conv1Conv2Pool3.Forward(input), conv4 = _conv4.Forward(pool3);
        Tensor pool6 = _conv5Pool6.Forward(conv4).ToLayout(BatchLayout.First);
        using Tensor flat = pool6.Reshape(new Shape(x.Shape[0], _fc7.Weight.Shape[0]));
        return new SvdNetMaps(x, pool3.ToLayout(BatchLayout.First), conv4.ToLayout(BatchLayout.First), pool6, _hidden.Forward(flat));
    }

    /// <summary>The probability of singing from the features: N×64 to N×1. The caller owns the result.</summary>
    public Tensor Probability(Tensor features)
    {
        using InferencePlan.Run run = _probabilityPlan.Begin();
        return _fc9.Forward(features);
    }

    /// <summary>The logit of that probability, for training and for explanations: N×1×115×80 to N×1. The caller owns the result.</summary>
    public Tensor Logits(Tensor x)
    {
        using Tensor features = Features(x);
        return LogitsOf(features);
    }

    /// <summary>The logit from the features: N×64 to N×1. The caller owns the result.</summary>
    public Tensor LogitsOf(Tensor features)
    {
        using Tensor kept = _dropout9.Forward(features);
        return kept.Dense(_fc9.Weight.Value, _fc9.Bias!.Value);
    }

    /// <summary>
    /// The fully convolutional form over a stretch of song: 1×1×T×80 to the probabilities of its T − 114 excerpts, T − 114 numbers in order.
    /// The caller owns the result.
    /// </summary>
    /// <remarks>The numbers are the same as for an excerpt that slides by one frame at a time, with about a fiftieth of the work.</remarks>
    public Tensor ProbabilityOfEveryFrame(Tensor song)
    {
        Sequential everyFrame = EveryFrame;
        using InferencePlan.Run run = _everyFramePlan.Begin();
        using Tensor input = song.ToLayout(song.Backend.MapLayout);
        using Tensor map = everyFrame.Forward(input);
        return map.Reshape(new Shape(song.Shape[2] - (ExcerptFrames - 1)));
    }

    /// <summary>
    /// The maps of every excerpt of a stretch of song at once: of 1×1×T×80 in <see cref="SvdNetMaps"/> mp3 is 1×32×(T − 6)×25, conv4 1×128×(T − 12)×23, mp6
    /// 1×64×(T − 24)×7 and fc8 1×64×(T − 114)×1. The excerpt that starts at row s has rows s, s + 3, s + 6, … of mp3 and conv4, s, s + 9, s + 18, … of mp6
    /// and s of fc8. The caller owns the result.
    /// </summary>
    internal SvdNetMaps MapsOfEveryFrame(Tensor song)
    {
        IReadOnlyList<Module> layers = EveryFrame.Parts;
        Tensor pool3 = layers[0].Forward(song), conv4 = layers[1].Forward(pool3), pool6 = layers[2].Forward(conv4);
        using Tensor fc7 = _slidDense[0].Forward(pool6);
        return new SvdNetMaps(song, pool3, conv4, pool6, _slidDense[1].Forward(fc7));
    }

    /// <summary>The probabilities from the features of <see cref="MapsOfEveryFrame"/>: T − 114 numbers. The caller owns the result.</summary>
    internal Tensor ProbabilityOfEveryFrame(in SvdNetMaps maps)
    {
        using Tensor map = _slidDense[2].Forward(maps.Features);
        return map.Reshape(new Shape(maps.Features.Shape[2]));
    }

    /// <summary>The network as an ONNX model: <c>excerpts</c> N×1×115×80 to <c>features</c> N×64 and <c>probability</c> N×1.</summary>
    public OnnxGraph Export()
    {
        OnnxGraph graph = new("SVDNet", $"{Description} Every excerpt has its features and its probability.");
        OnnxValue excerpts = graph.Input(
            "excerpts", "Normalised log-mel excerpts: batch, 1, frames (70 a second), mel bands.", new Shape(1, 1, ExcerptFrames, Bands), 0, "N");
        OnnxValue maps = graph.Add(_convolutions, excerpts);
        OnnxValue features = graph.Add(_hidden, graph.Add(new Flatten { Name = "flatten" }, maps));
        graph.Output("features", "What fc8 makes of every excerpt.", features);
        graph.Output("probability", "The probability that somebody sings in the middle of every excerpt.", graph.Add(_fc9, features));
        return graph;
    }

    /// <summary>The fully convolutional form as an ONNX model: <c>frames</c> 1×1×T×80 to <c>probability</c>, T − 114 numbers.</summary>
    public OnnxGraph ExportEveryFrame()
    {
        OnnxGraph graph = new("SVDNet-whole-song", $"{Description} Every stretch of 115 frames has its probability.");
        OnnxValue frames = graph.Input(
            "frames", "A song's normalised log-mel frames: 1, 1, frames (70 a second), mel bands.", new Shape(1, 1, ExcerptFrames, Bands), 2, "T");
        OnnxValue map = graph.Add(EveryFrame, frames);
        graph.Output(
            "probability", "Entry i is the probability that somebody sings in frame i + 57.",
            graph.Reshape("probabilities", map, new Shape(1), dynamicAxis: 0));
        return graph;
    }

    /// <summary>
    /// Divides the logit by a temperature and adds an offset, in the last layer's weights and bias, so that calibrated weights are ordinary weights.
    /// </summary>
    internal void Calibrate(double temperature, double offset)
    {
        Load(_fc9.Weight, 0);
        Load(_fc9.Bias!, offset);
        WeightsChanged();

        void Load(Parameter parameter, double added) =>
            parameter.Load(Backend, [.. parameter.ToFileLayout().Select(value => (float)(value / temperature + added))]);
    }

    /// <summary>
    /// A copy whose layers from the top have the weights of an untrained network, see <see cref="LayersFromTheTop"/>. The caller owns it.
    /// </summary>
    /// <param name="count">How many layers get other weights.</param>
    /// <param name="randomOf">Draws the weights of a layer, by its number from the top.</param>
    internal SvdNet WithRandomTop(int count, Func<int, RandomSource> randomOf)
    {
        SvdNet copy = new();
        foreach ((Parameter own, Parameter other) in Layers.Parameters.Zip(copy.Layers.Parameters)) other.Load(Backend, own.ToFileLayout());
        Module[] fromTheTop = [copy._fc9, copy._fc8, copy._fc7, copy._conv5, copy._conv4, copy._conv2, copy._conv1];
        for (int i = 0; i < count; i++) Initializers.Initialize(fromTheTop[i], Backend, WeightInitializer.Orthogonal, randomOf(i));
        return copy;
    }

    /// <summary>Runs a network without weights, once: its kernels are then compiled when the first excerpt comes.</summary>
    internal static void WarmUp(IBackend backend)
    {
        using SvdNet network = new();
        foreach (Parameter parameter in network.Layers.Parameters) parameter.MoveTo(Tensor.Allocate(backend, parameter.Shape));
        using Tensor excerpt = Tensor.Allocate(backend, new Shape(1, 1, ExcerptFrames, Bands));
        network.ProbabilityOfEveryFrame(excerpt).Dispose();
        using Tensor features = network.Features(excerpt);
        network.Probability(features).Dispose();
    }

    /// <summary>Call this after the weights have changed, since the whole-song form and the backend have copies of some.</summary>
    internal void WeightsChanged()
    {
        foreach (Parameter parameter in Layers.Parameters) parameter.ValuesChanged();
        foreach (Conv2d layer in _slidDense) layer.Weight.Dispose();
        (_everyFrame, _slidDense) = (null, []);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        WeightsChanged();
        Layers.Dispose();
    }
}
