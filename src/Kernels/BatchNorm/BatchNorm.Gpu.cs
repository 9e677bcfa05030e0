using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: sums over a channel are parallel over channels and pieces of a channel, in the fixed tree of <see cref="GpuReduction"/>, so that the same
/// batch gives the same bits. The rest takes one thread for each element.
/// <para>Training: a <see cref="GpuReduction"/> for the mean, a second one for Σ(x − mean) and Σ(x − mean)², and a pass that normalises. The first of the two
/// sums restores what the mean lost when it was rounded to a float, so a mean that is large compared with the deviation costs no precision.</para>
/// <para>Backward, with dz the gradient before the activation and x̂ = (x − mean)·inverseStd over M = N·Inner elements of a channel: a reduction for
/// dbeta = Σ dz and dgamma = Σ dz·x̂, and a pass for dx = gamma·inverseStd·(dz − dbeta/M − x̂·dgamma/M).</para>
/// Memory bandwidth bounds it: training reads x three times; backward reads x, y and dy twice.
/// </content>
internal static unsafe partial class BatchNorm
{
    /// <summary>Normalises with given statistics. Overwrites y, which may be x.</summary>
    public static void Infer(
        GpuContext gpu, in BatchNormShape shape, ArrayView<float> x, ArrayView<float> mean, ArrayView<float> inverseStd, ArrayView<float> gamma,
        ArrayView<float> beta, Activation activation, ArrayView<float> y) =>
        ForEach.Run(
            gpu,
            new Normalisation
            {
                X = x, Mean = mean, InverseStd = inverseStd, Gamma = gamma, Beta = beta, Activation = activation, Y = y, Inner = new Divisor(shape.Inner),
                C = new Divisor(shape.C), Rest = mean,
            },
            shape.Length);

    /// <summary>Normalises with the batch's own statistics. Overwrites y, which may be x, mean and inverseStd; updates the running statistics.</summary>
    public static void Train(
        GpuContext gpu, in BatchNormShape shape, ArrayView<float> x, ArrayView<float> gamma, ArrayView<float> beta, Activation activation,
        ArrayView<float> y, ArrayView<float> mean, ArrayView<float> inverseStd, ArrayView<float> runningMean, ArrayView<float> runningInverseStd,
        float momentum, float epsilon)
    {
        using GpuBuffer rest = gpu.Memory.Rent(shape.C);
        float one = (float)(1.0 / ((double)shape.N * shape.Inner));
        GpuReduction.Run(gpu, new PlainTerms { X = x }, new ScaledTotals { Result = mean, Scale = one }, shape.N, shape.C, shape.Inner);
        GpuReduction.Run(
            gpu, new Deviations { X = x, Mean = mean },
            new Moments
            {
                Mean = mean, InverseStd = inverseStd, Rest = rest.Floats, RunningMean = runningMean, RunningInverseStd = runningInverseStd,
                One = one, Momentum = momentum, Epsilon = epsilon,
            },
            shape.N, shape.C, shape.Inner);
        ForEach.Run(
            gpu,
            new Normalisation
            {
                X = x, Mean = mean, InverseStd = inverseStd, Gamma = gamma, Beta = beta, Activation = activation, Y = y, Inner = new Divisor(shape.Inner),
                C = new Divisor(shape.C), Rest = rest.Floats, HasRest = 1,
            },
            shape.Length);
    }

    /// <summary>The gradients of training. Overwrites dx, which may be dy, dgamma and dbeta.</summary>
    public static void Backward(
        GpuContext gpu, in BatchNormShape shape, ArrayView<float> x, ArrayView<float> mean, ArrayView<float> inverseStd, ArrayView<float> gamma,
        Activation activation, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, ArrayView<float> dgamma, ArrayView<float> dbeta)
    {
        GpuReduction.Run(
            gpu, new GradientTerms { X = x, Mean = mean, Activation = activation, Y = y, Dy = dy },
            new GradientTotals { InverseStd = inverseStd, Dgamma = dgamma, Dbeta = dbeta },
            shape.N, shape.C, shape.Inner);
        ForEach.Run(
            gpu,
            new Gradient
            {
                X = x, Mean = mean, InverseStd = inverseStd, Gamma = gamma, Activation = activation, Y = y, Dy = dy, Dx = dx, Dgamma = dgamma, Dbeta = dbeta,
                Inner = new Divisor(shape.Inner), C = new Divisor(shape.C), One = (float)(1.0 / ((double)shape.N * shape.Inner)),
            },
            shape.Length);
    }

