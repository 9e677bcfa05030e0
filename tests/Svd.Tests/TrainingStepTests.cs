using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Nn;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>Training steps against float64 (reference/step_golden.py made the arrays with PyTorch).</summary>
public class TrainingStepTests
{
    // Float32 through ten layers forward and back, against float64, relative to each array's largest value.
    private const double GradientTolerance = 1e-4;
    private const double LossTolerance = 1e-4;

    // ADAM divides by the root of the second moment, so a gradient as small as its own float32 error can move a parameter either way. Ten steps of 0.001
    // could take it 0.01 apart; 2e-6 is what was seen.
    private const double FinalTolerance = 1e-5;

    public static TheoryData<string> Architectures => ["paper", "published"];

    /// <summary>All ten steps on the CPU, three on each GPU that there is.</summary>
    public static TheoryData<string, string, int> Steps
    {
        get
        {
            TheoryData<string, string, int> all = [];
            foreach (string name in new[] { "paper", "published" })
            {
                all.Add(name, $"{(int)VectorSupport.Widest}", 10);
                foreach (string gpu in Gpu.Present) all.Add(name, gpu, 3);
            }

            return all;
        }
    }

    [GpuFact(Gpu.Cuda)]
    public void CudaIsTested() => Assert.Contains(Gpu.Cuda, Gpu.Present);

    [GpuFact(Gpu.OpenCl)]
    public void OpenClIsTested() => Assert.Contains(Gpu.OpenCl, Gpu.Present);

