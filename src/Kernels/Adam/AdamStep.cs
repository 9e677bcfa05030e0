namespace Engine.Kernels;

/// <summary>One step of ADAM.</summary>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="Beta1">How much of the first moment is kept.</param>
/// <param name="Beta2">How much of the second moment is kept.</param>
/// <param name="Epsilon">What is added to the root of the second moment.</param>
/// <param name="Step">The number of this step; the first is 1.</param>
public readonly record struct AdamStep(float LearningRate, float Beta1, float Beta2, float Epsilon, long Step)
{
    /// <summary>The learning rate, corrected for both moments having started at 0: lr·√(1 − β2ᵗ)/(1 − β1ᵗ).</summary>
    internal double CorrectedRate => LearningRate * Math.Sqrt(1 - Math.Pow(Beta2, Step)) / (1 - Math.Pow(Beta1, Step));

    /// <summary>The step by its parts' names.</summary>
    internal static AdamStep From(OpSettings s) =>
        new(s.Number("learningRate"), s.Number("beta1"), s.Number("beta2"), s.Number("epsilon"), s.Size("step"));
}
