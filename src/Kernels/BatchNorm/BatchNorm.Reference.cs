namespace Engine.Kernels;

/// <summary>Batch normalisation; see <see cref="BatchNormShape"/> for the formula.</summary>
internal static partial class BatchNorm
{
    /// <summary>The definition with given statistics (inference), in double precision. Overwrites y, which may be x.</summary>
    public static void InferReference(
        in BatchNormShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> inverseStd,
        ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Activation activation, Span<float> y)
    {
        for (int n = 0; n < shape.N; n++)
        for (int c = 0; c < shape.C; c++)
        for (int i = 0; i < shape.Inner; i++)
        {
            int at = (n * shape.C + c) * shape.Inner + i;
            y[at] = (float)activation.Reference(((double)x[at] - mean[c]) * inverseStd[c] * gamma[c] + beta[c]);
        }
    }

    /// <summary>
    /// The definition with the batch's own statistics (training), in double precision. Overwrites y, which may be x, mean and inverseStd; updates the running
    /// ones.
    /// </summary>
    public static void TrainReference(
        in BatchNormShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Activation activation, Span<float> y,
        Span<float> mean, Span<float> inverseStd, Span<float> runningMean, Span<float> runningInverseStd, float momentum, float epsilon)
    {
        double count = (double)shape.N * shape.Inner;
        for (int c = 0; c < shape.C; c++)
        {
            double sum = 0, squares = 0;
            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.Inner; i++) sum += x[(n * shape.C + c) * shape.Inner + i];
            double middle = sum / count;
            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.Inner; i++)
            {
                double difference = x[(n * shape.C + c) * shape.Inner + i] - middle;
                squares += difference * difference;
            }

            double inverse = 1 / Math.Sqrt(squares / count + epsilon);
            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.Inner; i++)
            {
                int at = (n * shape.C + c) * shape.Inner + i;
                y[at] = (float)activation.Reference((x[at] - middle) * inverse * gamma[c] + beta[c]);
            }

            mean[c] = (float)middle;
            inverseStd[c] = (float)inverse;
            runningMean[c] = (float)((1.0 - momentum) * runningMean[c] + momentum * middle);
            runningInverseStd[c] = (float)((1.0 - momentum) * runningInverseStd[c] + momentum * inverse);
        }
    }

    /// <summary>The definition of the gradients of training, in double precision. Overwrites dx, which may be dy, dgamma and dbeta.</summary>
    public static void BackwardReference(
        in BatchNormShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> inverseStd, ReadOnlySpan<float> gamma,
        Activation activation, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dgamma, Span<float> dbeta)
    {
        double count = (double)shape.N * shape.Inner;
        for (int c = 0; c < shape.C; c++)
        {
            double sum = 0, product = 0;
            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.Inner; i++)
            {
                int at = (n * shape.C + c) * shape.Inner + i;
                double dz = ActivationGradient.Reference(activation, y[at], dy[at]);
                sum += dz;
                product += dz * ((double)x[at] - mean[c]) * inverseStd[c];
            }

            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.Inner; i++)
            {
                int at = (n * shape.C + c) * shape.Inner + i;
                double normal = ((double)x[at] - mean[c]) * inverseStd[c], dz = ActivationGradient.Reference(activation, y[at], dy[at]);
                dx[at] = (float)((double)gamma[c] * inverseStd[c] * (dz - sum / count - normal * product / count));
            }

            dgamma[c] = (float)product;
            dbeta[c] = (float)sum;
        }
    }
}
