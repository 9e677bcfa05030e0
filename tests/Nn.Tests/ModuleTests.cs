using Engine.Kernels;
using Engine.Nn.Onnx;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Nn.Tests;

/// <summary>How modules are named, and modules of one's own.</summary>
public class ModuleTests
{
    [Fact]
    public void AChainNamesWhatHasNoName()
    {
        using Sequential network = new(
            new Conv2d(1, 2, 3), new Sequential(new Conv2d(2, 2, 3), new Dense(2, 2) { Name = "mine" }), new ModuleList(new Conv2d(2, 2, 1), new BatchNorm(2)),
            new Sequential(new Conv2d(2, 2, 1), new Dense(2, 2)) { Name = "head" }, new Pair());
        string[] expected =
        [
            "conv2d_1", "conv2d_2", "mine", "conv2d_3", "batchnorm_1", "head.conv2d_1", "head.dense_1", "pair_1.first", "pair_1.dense_1",
        ];
        Assert.Equal(expected, network.Parameters.Select(parameter => parameter.Name[..parameter.Name.LastIndexOf('.')]).Distinct());
        Assert.Equal(["conv2d_1.weight", "conv2d_1.bias"], network.Parameters.Take(2).Select(parameter => parameter.Name));
        Assert.Equal("head.dense_1", network.Parts[3].Parts[1].Name);
    }

    [Fact]
    public void WithoutAChainTheNameIsTheGivenOneOrTheClasss()
    {
        using Dense named = new(2, 3) { Name = "fc" }, unnamed = new(2, 3);
        Assert.Equal(["fc.weight", "fc.bias"], named.Parameters.Select(parameter => parameter.Name));
        Assert.Equal("dense", unnamed.Name);
        using Sequential chain = new(new Dense(2, 3)) { Name = "body" };
        Assert.Equal("body.dense_1.bias", chain.Parameters[1].Name);
    }

    [Fact]
    public void AModuleOfPartsIsLoadedTrainedAndDisposedAsOne()
    {
        using IBackend backend = Backends.CreateReference();
        Pair pair = new();
        Initializers.Initialize(pair, backend, WeightInitializer.HeNormal, new RandomSource(1));
        Assert.Equal(4, pair.Parameters.Count);
        Assert.Equal(2 * (2 * 2 + 2), pair.ParameterCount);
        using (TrainableParameters parameters = new(pair, backend))
        {
            using Tensor x = Tensor.From(backend, new Shape(1, 2), [1, 2]), target = Tensor.From(backend, new Shape(1, 2), [0, 0]);
            using Tape tape = new();
            tape.Backward(pair.Forward(tape.Watch(x)).MeanSquaredError(target));
            Assert.Contains(parameters.Gradients.ToArray(), value => value != 0);
        }

        Tensor value = pair.Parameters[0].Value;
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => value.View);
    }

    [Fact]
    public void WhatCannotBeExportedIsNamed()
    {
        using Sequential network = new(new Pair());
        Failure.Says(() => network.ToOnnx(new Shape(1, 2)), "pair_1", "Pair", "IOnnxModule");
        using Dense same = new(2, 2) { Name = "same" };
        using IBackend backend = Backends.CreateReference();
        Initializers.Initialize(same, backend, WeightInitializer.HeNormal, new RandomSource(1));
        using Sequential twice = new(same, new Activate(Activation.Elu) { Name = "same" });
        Failure.Says(() => twice.ToOnnx(new Shape(1, 2)), "same", "Name");
    }

    /// <summary>A module of one's own that is made of others.</summary>
    private sealed class Pair : Module
    {
        private readonly Dense _first = new(2, 2) { Name = "first" }, _second = new(2, 2);

        public override IReadOnlyList<Module> Parts => [_first, _second];

        public override Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x));
    }
}
