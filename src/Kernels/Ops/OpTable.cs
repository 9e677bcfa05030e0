namespace Engine.Kernels;

/// <summary>Every operation of the engine, by name, with the way to make it from named settings. Tests, benchmarks and golden arrays read it.</summary>
public static class OpTable
{
    /// <summary>Describes an operation from its settings.</summary>
    /// <exception cref="EngineException">A setting is missing or malformed.</exception>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public delegate OpSpec Maker(OpSettings settings);

    /// <summary>All operations.</summary>
    public static IReadOnlyDictionary<string, Maker> All { get; } = new Dictionary<string, Maker>
    {
        [OpSpec.NameOf<ActivateOp>()] = ActivateOp.Spec,
        [OpSpec.NameOf<ActivateBackwardOp>()] = ActivateBackwardOp.Spec,
        [OpSpec.NameOf<AdamOp>()] = AdamOp.Spec,
        [OpSpec.NameOf<AddOp>()] = AddOp.Spec,
        [OpSpec.NameOf<AddScaledOp>()] = AddScaledOp.Spec,
        [OpSpec.NameOf<BatchNormInferOp>()] = BatchNormInferOp.Spec,
        [OpSpec.NameOf<BatchNormTrainOp>()] = BatchNormTrainOp.Spec,
        [OpSpec.NameOf<BatchNormBackwardOp>()] = BatchNormBackwardOp.Spec,
        [OpSpec.NameOf<BroadcastAddOp>()] = BroadcastAddOp.Spec,
        [OpSpec.NameOf<BroadcastMultiplyOp>()] = BroadcastMultiplyOp.Spec,
        [OpSpec.NameOf<Conv2dOp>()] = Conv2dOp.Spec,
        [OpSpec.NameOf<Conv2dBackwardDataOp>()] = Conv2dBackwardDataOp.Spec,
        [OpSpec.NameOf<Conv2dBackwardFilterOp>()] = Conv2dBackwardFilterOp.Spec,
        [OpSpec.NameOf<ConvConvMaxPool2dOp>()] = ConvConvMaxPool2dOp.Spec,
        [OpSpec.NameOf<ConvMaxPool2dOp>()] = ConvMaxPool2dOp.Spec,
        [OpSpec.NameOf<ConvMaxPool2dBackwardDataOp>()] = ConvMaxPool2dBackwardDataOp.Spec,
        [OpSpec.NameOf<ConvMaxPool2dBackwardFilterOp>()] = ConvMaxPool2dBackwardFilterOp.Spec,
        [OpSpec.NameOf<ConvTranspose2dOp>()] = ConvTranspose2dOp.Spec,
        [OpSpec.NameOf<ConvTranspose2dBackwardDataOp>()] = ConvTranspose2dBackwardDataOp.Spec,
        [OpSpec.NameOf<ConvTranspose2dBackwardFilterOp>()] = ConvTranspose2dBackwardFilterOp.Spec,
        [OpSpec.NameOf<DenseOp>()] = DenseOp.Spec,
        [OpSpec.NameOf<DenseBackwardDataOp>()] = DenseBackwardDataOp.Spec,
        [OpSpec.NameOf<DenseBackwardFilterOp>()] = DenseBackwardFilterOp.Spec,
        [OpSpec.NameOf<DropoutOp>()] = DropoutOp.Spec,
        [OpSpec.NameOf<FillOp>()] = FillOp.Spec,
        [OpSpec.NameOf<InverseSqrtOp>()] = InverseSqrtOp.Spec,
        [OpSpec.NameOf<InverseSqrtBackwardOp>()] = InverseSqrtBackwardOp.Spec,
        [OpSpec.NameOf<LogFloorOp>()] = LogFloorOp.Spec,
        [OpSpec.NameOf<MagnitudeOp>()] = MagnitudeOp.Spec,
        [OpSpec.NameOf<MaxPool2dOp>()] = MaxPool2dOp.Spec,
        [OpSpec.NameOf<MaxPool2dBackwardOp>()] = MaxPool2dBackwardOp.Spec,
        [OpSpec.NameOf<MeanSquaredErrorOp>()] = MeanSquaredErrorOp.Spec,
        [OpSpec.NameOf<MeanSquaredErrorBackwardOp>()] = MeanSquaredErrorBackwardOp.Spec,
        [OpSpec.NameOf<MultiplyOp>()] = MultiplyOp.Spec,
        [OpSpec.NameOf<NesterovOp>()] = NesterovOp.Spec,
        [OpSpec.NameOf<Pad2dOp>()] = Pad2dOp.Spec,
        [OpSpec.NameOf<RealFftOp>()] = RealFftOp.Spec,
        [OpSpec.NameOf<RepeatOp>()] = RepeatOp.Spec,
        [OpSpec.NameOf<SigmoidCrossEntropyOp>()] = SigmoidCrossEntropyOp.Spec,
        [OpSpec.NameOf<SigmoidCrossEntropyBackwardOp>()] = SigmoidCrossEntropyBackwardOp.Spec,
        [OpSpec.NameOf<SoftmaxCrossEntropyOp>()] = SoftmaxCrossEntropyOp.Spec,
        [OpSpec.NameOf<SoftmaxCrossEntropyBackwardOp>()] = SoftmaxCrossEntropyBackwardOp.Spec,
        [OpSpec.NameOf<SumOfSquaresOp>()] = SumOfSquaresOp.Spec,
        [OpSpec.NameOf<SumOverOp>()] = SumOverOp.Spec,
        [OpSpec.NameOf<TopKMaskOp>()] = TopKMaskOp.Spec,
        [OpSpec.NameOf<TopKMaskBackwardOp>()] = TopKMaskBackwardOp.Spec,
        [OpSpec.NameOf<TransposeOp>()] = TransposeOp.Spec,
    };
}