    /// <summary>y = activation((x − mean − rest)·inverseStd·gamma + beta): the mean in two parts.</summary>
    internal struct Normalisation : IGpuBody
    {
        public ArrayView<float> X;
        public ArrayView<float> Mean;
        public ArrayView<float> Rest;
        public int HasRest;
        public ArrayView<float> InverseStd;
        public ArrayView<float> Gamma;
        public ArrayView<float> Beta;
        public Activation Activation;
        public ArrayView<float> Y;
        public Divisor Inner;
        public Divisor C;

        public readonly void Run(int i)
        {
            C.Divide(Inner.Divide(i, out _), out int c);
            float centred = X[i] - Mean[c];
            if (HasRest != 0) centred -= Rest[c];
            Y[i] = GpuActivation.Value(Activation, centred * (InverseStd[c] * Gamma[c]) + Beta[c]);
        }
    }

    /// <summary>Σ(x − mean) and Σ(x − mean)².</summary>
    internal struct Deviations : IGpuTerms
    {
        public ArrayView<float> X;
        public ArrayView<float> Mean;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            float deviation = X[at] - Mean[channel];
            first.Add(deviation);
            second.Add(deviation * deviation);
        }
    }

    /// <summary>Computes the statistics from the deviations from a rounded mean.</summary>
    internal struct Moments : IGpuTotals
    {
        public ArrayView<float> Mean;
        public ArrayView<float> Rest;
        public ArrayView<float> InverseStd;
        public ArrayView<float> RunningMean;
        public ArrayView<float> RunningInverseStd;
        public float One;
        public float Momentum;
        public float Epsilon;

        public readonly void Take(int channel, CompensatedSum first, CompensatedSum second)
        {
            float rest = first.Value * One, inverse = 1 / MathF.Sqrt(second.Value * One - rest * rest + Epsilon), mean = Mean[channel] + rest;
            Rest[channel] = Mean[channel] - mean + rest;
            Mean[channel] = mean;
            InverseStd[channel] = inverse;
            RunningMean[channel] = (1 - Momentum) * RunningMean[channel] + Momentum * mean;
            RunningInverseStd[channel] = (1 - Momentum) * RunningInverseStd[channel] + Momentum * inverse;
        }
    }

    /// <summary>Σ dz and Σ dz·(x − mean).</summary>
    internal struct GradientTerms : IGpuTerms
    {
        public ArrayView<float> X;
        public ArrayView<float> Mean;
        public Activation Activation;
        public ArrayView<float> Y;
        public ArrayView<float> Dy;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            float dz = GpuActivation.Gradient(Activation, Y[at], Dy[at]);
            first.Add(dz);
            second.Add(dz * (X[at] - Mean[channel]));
        }
    }

    internal struct GradientTotals : IGpuTotals
    {
        public ArrayView<float> InverseStd;
        public ArrayView<float> Dgamma;
        public ArrayView<float> Dbeta;

        public readonly void Take(int channel, CompensatedSum first, CompensatedSum second)
        {
            Dbeta[channel] = first.Value;
            Dgamma[channel] = second.Value * InverseStd[channel];
        }
    }

    internal struct Gradient : IGpuBody
    {
        public ArrayView<float> X;
        public ArrayView<float> Mean;
        public ArrayView<float> InverseStd;
        public ArrayView<float> Gamma;
        public Activation Activation;
        public ArrayView<float> Y;
        public ArrayView<float> Dy;
        public ArrayView<float> Dx;
        public ArrayView<float> Dgamma;
        public ArrayView<float> Dbeta;
        public Divisor Inner;
        public Divisor C;
        public float One;

        public readonly void Run(int i)
        {
            C.Divide(Inner.Divide(i, out _), out int c);
            float normal = (X[i] - Mean[c]) * InverseStd[c], dz = GpuActivation.Gradient(Activation, Y[i], Dy[i]);
            Dx[i] = Gamma[c] * InverseStd[c] * (dz - Dbeta[c] * One - normal * (Dgamma[c] * One));
        }
    }
}
