namespace Engine.Tensors;

/// <summary>
/// What batch normalisation keeps besides gamma and beta, C elements each: the running mean and inverse standard deviation for inference, and those of the
/// current batch for the backward pass.
/// </summary>
/// <param name="RunningMean">Moves by the momentum towards each batch's mean.</param>
/// <param name="RunningInverseStd">Moves by the momentum towards each batch's inverse standard deviation.</param>
/// <param name="Mean">The batch's mean; overwritten.</param>
/// <param name="InverseStd">The batch's 1/√(variance + ε), variance biased; overwritten.</param>
public readonly record struct BatchStatistics(Tensor RunningMean, Tensor RunningInverseStd, Tensor Mean, Tensor InverseStd);
