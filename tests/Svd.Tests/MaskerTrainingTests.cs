using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

public class MaskerTrainingTests
{
    /// <summary>
    /// The classifier is only passed through: none of its weights moves, nor is a gradient worked out for one; all of the mask network's have one.
    /// </summary>
    [Fact]
    public void TheClassifierStaysAsItIs()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet classifier = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        float[][] before = [.. classifier.Layers.Parameters.Select(parameter => parameter.Value.ToArray())];
        float[] song = [.. ExplanationMethodTests.Numbers(6, 2 * ExcerptLength)];
        using MaskerTraining training = new(backend, classifier, [], [song], [], hop: 40, batchSize: 2, classThreshold: 0.5, seed: 1);
        TrainingPlan plan = training.Plan(1, []);

        Assert.True(double.IsFinite(plan.Step(0, 0)));
        plan.Optimizer.Step(plan.Schedule.LearningRate);

        Assert.All(classifier.Layers.Parameters.Zip(before), pair =>
        {
            Assert.Null(pair.First.Value.Gradient);
            Assert.Equal(pair.Second, pair.First.Value.ToArray());
        });
        Assert.All(
            training.Network.Parameters.Where(parameter => parameter.IsTrained),
            parameter => Assert.Contains(parameter.Value.Gradient!.ToArray(), value => value != 0));
    }

    /// <summary>The loss is the mean over the detectors in the loop, and only the first one's features make the mask.</summary>
    [Fact]
    public void EachDetectorInTheLoopCountsAsMuchAsTheFirst()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet classifier = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        using SvdNet other = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet-second.npz"));
        float[] song = [.. ExplanationMethodTests.Numbers(6, 2 * ExcerptLength)];
        double alone = FirstLoss(), twice = FirstLoss(classifier), both = FirstLoss(other), three = FirstLoss(other, other);
        Assert.Equal(alone, twice, 1e-5 * Math.Abs(alone)); // Float32 sums in another order.
        Assert.NotEqual(alone, both, 1e-3 * Math.Abs(alone));
        Assert.Equal(alone + 2 * (2 * both - alone), 3 * three, 1e-4 * Math.Abs(alone));

        double FirstLoss(params SvdNet[] judges)
        {
            using MaskerTraining training = new(backend, classifier, judges, [song], [], hop: 40, batchSize: 2, classThreshold: 0.5, seed: 1);
            return training.Plan(1, []).Step(0, 0);
        }
    }

    /// <summary>What the detector makes on the way is the same whether it is asked for its features or for all its maps.</summary>
    [Fact]
    public void MapsComeWithTheFeaturesThatTheDetectorHas()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet classifier = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        const int count = 5;
        using Tensor input = Tensor.From(
            backend, new Shape(count, 1, ExcerptFrames, Bands), ExplanationMethodTests.Numbers(7, count * ExcerptLength));
        using Tensor features = classifier.Features(input);
        using SvdNetMaps maps = classifier.Maps(input);
        Assert.Equal(features.ToArray(), maps.Features.ToArray());
    }
}
