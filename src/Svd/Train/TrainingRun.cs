using System.Diagnostics;
using System.Globalization;
using System.Text;
using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;

namespace Engine.Svd.Train;

/// <summary>What a training consists of. The run itself is the same for every network.</summary>
/// <param name="Network">The modules whose parameters are trained.</param>
/// <param name="Optimizer">The optimiser that changes the parameters.</param>
/// <param name="Schedule">Sets the learning rate.</param>
/// <param name="Epochs">The number of epochs.</param>
/// <param name="BatchesPerEpoch">The number of steps in an epoch.</param>
/// <param name="BatchSize">The number of excerpts in a step.</param>
/// <param name="Identity">
/// Everything that must be the same to resume from a checkpoint: names for people, and numbers (seed, sizes, digests of data and weights).
/// </param>
internal sealed record TrainingPlan(
    Module Network, Optimizer Optimizer, ISchedule Schedule, int Epochs, int BatchesPerEpoch, int BatchSize,
    IReadOnlyList<(string Name, double Number)> Identity)
{
    /// <summary>The forward and backward pass of batch b of epoch e, both from 0. It leaves the gradients and returns the loss.</summary>
    public required Func<int, int, double> Step { get; init; }

    /// <summary>The modules that are saved in the end: those in training, or an average of them.</summary>
    public Module Result { get; init; } = Network;

    /// <summary>Gives further columns for the log after each epoch: names and values.</summary>
    public Func<IReadOnlyList<(string Name, double Value)>> Validate { get; init; } = () => [];

    /// <summary>The device, as far as it decides the bits. A run that resumes on another device says so.</summary>
    public string Device { get; init; } = "";
}

/// <summary>The progress of a run after a batch.</summary>
internal readonly record struct TrainingProgress(
    int Epoch, int Epochs, int Batch, int Batches, double Loss, double LearningRate, double ExcerptsPerSecond, TimeSpan Left);

