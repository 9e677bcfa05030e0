namespace Engine.Nn;

/// <summary>The learning rate from epoch to epoch. The state is numbers, for checkpoints.</summary>
public interface ISchedule
{
    /// <summary>The rate of the present epoch.</summary>
    double LearningRate { get; }

    /// <summary>What it remembers. It takes nothing that it could not have said itself.</summary>
    /// <exception cref="ArgumentException">The numbers are not such a state.</exception>
    double[] State { get; set; }

    /// <summary>Ends an epoch, whose mean loss was this.</summary>
    void EndEpoch(double loss);
}

/// <summary>Multiplies the rate by a factor after every epoch.</summary>
public sealed class StepDecay(double initialRate, double factor) : ISchedule
{
    /// <inheritdoc/>
    public double LearningRate { get; private set; } = initialRate;

    /// <inheritdoc/>
    public double[] State
    {
        get => [LearningRate];
        set => LearningRate = value is [>= 0 and < double.PositiveInfinity] ? value[0]
            : throw new ArgumentException("no state of this schedule", nameof(value));
    }

    /// <inheritdoc/>
    public void EndEpoch(double loss) => LearningRate *= factor;
}

/// <summary>
/// Halves the rate when the epoch's loss did not change for two epochs in a row. Like the paper's published code, it compares losses cut to three decimals.
/// </summary>
public sealed class HalveOnPlateau(double initialRate) : ISchedule
{
    private const int Patience = 2;
    private const double Decimals = 1000;

    private double _lastLoss = double.NaN;
    private int _unchanged;

    /// <inheritdoc/>
    public double LearningRate { get; private set; } = initialRate;

    /// <inheritdoc/>
    public double[] State
    {
        get => [LearningRate, _lastLoss, _unchanged];
        set
        {
            if (value is not [>= 0 and < double.PositiveInfinity, _, 0 or 1] || double.IsInfinity(value[1]))
            {
                throw new ArgumentException("no state of this schedule", nameof(value));
            }

            (LearningRate, _lastLoss, _unchanged) = (value[0], value[1], (int)value[2]);
        }
    }

    /// <inheritdoc/>
    public void EndEpoch(double loss)
    {
        double cut = Math.Truncate(loss * Decimals) / Decimals;
        _unchanged = cut == _lastLoss ? _unchanged + 1 : 0;
        _lastLoss = cut;
        if (_unchanged < Patience) return;
        LearningRate /= 2;
        _unchanged = 0;
    }
}
