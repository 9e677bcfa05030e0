using Engine.Kernels;
using Engine.Nn;
using Engine.Nn.Onnx;
using Engine.Svd.Cli;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using Microsoft.ML.OnnxRuntime;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>Exported models, computed by ONNX Runtime, against the engine.</summary>
public sealed class OnnxTests : IDisposable
{
    // Both sum the same float32 terms, up to 4928 of them, in different orders through up to ten layers, each good to some 6e-8 (2⁻²⁴) of its
    // largest value; ONNX Runtime folds batch normalisation into the layer before it besides. 3e-6 was seen.
    private const double Tolerance = 1e-5;

    // One multiplication and one addition, and a scale that was rounded twice.
    private const double BatchNormTolerance = 5e-7;

    // Float32 through ten layers against float64, as for the engine itself.
    private const double ReferenceTolerance = 1e-4;

    private static readonly string Classifier = Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz");
    private static readonly string Inverter = Path.Combine(ReferenceData.Repository, "weights", "inverter.npz");
    private static readonly string Statistics = Path.Combine(ReferenceData.Repository, "weights", "meanstd.npz");

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(5)]
    public void SvdNetGivesTheSameFeaturesAndProbabilities(int batch)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        float[] excerpts = Random(batch * ExcerptLength);
        using Tensor input = Tensor.From(backend, new Shape(batch, 1, ExcerptFrames, Bands), excerpts);
        using Tensor features = network.Features(input);
        using Tensor probability = network.Probability(features);

        using InferenceSession session = Open(Export(Classifier));
        Assert.Equal(["N", "", "", ""], session.InputMetadata["excerpts"].SymbolicDimensions);
        Assert.Equal([-1, 1, ExcerptFrames, Bands], session.InputMetadata["excerpts"].Dimensions);
        Assert.Equal([-1, SvdNet.FeatureCount], session.OutputMetadata["features"].Dimensions);
        Assert.Equal([-1, 1], session.OutputMetadata["probability"].Dimensions);
        Dictionary<string, (long[] Shape, float[] Values)> outputs = Run(session, "excerpts", [batch, 1, ExcerptFrames, Bands], excerpts);
        Assert.Equal([batch, SvdNet.FeatureCount], outputs["features"].Shape);
        Assert.Equal([batch, 1], outputs["probability"].Shape);
        Golden.AssertRelative(Doubles(features), outputs["features"].Values, Tolerance, "features");
        Golden.AssertAbsolute(Doubles(probability), outputs["probability"].Values, Tolerance, "probability");
    }

    [Theory]
    [InlineData(ExcerptFrames)]
    [InlineData(ExcerptFrames + 186)]
    public void TheWholeSongFormGivesTheSameProbabilities(int frames)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        float[] values = Random(frames * Bands);
        using Tensor song = Tensor.From(backend, new Shape(1, 1, frames, Bands), values);
        using Tensor probability = network.ProbabilityOfEveryFrame(song);

        using InferenceSession session = Open(Export(Classifier, wholeSong: true));
        Assert.Equal(["", "", "T", ""], session.InputMetadata["frames"].SymbolicDimensions);
        Assert.Equal(["T-114"], session.OutputMetadata["probability"].SymbolicDimensions);
        (long[] shape, float[] actual) = Run(session, "frames", [1, 1, frames, Bands], values)["probability"];
        Assert.Equal([frames - (ExcerptFrames - 1)], shape);
        Golden.AssertAbsolute(Doubles(probability), actual, Tolerance, "probability");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(5)]
    public void TheInversionNetworkGivesTheSameExcerpts(int batch)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        using Tensor excerpts = Tensor.From(backend, new Shape(batch, 1, ExcerptFrames, Bands), Random(batch * ExcerptLength));
        using Tensor features = network.Features(excerpts);
        CheckInversion(Inverter, batch, features.ToArray());
    }

    [ReferenceTheory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(5)]
    public void ThePublishedInversionNetworkGivesTheSameExcerpts(int batch)
    {
        // Eight rows of features, and the excerpts that float64 makes of them.
        const string golden = "inverter_fc8_published_golden.npz";
        float[] features = Golden.ReadSingle(golden, "features")[..(batch * SvdNet.FeatureCount)];
        float[] inverted = CheckInversion(ReferenceData.PathOf("reference/inverter_fc8_published.npz"), batch, features);
        Golden.AssertAbsolute(Golden.Read(golden, "output").AsSpan(0, inverted.Length), inverted, ReferenceTolerance, "output");
    }

    [Theory]
    [MemberData(nameof(InversionTests.Architectures), MemberType = typeof(InversionTests))]
    public void EveryInversionNetworkGivesTheSameExcerpts(int number)
    {
        InversionArchitecture architecture = InversionArchitecture.All[number];
        using IBackend backend = Backends.CreateReference();
        using Sequential network = architecture.Build();
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(4));
        string weights = _temp.PathOf("weights.npz");
        network.Save(weights);
        CheckInversion(weights, 2, Random(2 * architecture.Layer.Length));
    }

    [Fact]
    public void InverseDeviationsBeyondEpsilonKeepTheirValue()
    {
        // 1/i² − 1e-4 is nearly nothing at the second and less than nothing from the third on.
        float[] beta = [1, 2, 3, 4, 5], gamma = [1, -2, 1e-38f, 0.5f, 3], mean = [0.1f, -0.2f, 0.3f, -0.4f, 0];
        float[] inverseStd = [1e-3f, 99.9999f, 100.00001f, 500, 1e5f];
        using IBackend backend = Backends.CreateReference();
        using BatchNorm layer = new(5) { Name = "bn" };
        foreach ((Parameter parameter, float[] values) in layer.Parameters.Zip([beta, gamma, mean, inverseStd])) parameter.Load(backend, values);
        float[] x = Random(15);
        using Tensor input = Tensor.From(backend, new Shape(3, 5), x);
        using Tensor expected = layer.Forward(input);
        OnnxGraph graph = new("bn", "");
        graph.Output("y", "", graph.Add(layer, graph.Input("x", "", new Shape(1, 5), 0, "N")));
        string path = _temp.PathOf("bn.onnx");
        graph.Save(path);
        using InferenceSession session = Open(path);
        float[] actual = Run(session, "x", [3, 5], x)["y"].Values;
        double[] reference = Doubles(expected);
        for (int c = 0; c < 5; c++)
        {
            // Channel by channel, as their values differ by powers of ten.
            int channel = c;
            Golden.AssertRelative(
                [.. reference.Where((_, i) => i % 5 == channel)], [.. actual.Where((_, i) => i % 5 == channel)], BatchNormTolerance, $"channel {c}");
        }
    }

    /// <summary>What SVDNet and the inversion networks do without.</summary>
    [Fact]
    public void OtherNetworksAreExportedInOneCall()
    {
        using IBackend backend = Backends.CreateReference();
        using Sequential network = new(
            new Conv2d(2, 3, 3, stride: 2, padding: 1, activation: Activation.Relu), new MaxPool2d(2), new Flatten(), new Dense(6, 4));
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
        string path = _temp.PathOf("cnn.onnx");
        network.ToOnnx(new Shape(1, 2, 9, 5)).Save(path);
        float[] x = Random(3 * 2 * 9 * 5);
        using Tensor input = Tensor.From(backend, new Shape(3, 2, 9, 5), x), expected = network.Forward(input);
        using InferenceSession session = Open(path);
        (long[] shape, float[] actual) = Run(session, "input", [3, 2, 9, 5], x)["output"];
        Assert.Equal([3, 4], shape);
        Golden.AssertRelative(Doubles(expected), actual, Tolerance, "output");
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(1e30f)]
    public void SaysWhatOnnxCannotExpress(float inverseStd)
    {
        using IBackend backend = Backends.CreateReference();
        using BatchNorm layer = new(1) { Name = "fc1.bn" };
        foreach ((Parameter parameter, float value) in layer.Parameters.Zip([0, 1, 0, inverseStd])) parameter.Load(backend, [value]);
        OnnxGraph graph = new("bn", "");
        OnnxValue x = graph.Input("x", "", new Shape(1, 1), 0, "N");
        Failure.Says(() => graph.Add(layer, x), "fc1.bn.inverse_std", $"{inverseStd:R}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheSameWeightsMakeTheSameBytes(bool wholeSong) =>
        Assert.Equal(File.ReadAllBytes(Export(Classifier, wholeSong)), File.ReadAllBytes(Export(Classifier, wholeSong)));

    [Fact]
    public void TellsWhoMadeItAndWhatItIs()
    {
        using InferenceSession session = Open(Export(Inverter));
        ModelMetadata metadata = session.ModelMetadata;
        Assert.Equal("Engine", metadata.ProducerName);
        Assert.Equal("inversion-fc8-paper", metadata.GraphName);
        Assert.Contains("inversion network", metadata.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesTheParametersAsTheEngineDoes()
    {
        // Names lie in the file as they are.
        string svdNet = File.ReadAllText(Export(Classifier)), inversion = File.ReadAllText(Export(Inverter));
        foreach (string name in new[] { "conv1.weight", "conv5.bias", "fc7.weight", "fc9.activation" }) Assert.Contains(name, svdNet, StringComparison.Ordinal);
        foreach (string name in new[] { "fc1.bn.gamma", "uconv3.bn.variance", "conv6.bn.activation", "uconv7.bias", "conv7.weight", "conv7.crop" })
        {
            Assert.Contains(name, inversion, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void SaysWhatIsWrongAndWritesNothing()
    {
        string output = _temp.PathOf("out.onnx"), file = _temp.Put("file", [1]);
        Check("is no param0", Statistics, output);
        Check("missing.npz", _temp.PathOf("missing.npz"), output);
        Check("only SVDNet", Inverter, output, "--whole-song");
        Check("is a folder", Classifier, _temp.Folder);
        Check("cannot be written", Classifier, Path.Combine(file, "out.onnx"));

        // Float32 arrays of the right names and the wrong shapes.
        string other = _temp.PathOf("other.npz");
        NpzFile.Write(other, [("param0", new NpyArray([2, 3], new float[6]))]);
        Check("neither SVDNet nor an inversion network", other, output);
        Assert.Equal([file, other], Directory.GetFileSystemEntries(_temp.Folder).Order());

        void Check(string says, string weights, string path, params string[] options)
        {
            Failure.Says(() => ExportCommand.Run(weights, path, options.Length > 0), says);
            Assert.Equal(1, SvdCommand.Run(["export", weights, "--out", path, .. options]));
        }
    }

    [Fact]
    public void FailingKeepsTheOldFile()
    {
        string output = _temp.Put("out.onnx", [1, 2, 3]);
        Assert.Equal(1, SvdCommand.Run(["export", Statistics, "--out", output]));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(output));
        Assert.Equal([output], Directory.GetFileSystemEntries(_temp.Folder));
    }

    // What ONNX Runtime makes of the features, after comparing it with what the engine makes of them.
    private float[] CheckInversion(string weights, int batch, float[] values)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using InversionNetwork network = InversionNetwork.Load(backend, weights);
        SvdNetLayer layer = network.Architecture.Layer;
        using Tensor features = Tensor.From(backend, layer.ShapeOf(batch), values);
        using Tensor inverted = network.Forward(features);
        using InferenceSession session = Open(Export(weights));
        Assert.Equal(["N", .. layer.Sizes.Select(_ => "")], session.InputMetadata["features"].SymbolicDimensions);
        Assert.Equal([-1, 1, ExcerptFrames, Bands], session.OutputMetadata["inverted"].Dimensions);
        (long[] shape, float[] actual) = Run(session, "features", [batch, .. layer.Sizes], values)["inverted"];
        Assert.Equal([batch, 1, ExcerptFrames, Bands], shape);
        Golden.AssertRelative(Doubles(inverted), actual, Tolerance, "inverted");
        return actual;
    }

    private string Export(string weights, bool wholeSong = false)
    {
        string path = _temp.PathOf($"{Path.GetRandomFileName()}.onnx");
        Assert.Equal(0, SvdCommand.Run(["export", weights, "--out", path, .. wholeSong ? ["--whole-song"] : Array.Empty<string>()]));
        return path;
    }

    // Sizes that the file states and ONNX Runtime works out differently are errors.
    private static InferenceSession Open(string path)
    {
        using SessionOptions options = new() { IntraOpNumThreads = 2 };
        options.AddSessionConfigEntry("session.strict_shape_type_inference", "1");
        return new InferenceSession(path, options);
    }

    private static Dictionary<string, (long[] Shape, float[] Values)> Run(InferenceSession session, string input, long[] shape, float[] values)
    {
        using OrtValue x = OrtValue.CreateTensorValueFromMemory(values, shape);
        using RunOptions options = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(options, [input], [x], session.OutputNames);
        return session.OutputNames.Zip(results).ToDictionary(
            output => output.First, output => (output.Second.GetTensorTypeAndShape().Shape, output.Second.GetTensorDataAsSpan<float>().ToArray()));
    }

    private static double[] Doubles(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), value => (double)value);

    private static float[] Random(int count)
    {
        Random random = new(5);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }
}
