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

    [Fact]
    public void FewerEpochsThanAreDoneAreRefused()
    {
        Train(Checkpoints);
        File.Delete(Log);
        Failure.Says(() => Train(Checkpoints, epochs: 2), "checkpoint.npz", "already in epoch 3", "--epochs 3");
        Train(Checkpoints);
        Assert.Equal(1 + Epochs, File.ReadAllLines(Log).Length);
    }

    [Fact]
    public void AnotherDeviceIsSaidAndGoesOn()
    {
        List<string> notes = [];
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7, device: "cpu (128-bit vectors)"));
        Train(Checkpoints, device: "cpu (512-bit vectors)", notes: notes);
        Assert.Contains("cpu (128-bit vectors)", Assert.Single(notes), StringComparison.Ordinal);
        using IBackend one = Backends.CreateCpu(1), three = Backends.CreateCpu(3);
        Assert.Equal(DeviceIdentity.Of(one), DeviceIdentity.Of(three));
        Assert.Contains("-bit", DeviceIdentity.Of(one), StringComparison.Ordinal);
    }

    /// <summary>Right checksums, wrong meaning.</summary>
    public static TheoryData<string, double[]> Nonsense => new()
    {
        { "position", [-1, 0, 1] },
        { "position", [1, -1, 1] },
        { "position", [1, Batches + 1, 1] },
        { "position", [0.5, 1, 1] },
        { "position", [1, 1, double.NaN] },
        { "position", [double.NaN, 1, 1] },
        { "position", [1] },
        { "position", [] },
        { "optimizer_steps", [0] },
        { "optimizer_steps", [-3] },
        { "optimizer_steps", [7.5] },
        { "optimizer_steps", [1e300] },
        { "schedule", [0.01] },
        { "schedule", [] },
        { "schedule", [double.NaN, 1, 0] },
        { "schedule", [-1, 1, 0] },
        { "schedule", [0.01, 1, 99] },
        { "log_0", [1] },
        { "identity_seed", [] },
    };

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void ACheckpointThatMeansNothingIsRefused(string name, double[] numbers)
    {
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7));
        Replace(name, new NpyArray([numbers.Length], numbers));
        Failure.Says(() => Train(Checkpoints), "checkpoint.npz", $"'{name}'");
    }

    [Theory]
    [InlineData("value_dense.weight")]
    [InlineData("optimizer_adam_m")]
    public void ACheckpointWithoutNumbersIsRefused(string name)
    {
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 7));
        string file = Path.Combine(Checkpoints, "checkpoint.npz");
        int length;
        using (NpzFile old = NpzFile.Open(file)) length = old.Read(name).Length;
        Replace(name, new NpyArray([length], [.. Enumerable.Repeat(float.NaN, length)]));
        Failure.Says(() => Train(Checkpoints), "checkpoint.npz", $"'{name}'", "NaN");
    }

    // The loss stays finite: only the weights tell.
    [Theory]
    [InlineData(2)]
    [InlineData(Epochs * Batches)]
    public void WeightsThatAreNoNumbersStopTheTraining(int at)
    {
        Assert.Throws<OperationCanceledException>(() => Train(Checkpoints, 1));
        string file = Path.Combine(Checkpoints, "checkpoint.npz");
        Failure.Says(() => Train(Checkpoints, breakAt: at), "dense.weight", "NaN", "epoch", "diverged");
        Checkpoint kept = Checkpoint.Read(file);
        Assert.All(kept.Numbers("value_dense.weight"), value => Assert.True(double.IsFinite(value)));
    }

    private void Replace(string name, NpyArray array)
    {
        string path = Path.Combine(Checkpoints, "checkpoint.npz");
        List<(string, NpyArray)> arrays = [];
        using (NpzFile file = NpzFile.Open(path))
        {
            foreach (string each in file.Names) arrays.Add((each, each == name ? array : file.Read(each)));
        }

        NpzFile.Write(path, arrays);
    }

    private float[] Train(
        string? checkpoints, int cancelAfter = int.MaxValue, int divergeAt = int.MaxValue, int failAt = int.MaxValue, int epochs = Epochs,
        string device = "", List<string>? notes = null, int breakAt = int.MaxValue)
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
        TrainingPlan plan = new(network, adam, new HalveOnPlateau(0.01), epochs, Batches, 4, [("seed", 5)])
        {
            Device = device,
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
                if (number + 1 == breakAt) backend.Upload([.. Enumerable.Repeat(float.NaN, parameters.Gradients.Shape.Length)], parameters.Gradients.View);
                return number + 1 > breakAt ? 1 : loss.ToArray()[0];
            },
        };
        new TrainingRun(plan, checkpoints, Log).Run(
            _ =>
            {
                if (++done == cancelAfter) cancellation.Cancel();
            },
            cancellation.Token, note => notes?.Add(note));
        return parameters.Values.ToArray();
    }

    private static string WithoutSpeed(string line) => string.Join(',', line.Split(',').Where((_, column) => column != 3));
}
