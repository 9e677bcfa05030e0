using System.Security.Cryptography;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench.Golden;

/// <summary>Runs a case of a network: all its layers, or a training step.</summary>
internal static class NetworkCheck
{
    private static readonly Dictionary<string, Func<GoldenCase, string, IBackend, IReadOnlyDictionary<string, float[]>>> Networks = new()
    {
        ["SvdNet"] = Layers, ["SvdNetStep"] = ClassifierStep, ["InversionNetwork"] = Inversion, ["InversionNetworkStep"] = InverterStep,
    };

    /// <summary>Whether a case is of a network.</summary>
    public static bool Knows(GoldenCase @case) => Networks.ContainsKey(@case.Op);

    /// <summary>The outputs by name.</summary>
    /// <exception cref="EngineException">The case does not fit, or the weights are not those that it was made from.</exception>
    public static IReadOnlyDictionary<string, float[]> Run(GoldenCase @case, IBackend backend) =>
        Networks[@case.Op](@case, WeightsOf(@case), backend);

    private static string WeightsOf(GoldenCase @case)
    {
        string name = @case.Setting<string>("weights");
        string path = Path.Combine(AppContext.BaseDirectory, "weights", Path.GetFileName(name));
        if (!File.Exists(path)) throw @case.Complaint($"starts from {MessageText.Quote(name)}, which is not among the weights that come with the program");
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
        return hash == @case.Setting<string>("sha256") ? path
            : throw @case.Complaint($"was made from another {name} than the one that comes with the program: run tests/golden/make_golden.py again");
    }

    private static Dictionary<string, float[]> Layers(GoldenCase @case, string weights, IBackend backend)
    {
        using SvdNet network = SvdNet.Load(backend, weights);
        using Tensor excerpts = Excerpts(@case, backend);
        Dictionary<string, float[]> outputs = [];
        using (network.Features(excerpts, (name, output) => outputs[name] = [.. outputs.GetValueOrDefault(name, []), .. output.ToArray()]))
        {
        }

        // When nothing observes them, neighbouring layers run as one kernel. The last layers are taken from that pass.
        using Tensor features = network.Features(excerpts), probability = network.Probability(features);
        outputs["fc8"] = features.ToArray();
        outputs["fc9"] = probability.ToArray();
        return outputs;
    }

    private static Dictionary<string, float[]> ClassifierStep(GoldenCase @case, string weights, IBackend backend)
    {
        using SvdNet network = SvdNet.Load(backend, weights);
        using TrainableParameters parameters = new(network.Layers, backend);
        using NesterovMomentum optimizer = new(parameters, @case.Setting<float>("momentum"));
        using Tape tape = new();
        using Tensor excerpts = Excerpts(@case, backend);
        float[] targets = @case.Input("target");
        if (targets.Length != excerpts.Shape[0]) throw @case.Complaint($"has {targets.Length} targets for {excerpts.Shape[0]} excerpts");
        using Tensor target = Tensor.From(backend, new Shape(targets.Length, 1), targets);
        Tensor loss = network.Logits(tape.Watch(excerpts)).SigmoidCrossEntropy(target);
        tape.Backward(loss);
        Dictionary<string, float[]> outputs = new() { ["loss"] = loss.ToArray() };
        Step(@case, network.Layers, optimizer, outputs);
        return outputs;
    }

    private static Dictionary<string, float[]> Inversion(GoldenCase @case, string weights, IBackend backend)
    {
        using InversionNetwork network = InversionNetwork.Load(backend, weights);
        using Tensor features = Features(@case, backend), output = network.Forward(features);
        return new() { ["output"] = output.ToArray() };
    }

    private static Dictionary<string, float[]> InverterStep(GoldenCase @case, string weights, IBackend backend)
    {
        WeightFile file = WeightFile.Read(weights);
        using Sequential network = InversionNetwork.Load(backend, file).ArchitectureOnce().Build();
        file.LoadInto(network, "the inversion network", backend);
        using TrainableParameters parameters = new(network, backend);
        using Adam optimizer = new(parameters, @case.Setting<float>("beta1"), @case.Setting<float>("beta2"), @case.Setting<float>("epsilon"));
        using Tape tape = new();
        using Tensor features = Features(@case, backend), target = RolledExcerpts(@case, features.Shape[0], backend);
        Tensor loss = network.Forward(tape.Watch(features)).MeanSquaredError(target);
        tape.Backward(loss);
        (double error, double penalty) = parameters.AddL2Penalty(@case.Setting<float>("penalty"), loss);
        Dictionary<string, float[]> outputs = new() { ["loss"] = [(float)error], ["penalty"] = [(float)penalty] };
        Step(@case, network, optimizer, outputs);
        return outputs;
    }

    private static InversionArchitecture ArchitectureOnce(this InversionNetwork network)
    {
        using (network) return network.Architecture;
    }

    private static void Step(GoldenCase @case, Sequential network, Optimizer optimizer, Dictionary<string, float[]> outputs)
    {
        IReadOnlyList<Parameter> all = network.Parameters;
        for (int i = 0; i < all.Count; i++)
        {
            if (all[i].IsTrained) outputs[$"gradient{i}"] = all[i].ToFileLayout(all[i].Value.Gradient!);
        }

        optimizer.Step(@case.Setting<float>("learningRate"));
        for (int i = 0; i < all.Count; i++) outputs[$"updated{i}"] = all[i].ToFileLayout();
    }

    private static Tensor Excerpts(GoldenCase @case, IBackend backend)
    {
        float[] values = @case.Input("excerpts");
        if (values.Length == 0 || values.Length % ExcerptLength != 0) throw @case.Complaint($"has {values.Length} values of excerpts of {ExcerptLength}");
        return Tensor.From(backend, new Shape(values.Length / ExcerptLength, 1, ExcerptFrames, Bands), values);
    }

    private static Tensor Features(GoldenCase @case, IBackend backend)
    {
        float[] values = @case.Input("features");
        if (values.Length == 0 || values.Length % SvdNet.FeatureCount != 0) throw @case.Complaint($"has {values.Length} values of features of 64");
        return Tensor.From(backend, new Shape(values.Length / SvdNet.FeatureCount, SvdNet.FeatureCount), values);
    }

    // For each sample an excerpt, and the number of frames to roll it by, as numpy.roll does.
    private static Tensor RolledExcerpts(GoldenCase @case, int count, IBackend backend)
    {
        float[] excerpts = @case.Input("excerpts"), rolled = new float[count * ExcerptLength];
        int[][] targets = @case.Setting<int[][]>("targets");
        if (targets.Length != count || targets.Any(target => target is not [>= 0, >= 0] || (target[0] + 1) * (long)ExcerptLength > excerpts.Length))
        {
            throw @case.Complaint($"needs {count} targets: an excerpt that it has, and a number of frames from 0");
        }

        for (int n = 0; n < count; n++)
        for (int frame = 0; frame < ExcerptFrames; frame++)
        {
            int to = (frame + targets[n][1]) % ExcerptFrames;
            excerpts.AsSpan(targets[n][0] * ExcerptLength + frame * Bands, Bands).CopyTo(rolled.AsSpan(n * ExcerptLength + to * Bands));
        }

        return Tensor.From(backend, new Shape(count, 1, ExcerptFrames, Bands), rolled);
    }
}
