using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>The inversion networks of all layers: their descriptions, their weight files, and the numbers of the published ones.</summary>
public sealed class InversionTests : IDisposable
{
    // Float32 through up to ten layers, against float64.
    private const double GoldenTolerance = 2e-4;

    // The two forms sum the same terms in different orders.
    private const double FoldTolerance = 1e-5;

    private readonly TempFolder _temp = new();

    public static TheoryData<string, string> Goldens
    {
        get
        {
            TheoryData<string, string> all = [];
            foreach (string file in new[] { "conv1_a1", "mp3_a16", "fc7_a3" })
            foreach (string device in Golden.Devices) all.Add(file, device);

            return all;
        }
    }

    /// <summary>Layer, numbers and arrays of the published networks, and of two of our own.</summary>
    public static TheoryData<string, string, int, int> Counts => new()
    {
        { "conv1", "published", 37_700, 10 }, { "conv2", "published", 28_324, 20 }, { "mp3", "published", 45_892, 30 },
        { "conv4", "published", 576_260, 25 }, { "conv5", "published", 144_772, 25 }, { "mp6", "published", 80_484, 25 },
        { "fc7", "published", 176_001, 47 }, { "fc8", "published", 131_201, 52 }, { "fc8", "paper", 31_887, 54 },
    };

    public static TheoryData<int> Architectures => [.. Enumerable.Range(0, InversionArchitecture.All.Count)];

    public void Dispose() => _temp.Dispose();

