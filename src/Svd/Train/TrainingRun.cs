using System.Diagnostics;
using System.Globalization;
using System.Text;
using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;

namespace Engine.Svd.Train;

/// <summary>What a training run is made of; the run itself is the same for every network.</summary>
/// <param name="Network">The modules whose parameters are saved.</param>
/// <param name="Optimizer">Changes them.</param>
/// <param name="Schedule">Sets the learning rate.</param>
/// <param name="Epochs">Passes.</param>
/// <param name="BatchesPerEpoch">Steps of a pass.</param>
/// <param name="BatchSize">Excerpts of a step.</param>
/// <param name="Identity">
/// What must be the same for a checkpoint to go on from: names for people, and numbers (seed, sizes, digests of data and weights).
/// </param>
internal sealed record TrainingPlan(
    Module Network, Optimizer Optimizer, ISchedule Schedule, int Epochs, int BatchesPerEpoch, int BatchSize,
    IReadOnlyList<(string Name, double Number)> Identity)
{
    /// <summary>Forward and backward of batch b of epoch e, both from 0: leaves the gradients and returns the loss.</summary>
    public required Func<int, int, double> Step { get; init; }

    /// <summary>Is asked after each epoch for what the log shall hold beside the loss: column names and values.</summary>
    public Func<IReadOnlyList<(string Name, double Value)>> Validate { get; init; } = () => [];
}

/// <summary>What the run tells whoever watches it, after each batch.</summary>
internal readonly record struct TrainingProgress(
    int Epoch, int Epochs, int Batch, int Batches, double Loss, double LearningRate, double ExcerptsPerSecond, TimeSpan Left);

/// <summary>
/// Trains: batches, epochs, the log, checkpoints. A run that is killed goes on from its last checkpoint and ends in the same bits as one that was not,
/// because a batch depends on nothing but the plan, the parameters and the batch's number.
/// </summary>
internal sealed class TrainingRun(TrainingPlan plan, string? checkpointFolder, string logPath)
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromMinutes(1);

    private readonly List<double[]> _log = [];
    private string[] _columns = [];
    private int _epoch;
    private int _batch;
    private double _lossSum;

    private string? CheckpointPath => checkpointFolder is null ? null : Path.Combine(checkpointFolder, "checkpoint.npz");

    /// <summary>Trains to the end, or until it is cancelled: then it saves a checkpoint first.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="EngineException">The loss is not a number any more, or a file cannot be read or written.</exception>
    public void Run(Action<TrainingProgress> report, CancellationToken cancellation)
    {
        if (CheckpointPath is { } path && File.Exists(path)) Restore(path);
        long start = Stopwatch.GetTimestamp(), saved = start;
        long batchesDone = 0;
        long batchesLeft = ((long)plan.Epochs - _epoch) * plan.BatchesPerEpoch - _batch;
        for (; _epoch < plan.Epochs; _epoch++)
        {
            long epochStart = Stopwatch.GetTimestamp();
            int firstBatch = _batch;
            while (_batch < plan.BatchesPerEpoch)
            {
                double loss = plan.Step(_epoch, _batch);
                if (!double.IsFinite(loss)) throw Diverged(loss);
                plan.Optimizer.Step(plan.Schedule.LearningRate);
                _lossSum += loss;
                _batch++;
                batchesDone++;
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                report(new TrainingProgress(
                    _epoch + 1, plan.Epochs, _batch, plan.BatchesPerEpoch, _lossSum / _batch, plan.Schedule.LearningRate,
                    batchesDone * plan.BatchSize / seconds, TimeSpan.FromSeconds(seconds / batchesDone * (batchesLeft - batchesDone))));
                if (cancellation.IsCancellationRequested)
                {
                    Save();
                    cancellation.ThrowIfCancellationRequested();
                }

                if (_batch == plan.BatchesPerEpoch || Stopwatch.GetElapsedTime(saved) < CheckpointInterval) continue;
                Save();
                saved = Stopwatch.GetTimestamp();
            }

            EndEpoch((_batch - firstBatch) * plan.BatchSize / Stopwatch.GetElapsedTime(epochStart).TotalSeconds);
        }
    }

    private void EndEpoch(double excerptsPerSecond)
    {
        double loss = _lossSum / plan.BatchesPerEpoch, rate = plan.Schedule.LearningRate;
        IReadOnlyList<(string Name, double Value)> extra = plan.Validate();
        _columns = ["epoch", "loss", "learning_rate", "excerpts_per_second", .. extra.Select(column => column.Name)];
        _log.Add([_epoch + 1, loss, rate, excerptsPerSecond, .. extra.Select(column => column.Value)]);
        plan.Schedule.EndEpoch(loss);
        (_batch, _lossSum) = (0, 0);
        WriteLog();

        // The checkpoint says where to go on: at the next epoch.
        _epoch++;
        Save();
        _epoch--;
    }

    private EngineException Diverged(double loss) => new(
        $"the loss is {loss} at epoch {_epoch + 1}, batch {_batch + 1}: training has diverged and stops"
        + (CheckpointPath is { } path && File.Exists(path) ? $"; {path} is from before" : ""));

    private void WriteLog()
    {
        StringBuilder text = new(string.Join(',', _columns) + '\n');
        foreach (double[] row in _log) text.Append(string.Join(',', row.Select(value => value.ToString("G9", CultureInfo.InvariantCulture)))).Append('\n');
        AtomicFile.Write(logPath, stream => stream.Write(Encoding.ASCII.GetBytes(text.ToString())));
    }

    private void Save()
    {
        if (CheckpointPath is null) return;
        Checkpoint checkpoint = new();
        foreach ((string name, double number) in plan.Identity) checkpoint.Put($"identity_{name}", number);
        foreach (Parameter parameter in plan.Network.Parameters) checkpoint.Put($"value_{parameter.Name}", parameter.Value);
        foreach ((string name, Tensor value) in plan.Optimizer.State) checkpoint.Put($"optimizer_{name}", value);
        checkpoint.Put("optimizer_steps", plan.Optimizer.Steps);
        checkpoint.Put("schedule", plan.Schedule.State);
        checkpoint.Put("position", _epoch, _batch, _lossSum);
        for (int i = 0; i < _log.Count; i++) checkpoint.Put($"log_{i}", _log[i]);
        checkpoint.Write(CheckpointPath);
    }

    private void Restore(string path)
    {
        Checkpoint checkpoint = Checkpoint.Read(path);
        foreach ((string name, double number) in plan.Identity)
        {
            double other = checkpoint.Number($"identity_{name}");
            if (other != number)
            {
                throw new EngineException(
                    $"{path} is of another training: its {name.Replace('_', ' ')} is {other}, not {number}; name another folder or remove it");
            }
        }

        foreach (Parameter parameter in plan.Network.Parameters) checkpoint.Take($"value_{parameter.Name}", parameter.Value);
        foreach ((string name, Tensor value) in plan.Optimizer.State) checkpoint.Take($"optimizer_{name}", value);
        plan.Optimizer.Steps = (long)checkpoint.Number("optimizer_steps");
        plan.Schedule.State = checkpoint.Numbers("schedule");
        double[] position = checkpoint.Numbers("position");
        (_epoch, _batch, _lossSum) = ((int)position[0], (int)position[1], position[2]);
        for (int i = 0; i < _epoch; i++) _log.Add(checkpoint.Numbers($"log_{i}"));
    }
}
