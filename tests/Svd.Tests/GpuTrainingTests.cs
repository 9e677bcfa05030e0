using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>What the trainings ask of a GPU besides its kernels, and what is left when it fails.</summary>
public sealed class GpuTrainingTests
{
    private const int BatchSize = 2;

    /// <summary>
    /// A step copies a batch to the device and a loss back, in one piece each. Once warm it compiles nothing and takes no memory from the device, and from the
    /// managed heap only what ILGPU takes for these two copies.
    /// </summary>
    [GpuFact(Gpu.OpenCl)]
    public void AStepIsOneUploadAndOneDownload()
    {
        foreach (string device in Gpu.Present)
        {
            using GpuContext gpu = Gpu.OpenAnew(device);
            using GpuBackend backend = new(gpu, keepOpen: true);
            using (SvdNet detector = SvdNet.Create(backend, new RandomSource(1)))
            using (InverterTraining training = new(
                backend, detector, [Noise(ExcerptFrames + BatchSize - 1, Bands)], [], InversionArchitecture.Paper, hop: 1, BatchSize, seed: 1, (_, _) => { }))
            {
                AssertLean(gpu, training.Plan(1, []));
            }

            using (SvdNet detector = SvdNet.Create(backend, new RandomSource(1)))
            using (MaskerTraining training = new(
                backend, detector, null, [Noise(ExcerptFrames + BatchSize - 1, Bands)], [], hop: 1, BatchSize, classThreshold: 0.5, seed: 1))
            {
                AssertLean(gpu, training.Plan(1, []));
            }

            const int frames = ExcerptFrames + 5;
            TrainingSong song = new(MagnitudeSpectrogram.From(Noise(frames, SpectrumBins)), new float[frames]);
            BandStatistics statistics = new(new double[Bands], [.. Enumerable.Repeat(1.0, Bands)]);
            using ClassifierTraining classifier = new(backend, [song], [], [], statistics, augment: true, batchesPerEpoch: 100, BatchSize, seed: 1);
            AssertLean(gpu, classifier.Plan(1, []));
        }
    }

    /// <summary>
    /// The first batches of each training give the losses that they give on the processor. Two of them by default, since the stand-in driver is slow; the
    /// variable SVD_BATCHES asks for more.
    /// </summary>
    [Theory]
    [InlineData("classifier")]
    [InlineData("inverter")]
    [InlineData("masker")]
    public void ATrainingGoesAsOnTheProcessor(string kind)
    {
        // ADAM divides by the root of small second moments, so what rounding makes of a gradient grows from step to step.
        // Masks are cut at a threshold, where a last digit decides whether a bin is kept.
        double tolerance = kind == "masker" ? 1e-2 : 2e-3;
        int batches = int.TryParse(Environment.GetEnvironmentVariable("SVD_BATCHES"), out int asked) ? asked : 2;
        double[] expected = LossesOn(Backends.CreateCpu(), kind, batches);
        foreach (string device in Gpu.Present)
        {
            double[] actual = LossesOn(Gpu.Open(device), kind, batches);
            for (int i = 0; i < batches; i++) Assert.Equal(expected[i], actual[i], tolerance * expected[i]);
        }
    }

    /// <summary>The queue of commands goes away between two batches, as when the device is lost: the driver refuses every call from then on.</summary>
    [GpuFact(Gpu.OpenCl)]
    public void ALostDeviceLeavesTheLastCheckpoint()
    {
        const int batches = 6, saved = 3, lost = 5;
        using TempFolder temp = new();
        string checkpoints = temp.PathOf("checkpoints"), file = Path.Combine(checkpoints, "checkpoint.npz");
        float[] Train(string? folder, int cancelAfter = batches, int loseAfter = batches)
        {
            using GpuContext gpu = Gpu.OpenAnew(Gpu.OpenCl);
            using GpuBackend backend = new(gpu, keepOpen: true);
            using Sequential network = new(new Dense(3, 2) { Name = "dense" });
            Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(5));
            using TrainableParameters parameters = new(network, backend);
            using Adam adam = new(parameters);
            using Tape tape = new();
            using Tensor x = tape.Watch(Tensor.Allocate(backend, new Shape(4, 3))), target = Tensor.From(backend, new Shape(4, 2), new float[8]);
            TrainingPlan plan = new(network, adam, new HalveOnPlateau(0.01), 1, batches, 4, [("seed", 5)])
            {
                Step = (_, batch) =>
                {
                    backend.Upload([.. Enumerable.Range(0, 12).Select(i => MathF.Sin(12 * batch + i))], x.View);
                    tape.Reset();
                    Tensor loss = network.Forward(x).MeanSquaredError(target);
                    tape.Backward(loss);
                    return loss.ToArray()[0];
                },
            };
            using CancellationTokenSource cancellation = new();
            new TrainingRun(plan, folder, temp.PathOf("log.csv")).Run(
                progress =>
                {
                    if (progress.Batch == cancelAfter && cancelAfter < batches) cancellation.Cancel();
                    if (progress.Batch == loseAfter && loseAfter < batches) gpu.Accelerator.DefaultStream.Dispose();
                },
                cancellation.Token);
            return parameters.Values.ToArray();
        }

