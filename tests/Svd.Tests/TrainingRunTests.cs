using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Train;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Svd.Tests;

/// <summary>Broken off and gone on from any batch; diverging; on a network small enough to train in no time.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private const int Epochs = 3;
    private const int Batches = 5;

    private readonly TempFolder _temp = new();

    private string Checkpoints => Path.Combine(_temp.Folder, "checkpoints");

    private string Log => _temp.PathOf("log.csv");

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(13)]
    public void GoesOnFromAnyBatch(int cancelAfter)
    {
        float[] expected = Train(null);
        string log = File.ReadAllText(Log);
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, cancelAfter));
        Assert.Equal(expected, Train(Checkpoints));
        Assert.Equal(log.Split('\n').Select(WithoutSpeed), File.ReadAllText(Log).Split('\n').Select(WithoutSpeed));
    }

    [Fact]
    public void StopsWhereTheLossIsNoNumber()
    {
        // The batch before was saved: the checkpoint must still be from there, and lead to the same place again.
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7));
        byte[] before = File.ReadAllBytes(Path.Combine(Checkpoints, "checkpoint.npz"));
        Failure.Says(() => Train(Checkpoints, divergeAt: 8), "NaN", "epoch 2", "batch 4", "checkpoint.npz");
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Checkpoints, "checkpoint.npz")));
    }

    [Fact]
    public void ADeviceThatFailsLeavesTheCheckpoint()
    {
        float[] expected = Train(null);
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7));
        byte[] before = File.ReadAllBytes(Path.Combine(Checkpoints, "checkpoint.npz"));
        Failure.Says(() => Train(Checkpoints, failAt: 8), "the device failed");
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Checkpoints, "checkpoint.npz")));
        Assert.Equal(expected, Train(Checkpoints));
    }

    [Fact]
    public void ACheckpointThatCannotBeWrittenLeavesTheOneBefore()
    {
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7));
        string file = Path.Combine(Checkpoints, "checkpoint.npz");
        byte[] before = File.ReadAllBytes(file);
        File.Delete(Log);
        Directory.CreateDirectory(Log);
        Assert.Throws<EngineException>(() => Train(Checkpoints));
        Assert.Equal(before, File.ReadAllBytes(file));
    }

    private float[] Train(string? checkpoints, int cancelAfter = int.MaxValue, int divergeAt = int.MaxValue, int failAt = int.MaxValue)
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Sequential network = new(new Dense(3, 2) { Name = "dense" });
        Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(5));
        using TrainableParameters parameters = new(network, backend);
        using Adam adam = new(parameters);
        using Tape tape = new();
        using Tensor x = tape.Watch(Tensor.Allocate(backend, new Shape(4, 3))), target = Tensor.From(backend, new Shape(4, 2), new float[8]);
        using CancellationTokenSource cancellation = new();
        int done = 0;
        TrainingPlan plan = new(network, adam, new HalveOnPlateau(0.01), Epochs, Batches, 4, [("seed", 5)])
        {
            Step = (epoch, batch) =>
            {
                int number = epoch * Batches + batch;
                if (number + 1 > divergeAt) return double.NaN;
                if (number + 1 > failAt) throw new EngineException("the device failed");
                RandomSource random = new(5, (ulong)number);
                backend.Upload([.. Enumerable.Range(0, 12).Select(_ => (float)random.NextGaussian())], x.View);
                tape.Reset();
                Tensor loss = network.Forward(x).MeanSquaredError(target);
                tape.Backward(loss);
                return loss.ToArray()[0];
            },
        };
        new TrainingRun(plan, checkpoints, Log).Run(
            _ =>
            {
                if (++done == cancelAfter) cancellation.Cancel();
            },
            cancellation.Token);
        return parameters.Values.ToArray();
    }

    private static string WithoutSpeed(string line) => string.Join(',', line.Split(',').Where((_, column) => column != 3));
}