    [ReferenceTheory]
    [MemberData(nameof(Goldens))]
    public void PublishedNetworksOfOtherLayers(string file, string device)
    {
        string layer = file.Split('_')[0];
        using IBackend backend = Golden.Create(device);
        using InversionNetwork network = InversionNetwork.Load(backend, ReferenceData.PathOf($"reference/inverters/jamendo_augment_gen_{file}.npz"));
        Assert.Same(InversionArchitecture.Of(SvdNetLayer.Of(layer)!, "published"), network.Architecture);
        float[] features = Golden.ReadSingle($"inverters/golden_{layer}.npz", "features");
        using Tensor input = Tensor.From(backend, network.Architecture.Layer.ShapeOf(features.Length / network.Architecture.Layer.Length), features);
        using Tensor inverted = network.Forward(input);
        double[] expected = Golden.Read($"inverters/golden_{layer}.npz", "output");
        Assert.Equal(new Shape(4, 1, ExcerptFrames, Bands), inverted.Shape);
        float[] actual = inverted.ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], GoldenTolerance * Math.Max(1, Math.Abs(expected[i])));
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void NumbersAndArraysArePublished(string layer, string name, int numbers, int arrays)
    {
        using Sequential network = InversionArchitecture.Of(SvdNetLayer.Of(layer)!, name)!.Build();
        Assert.Equal((numbers, arrays), (network.ParameterCount, network.Parameters.Count));
    }

    [Fact]
    public void ThePaperSizeIsTheDefaultWhereThereIsOne()
    {
        Assert.Same(InversionArchitecture.Paper, InversionArchitecture.Of(SvdNetLayer.Fc8));
        Assert.Equal("published", InversionArchitecture.Of(SvdNetLayer.Conv5)!.Name);
        Assert.Null(InversionArchitecture.Of(SvdNetLayer.Conv5, "paper"));
    }

    /// <summary>A file is recognised by its shapes, and the network for inference, folded and cropped, computes what the one for training does.</summary>
    [Theory]
    [MemberData(nameof(Architectures))]
    public void AFileSaysWhichNetworkItHolds(int number)
    {
        InversionArchitecture architecture = InversionArchitecture.All[number];
        using IBackend backend = Backends.CreateCpu(2);
        using Sequential trained = architecture.Build();
        string path = Write(architecture, trained, backend);
        using InversionNetwork network = InversionNetwork.Load(backend, path);
        Assert.Same(architecture, network.Architecture);
        const int count = 3;
        using Tensor features = Tensor.From(backend, architecture.Layer.ShapeOf(count), Numbers(count * architecture.Layer.Length));
        using Tensor expected = trained.Forward(features), inverted = network.Forward(features);
        Assert.Equal(new Shape(count, 1, ExcerptFrames, Bands), inverted.Shape);
        Golden.AssertRelative(Array.ConvertAll(expected.ToArray(), value => (double)value), inverted.ToArray(), FoldTolerance, $"{architecture}");
    }

    /// <summary>The border that the published networks for conv1 and conv2 leave zero.</summary>
    [Theory]
    [InlineData("conv1", 1)]
    [InlineData("conv2", 2)]
    public void TheMarginIsZero(string layer, int margin)
    {
        InversionArchitecture architecture = InversionArchitecture.Of(SvdNetLayer.Of(layer)!, "published")!;
        using IBackend backend = Backends.CreateCpu(2);
        using Sequential network = architecture.Build();
        using InversionNetwork inversion = InversionNetwork.Load(backend, Write(architecture, network, backend));
        using Tensor features = Tensor.From(backend, architecture.Layer.ShapeOf(1), Numbers(architecture.Layer.Length));
        using Tensor inverted = inversion.Forward(features);
        float[] values = inverted.ToArray();
        for (int row = 0; row < ExcerptFrames; row++)
        for (int band = 0; band < Bands; band++)
        {
            bool isMargin = row < margin || row >= ExcerptFrames - margin || band < margin || band >= Bands - margin;
            Assert.Equal(isMargin, values[row * Bands + band] == 0);
        }
    }

    [Theory]
    [MemberData(nameof(NetworkTests.Devices), MemberType = typeof(NetworkTests))]
    public void EveryLayerHasItsOutput(string device)
    {
        using IBackend backend = Golden.Create(device);
        using SvdNet network = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        const int count = 2;
        using Tensor excerpts = Tensor.From(backend, new Shape(count, 1, ExcerptFrames, Bands), Numbers(count * ExcerptLength));
        Dictionary<string, List<float>> seen = [];
        network.Features(excerpts, (name, output) => Of(name).AddRange(output.ToArray())).Dispose();
        foreach (SvdNetLayer layer in SvdNetLayer.All)
        {
            using Tensor output = network.Output(excerpts, layer);
            Assert.Equal(layer.ShapeOf(count), output.Shape);
            Golden.AssertRelative([.. Of(layer.Name).Select(value => (double)value)], output.ToArray(), FoldTolerance, layer.Name);
        }

        List<float> Of(string name) => seen.TryGetValue(name, out List<float>? values) ? values : seen[name] = [];
    }

    /// <summary>Whether features are kept or computed in each step, the steps are the same, and a warm one allocates nothing.</summary>
    [Theory]
    [InlineData("mp3")]
    [InlineData("conv5")]
    [InlineData("fc7")]
    public void FeaturesMayBeComputedInEachStep(string layer)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet classifier = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        float[] song = Numbers((ExcerptFrames + 7) * Bands);
        (double[] kept, double[] computed) = (Losses(long.MaxValue), Losses(0));
        for (int i = 0; i < kept.Length; i++) Assert.Equal(kept[i], computed[i], FoldTolerance * kept[i]);

        double[] Losses(long mostKeptBytes)
        {
            using InverterTraining training = new(
                backend, classifier, [song], [], InversionArchitecture.Of(SvdNetLayer.Of(layer)!)!, hop: 1, batchSize: 2, seed: 1, (_, _) => { },
                mostKeptBytes);
            TrainingPlan plan = training.Plan(1, []);
            double[] losses = new double[3];
            for (int batch = 0; batch < losses.Length; batch++)
            {
                losses[batch] = plan.Step(0, batch);
                plan.Optimizer.Step(plan.Schedule.LearningRate);
            }

            Allocation.AssertNone(() => plan.Step(0, 3));
            return losses;
        }
    }

    // Weights as training draws them, but statistics and betas that do something.
    private string Write(InversionArchitecture architecture, Sequential network, IBackend backend)
    {
        RandomSource random = new(5);
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, random);
        foreach (Parameter parameter in network.Parameters.Where(parameter => parameter.Role != ParameterRole.Weight))
        {
            double least = parameter.Role is ParameterRole.Gamma or ParameterRole.RunningInverseStd ? 0.5 : -0.5;
            parameter.Load(backend, [.. Enumerable.Range(0, parameter.Shape.Length).Select(_ => (float)random.NextDouble(least, least + 1))]);
        }

        string path = _temp.PathOf($"{architecture.Layer}-{architecture.Name}.npz");
        network.Save(path);
        return path;
    }

    private static float[] Numbers(int count)
    {
        RandomSource random = new(3);
        return [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble(-1, 1))];
    }
}