        float[] expected = Train(null);
        Assert.Throws<OperationCanceledException>(() => Train(checkpoints, cancelAfter: saved));
        byte[] before = File.ReadAllBytes(file);
        Failure.Says(() => Train(checkpoints, loseAfter: lost), "OpenCL", "failed (");
        Assert.Equal([file], Directory.GetFiles(checkpoints));
        Assert.Equal(before, File.ReadAllBytes(file));
        Assert.Equal(expected, Train(checkpoints));
    }

    private static double[] LossesOn(IBackend opened, string kind, int batches)
    {
        using IBackend backend = opened;
        using SvdNet detector = SvdNet.Load(backend, Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz"));
        float[] logMel = Noise(ExcerptFrames + BatchSize * batches - 1, Bands);
        BandStatistics statistics = new(new double[Bands], [.. Enumerable.Repeat(1.0, Bands)]);
        TrainingSong song = new(MagnitudeSpectrogram.From(Noise(ExcerptFrames + 5, SpectrumBins)), new float[ExcerptFrames + 5]);
        (IDisposable training, TrainingPlan plan) = kind switch
        {
            "classifier" => Of(new ClassifierTraining(backend, [song], [], [], statistics, augment: true, batches, BatchSize, seed: 1), made => made.Plan(1, [])),
            "inverter" => Of(
                new InverterTraining(backend, detector, [logMel], [], InversionArchitecture.Paper, hop: 1, BatchSize, seed: 1, (_, _) => { }),
                made => made.Plan(1, [])),
            _ => Of(new MaskerTraining(backend, detector, null, [logMel], [], hop: 1, BatchSize, classThreshold: 0.5, seed: 1), made => made.Plan(1, [])),
        };
        using (training)
        {
            double[] losses = new double[batches];
            for (int batch = 0; batch < batches; batch++)
            {
                losses[batch] = plan.Step(0, batch);
                plan.Optimizer.Step(0.001);
            }

            return losses;
        }
    }

    private static (IDisposable, TrainingPlan) Of<TTraining>(TTraining training, Func<TTraining, TrainingPlan> plan)
        where TTraining : IDisposable => (training, plan(training));

    private static void AssertLean(GpuContext gpu, TrainingPlan plan)
    {
        // The runtime compiles anew what is called often, which may allocate meanwhile: the best of several steps counts.
        const int attempts = 10;
        using GpuBuffer buffer = gpu.Memory.Rent(1);
        float[] number = new float[1];
        void CopyThereAndBack()
        {
            gpu.Upload(number, buffer.Floats);
            gpu.Download(buffer.Floats, number);
        }

        int batch = 0;
        void Step()
        {
            Assert.True(double.IsFinite(plan.Step(0, batch++ % plan.BatchesPerEpoch)));
            plan.Optimizer.Step(0.001);
        }

        long LeastAllocated(Action act, long hopedFor)
        {
            long least = long.MaxValue;
            for (int attempt = 0; attempt < attempts && least > hopedFor; attempt++)
            {
                (long uploads, long downloads, long allocated) = (gpu.Uploads, gpu.Downloads, GC.GetAllocatedBytesForCurrentThread());
                act();
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - allocated);
                Assert.Equal((1, 1), (gpu.Uploads - uploads, gpu.Downloads - downloads));
            }

            return least;
        }

        Step();
        Step();
        (int kernels, long bytes, int buffers) = (gpu.Kernels.Count(), gpu.Memory.BytesAllocated, gpu.Memory.Outstanding);
        long copies = LeastAllocated(CopyThereAndBack, 0);
        Assert.Equal(copies, LeastAllocated(Step, copies));
        Assert.Equal((kernels, bytes, buffers), (gpu.Kernels.Count(), gpu.Memory.BytesAllocated, gpu.Memory.Outstanding));
    }

    private static float[] Noise(int frames, int values)
    {
        RandomSource random = new(2);
        return [.. Enumerable.Range(0, frames * values).Select(_ => (float)random.NextDouble(0, 1))];
    }
}