/// <summary>
/// Runs a training: batches, epochs, the log, checkpoints. A run that was killed resumes from its last checkpoint and ends in the same bits as one that was
/// not, because a batch depends only on the plan, the parameters and the batch's number.
/// </summary>
/// <param name="plan">What is trained.</param>
/// <param name="checkpointFolder">Where the state is kept; null keeps none.</param>
/// <param name="logPath">The log, a line an epoch.</param>
/// <param name="logged">Is given the log's columns and rows whenever it is written.</param>
internal sealed class TrainingRun(
    TrainingPlan plan, string? checkpointFolder, string logPath, Action<IReadOnlyList<string>, IReadOnlyList<double[]>>? logged = null)
{
    private const double LongestTime = 1e9; // Seconds, thirty years.
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromMinutes(1);

    private const string
        DeviceName = "device", StepsName = "optimizer_steps", ScheduleName = "schedule", PositionName = "position", ColumnsName = "log_columns";

    private readonly List<double[]> _log = [];
    private string[] _columns = [];
    private int _epoch;
    private int _batch;
    private double _lossSum;

    /// <summary>The log's columns for the last epoch.</summary>
    public IEnumerable<(string Name, double Value)> LastEpoch => _log.Count > 0 ? _columns.Zip(_log[^1]) : [];

    private string? CheckpointPath => checkpointFolder is null ? null : CheckpointIn(checkpointFolder);

    /// <summary>The checkpoint's file in its folder.</summary>
    public static string CheckpointIn(string folder) => Path.Combine(folder, "checkpoint.npz");

    /// <summary>Trains to the end, or until it is cancelled; then it saves a checkpoint first.</summary>
    /// <param name="report">Gets the progress after each batch.</param>
    /// <param name="cancellation">Ends the run after the current batch.</param>
    /// <param name="note">Gets what the user should know before the run resumes.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="EngineException">
    /// The loss or a weight became NaN or infinite, the checkpoint does not belong to this run, or a file cannot be read or written.
    /// </exception>
    public void Run(Action<TrainingProgress> report, CancellationToken cancellation, Action<string>? note = null)
    {
        AtomicFile.RequireWritable(logPath);
        if (CheckpointPath is { } path)
        {
            AtomicFile.RequireWritable(path);
            if (File.Exists(path)) Restore(path, note ?? (_ => { }));
        }

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
                if (!double.IsFinite(loss)) throw Diverged($"the loss is {loss}", _batch + 1);
                plan.Optimizer.Step(plan.Schedule.LearningRate);
                _lossSum += loss;
                _batch++;
                batchesDone++;
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                report(new TrainingProgress(
                    _epoch + 1, plan.Epochs, _batch, plan.BatchesPerEpoch, _lossSum / _batch, plan.Schedule.LearningRate,
                    batchesDone * plan.BatchSize / seconds, TimeSpan.FromSeconds(Math.Min(LongestTime, seconds / batchesDone * (batchesLeft - batchesDone)))));
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
        RequireFinite();
        double loss = _lossSum / plan.BatchesPerEpoch, rate = plan.Schedule.LearningRate;
        IReadOnlyList<(string Name, double Value)> extra = plan.Validate();
        _columns = ["epoch", "loss", "learning_rate", "excerpts_per_second", .. extra.Select(column => column.Name)];
        _log.Add([_epoch + 1, loss, rate, excerptsPerSecond, .. extra.Select(column => column.Value)]);
        plan.Schedule.EndEpoch(loss);
        (_batch, _lossSum) = (0, 0);
        WriteLog();

        // The checkpoint's position is the next epoch.
        _epoch++;
        Save();
        _epoch--;
    }

    // A loss may stay finite although weights are not: a maximum ignores NaN, and no loss contains running statistics.
    private void RequireFinite()
    {
        foreach ((string name, Tensor value) in plan.Network.Parameters.Select(parameter => (parameter.Name, parameter.Value)).Concat(plan.Optimizer.State))
        {
            if (!value.ToArray().All(float.IsFinite)) throw Diverged($"{name} holds NaN or infinite values", _batch);
        }
    }

    private EngineException Diverged(string what, int batch) => new(
        $"{what} at epoch {_epoch + 1}, batch {batch}: the training has diverged and stops"
        + (CheckpointPath is { } path && File.Exists(path) ? $"; {path} holds the state before" : ""));

    private void WriteLog()
    {
        StringBuilder text = new(string.Join(',', _columns) + '\n');
        foreach (double[] row in _log) text.Append(string.Join(',', row.Select(value => value.ToString("G9", CultureInfo.InvariantCulture)))).Append('\n');
        AtomicFile.Write(logPath, stream => stream.Write(Encoding.ASCII.GetBytes(text.ToString())));
        logged?.Invoke(_columns, _log);
    }

    private void Save()
    {
        if (CheckpointPath is null) return;
        RequireFinite();
        Checkpoint checkpoint = new();
        foreach ((string name, double number) in plan.Identity) checkpoint.Put($"identity_{name}", number);
        foreach (Parameter parameter in plan.Network.Parameters) checkpoint.Put($"value_{parameter.Name}", parameter.Value);
        foreach ((string name, Tensor value) in plan.Optimizer.State) checkpoint.Put($"optimizer_{name}", value);
        checkpoint.PutText(DeviceName, plan.Device);
        checkpoint.Put(StepsName, plan.Optimizer.Steps);
        checkpoint.Put(ScheduleName, plan.Schedule.State);
        checkpoint.Put(PositionName, _epoch, _batch, _lossSum);
        checkpoint.PutText(ColumnsName, string.Join(',', _columns));
        for (int i = 0; i < _log.Count; i++) checkpoint.Put($"log_{i}", _log[i]);
        checkpoint.Write(CheckpointPath);
    }

    private void Restore(string path, Action<string> note)
    {
        Checkpoint checkpoint = Checkpoint.Read(path);
        foreach ((string name, double number) in plan.Identity)
        {
            double other = checkpoint.Number($"identity_{name}");
            if (other != number)
            {
                string what = name.Replace('_', ' ');
                throw new EngineException($"{path} belongs to another training: "
                    + (name.StartsWith("digest", StringComparison.Ordinal) ? $"its {what} differs" : $"its {what} is {other}, not {number}")
                    + "; give another folder or remove the file");
            }
        }

        RestorePosition(checkpoint, path);
        foreach (Parameter parameter in plan.Network.Parameters) checkpoint.Take($"value_{parameter.Name}", parameter.Value);
        foreach ((string name, Tensor value) in plan.Optimizer.State)
        {
            checkpoint.Take($"optimizer_{name}", value);
            if (plan.Optimizer.FaultOf(name, value.ToArray()) is { } fault) throw checkpoint.Nonsense($"optimizer_{name}", fault);
        }
        try
        {
            plan.Schedule.State = checkpoint.Numbers(ScheduleName);
        }
        catch (ArgumentException)
        {
            throw checkpoint.Nonsense(ScheduleName, "is not the state of this training's schedule");
        }

        if (checkpoint.Contains(DeviceName) && checkpoint.Text(DeviceName) is var device && device != plan.Device)
        {
            note($"{path} was computed on {device}; this run resumes it on {plan.Device}, so the last digits of the result will differ");
        }

        if (_columns.Length > 0) WriteLog();
    }

    private void RestorePosition(Checkpoint checkpoint, string path)
    {
        double[] position = checkpoint.Numbers(PositionName);
        if (position is not [>= 0 and <= int.MaxValue, >= 0, var lossSum] || !double.IsInteger(position[0]) || !double.IsInteger(position[1])
            || position[1] > plan.BatchesPerEpoch || !double.IsFinite(lossSum))
        {
            throw checkpoint.Nonsense(PositionName, "is not a position in this training");
        }

        (_epoch, _batch, _lossSum) = ((int)position[0], (int)position[1], lossSum);
        int begun = _batch > 0 ? _epoch + 1 : _epoch;
        if (begun > plan.Epochs)
        {
            throw new EngineException($"{path} is already in epoch {begun}, after --epochs {plan.Epochs}; give at least --epochs {begun}, or another folder");
        }

        long steps = (long)_epoch * plan.BatchesPerEpoch + _batch;
        if (checkpoint.Count(StepsName, 0, long.MaxValue) != steps) throw checkpoint.Nonsense(StepsName, $"does not fit its position, which is step {steps}");
        plan.Optimizer.Steps = steps;
        _columns = checkpoint.Contains(ColumnsName) && checkpoint.Text(ColumnsName) is { Length: > 0 } columns ? columns.Split(',') : [];
        for (int i = 0; i < _epoch; i++)
        {
            double[] row = checkpoint.Numbers($"log_{i}");
            if (_columns.Length > 0 && row.Length != _columns.Length) throw checkpoint.Nonsense($"log_{i}", $"has {row.Length} columns, not {_columns.Length}");
            _log.Add(row);
        }
    }
}