    [ReferenceTheory]
    [MemberData(nameof(Steps))]
    public void InversionNetwork(string name, string device, int steps)
    {
        string file = $"inverter_step_golden_{name}.npz";
        using IBackend backend = Golden.Create(device);
        using Sequential network = InversionArchitecture.Of(SvdNetLayer.Fc8, name)!.Build();
        for (int i = 0; i < network.Parameters.Count; i++) network.Parameters[i].Load(backend, Golden.ReadSingle(file, $"init{i}"));
        using TrainableParameters parameters = new(network, backend);
        using Adam adam = new(parameters);
        using Tape tape = new();
        float[] features = Golden.ReadSingle(file, "features"), excerpts = Golden.ReadSingle("svdnet_golden.npz", "input");
        long[] excerpt = Golden.ReadInt64(file, "target_excerpt"), roll = Golden.ReadInt64(file, "target_roll");
        double[] losses = Golden.Read(file, "loss");
        const int batch = 32;
        for (int step = 0; step < steps; step++)
        {
            using Tensor x = Tensor.From(
                backend, new Shape(batch, SvdNet.FeatureCount), features.AsSpan(step * batch * SvdNet.FeatureCount, batch * SvdNet.FeatureCount));
            float[] rolled = new float[batch * ExcerptLength];
            for (int n = 0; n < batch; n++)
            for (int frame = 0; frame < ExcerptFrames; frame++)
            {
                int from = (int)(frame - roll[step * batch + n] + ExcerptFrames) % ExcerptFrames;
                excerpts.AsSpan((int)excerpt[step * batch + n] * ExcerptLength + from * Bands, Bands)
                    .CopyTo(rolled.AsSpan(n * ExcerptLength + frame * Bands));
            }

            using Tensor target = Tensor.From(backend, new Shape(batch, 1, ExcerptFrames, Bands), rolled);
            tape.Reset();
            Tensor output = network.Forward(tape.Watch(x));
            Tensor loss = output.MeanSquaredError(target);
            tape.Backward(loss);
            (double error, double penalty) = parameters.AddL2Penalty(1e-4f, loss);
            Assert.Equal(losses[2 * step + 1], error, LossTolerance * losses[2 * step + 1]);
            Assert.Equal(losses[2 * step], error + penalty, LossTolerance * losses[2 * step]);
            if (step == 0)
            {
                Golden.AssertRelative(Golden.Read(file, "output_first"), output.ToArray(), GradientTolerance, "output");
                for (int i = 0; i < network.Parameters.Count; i++)
                {
                    Parameter parameter = network.Parameters[i];
                    if (!parameter.IsTrained) continue;
                    Golden.AssertRelative(
                        Golden.Read(file, $"grad{i}"), parameter.ToFileLayout(parameter.Value.Gradient!), GradientTolerance, parameter.Name);
                }
            }

            adam.Step(0.001);
        }

        if (2 * steps < losses.Length) return;
        for (int i = 0; i < network.Parameters.Count; i++)
        {
            Golden.AssertAbsolute(Golden.Read(file, $"final{i}"), network.Parameters[i].ToFileLayout(), FinalTolerance, network.Parameters[i].Name);
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void AWarmStepAllocatesNothing(string name)
    {
        using IBackend backend = Backends.CreateCpu(2);
        using Sequential network = InversionArchitecture.Of(SvdNetLayer.Fc8, name)!.Build();
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
        using TrainableParameters parameters = new(network, backend);
        using Adam adam = new(parameters);
        using Tape tape = new();
        using Tensor x = tape.Watch(Tensor.From(backend, new Shape(2, SvdNet.FeatureCount), new float[2 * SvdNet.FeatureCount]));
        using Tensor target = Tensor.From(backend, new Shape(2, 1, ExcerptFrames, Bands), new float[2 * ExcerptLength]);
        void Step()
        {
            tape.Reset();
            Tensor loss = network.Forward(x).MeanSquaredError(target);
            tape.Backward(loss);
            parameters.AddL2Penalty(1e-4f, loss);
            adam.Step(0.001);
        }

        Allocation.AssertNone(Step);
    }

    [Fact]
    public void AWarmStepOfSvdNetAllocatesNothing()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Create(backend, new RandomSource(1));
        using TrainableParameters parameters = new(network.Layers, backend);
        using NesterovMomentum optimizer = new(parameters, 0.95f);
        using Tape tape = new();
        using Tensor x = tape.Watch(Tensor.From(backend, new Shape(1, 1, ExcerptFrames, Bands), new float[ExcerptLength]));
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0.98f]);
        float[] loss = new float[1];
        Allocation.AssertNone(() =>
        {
            tape.Reset();
            Tensor error = network.Logits(x).SigmoidCrossEntropy(target);
            tape.Backward(error);
            error.CopyTo(loss);
            optimizer.Step(0.01);
        });
    }

    public static TheoryData<string> WidestAndGpus => [$"{(int)VectorSupport.Widest}", .. Gpu.Present];

    [ReferenceTheory]
    [MemberData(nameof(WidestAndGpus))]
    public void SvdNetClassifier(string device)
    {
        const string file = "svdnet_step_golden.npz";
        using IBackend backend = Golden.Create(device);
        using SvdNet network = SvdNet.Load(backend, ReferenceData.PathOf("reference/svdnet_standin.npz"));
        using TrainableParameters parameters = new(network.Layers, backend);
        using Tape tape = new();
        float[] excerpts = Golden.ReadSingle("svdnet_golden.npz", "input");
        int count = excerpts.Length / ExcerptLength;
        using Tensor input = Tensor.From(backend, new Shape(count, 1, ExcerptFrames, Bands), excerpts);
        using Tensor target = Tensor.From(backend, new Shape(count, 1), Golden.ReadSingle(file, "targets"));
        Tensor loss = network.Logits(tape.Watch(input)).SigmoidCrossEntropy(target);
        tape.Backward(loss);
        double expectedLoss = Golden.Read(file, "loss")[0];
        Assert.Equal(expectedLoss, loss.ToArray()[0], LossTolerance * expectedLoss);
        IReadOnlyList<Parameter> all = network.Layers.Parameters;
        for (int i = 0; i < all.Count; i++)
        {
            // Of fc7's weights the file has the first 64 rows.
            float[] gradient = all[i].ToFileLayout(all[i].Value.Gradient!);
            double[] expected = Golden.Read(file, i == 8 ? "grad8_rows0_64" : $"grad{i}");
            Golden.AssertRelative(expected, gradient.AsSpan(0, expected.Length), GradientTolerance, all[i].Name);
        }
    }
}
