namespace Engine.Kernels;

/// <summary>
/// A place where kernels run. Every operation takes its sizes as a validated shape and its arrays as views of buffers that this backend
/// allocated; all overwrite their output
/// unless they say otherwise, none keeps its arguments. Outputs must not overlap inputs unless it says they may.
/// A backend is driven by one thread; how many threads it uses itself is its own affair, and never changes a bit of a result.
/// </summary>
public interface IBackend : IDisposable
{
    /// <summary>What it is, for people: the device, its instruction set, its threads.</summary>
    string Name { get; }

    /// <summary>Allocates a buffer from the backend's pool; what it holds is undefined.</summary>
    DeviceBuffer Allocate(int length);

    /// <summary>Copies from the host; returns when the source may be reused.</summary>
    void Upload(ReadOnlySpan<float> source, View destination);

    /// <summary>Copies to the host, when all that was started before is done.</summary>
    void Download(View source, Span<float> destination);

    /// <summary>Copies from one view to another of the same length; they must not overlap.</summary>
    void Copy(View source, View destination);

    /// <summary>y[i] = value, without a copy from the host.</summary>
    void Fill(float value, View y);

    /// <summary>Waits until everything that was started is done.</summary>
    void Synchronize();

    /// <summary>y = activation(x ⋆ w + b), a cross-correlation; see <see cref="Conv2dShape"/>. Without a bias pass null.</summary>
    void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>The same, to the bit, with filters that stay as they are: what the backend makes of them it may keep in a place that the caller owns.</summary>
    void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y, PackedFilter? packed) =>
        Conv2d(shape, x, w, b, activation, y);

    /// <summary>y = activation(x ⋆ᵀ w + b); see <see cref="ConvTranspose2dShape"/>. Without a bias pass null.</summary>
    void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>y = activation(x·w + b); see <see cref="DenseShape"/>. Without a bias pass null.</summary>
    void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>Batch normalisation with given statistics, then the activation; see <see cref="BatchNormShape"/>. y may be x.</summary>
    void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, Activation activation, View y);

    /// <summary>y[i] = activation(x[i]). y may be x.</summary>
    void Activate(Activation activation, View x, View y);

    /// <summary>Max-pooling; see <see cref="MaxPool2dShape"/>.</summary>
    void MaxPool2d(in MaxPool2dShape shape, View x, View y);

    /// <summary>
    /// y = activation(maxpool(x ⋆ w) + b) and, if wanted, where in its window each maximum lies; see <see cref="ConvMaxPool2dShape"/>. Without a bias, or a
    /// wish for argmax, pass null.
    /// </summary>
    void ConvMaxPool2d(in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax);

    /// <summary>The same, to the bit, with filters that stay as they are: what the backend makes of them it may keep in a place that the caller owns.</summary>
    void ConvMaxPool2d(
        in ConvMaxPool2dShape shape, View x, View w, View? b, Activation activation, View y, View? argmax, PackedFilter? packed) =>
        ConvMaxPool2d(shape, x, w, b, activation, y, argmax);

    /// <summary>y[j, i] = x[i, j]; see <see cref="TransposeShape"/>. Its gradient is the same call with the inverse shape.</summary>
    void Transpose(in TransposeShape shape, View x, View y);

    /// <summary>Crop to the upper left corner; see <see cref="Crop2dShape"/>.</summary>
    void Crop2d(in Crop2dShape shape, View x, View y);

    /// <summary>Windowed Fourier transforms of overlapping frames; see <see cref="RealFftShape"/>.</summary>
    void RealFft(in RealFftShape shape, View x, View window, View y);

    /// <summary>Absolute values of complex numbers: y[i] = √(x[2i]² + x[2i+1]²).</summary>
    void Magnitude(View x, View y);

    /// <summary>y[i] = ln(max(x[i], floor)) with floor &gt; 0. y may be x.</summary>
    void LogFloor(float floor, View x, View y);

    /// <summary>
    /// dx[n,c,h,v] = Σ dy[n,k,p,q] · w[k,c,r,s] over all k, p, q, r, s that lead there: the transposed convolution of dy with the same filters. Overwrites
    /// dx; what no window reached gets 0.
    /// </summary>
    void Conv2dBackwardData(in Conv2dShape shape, View dy, View w, View dx);

    /// <summary>
    /// dw[k,c,r,s] = Σ_n,p,q dy[n,k,p,q] · x[n, c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW] and db[k] = Σ_n,p,q dy[n,k,p,q].
    /// Overwrites both; without a bias pass null.
    /// </summary>
    void Conv2dBackwardFilter(in Conv2dShape shape, View x, View dy, View dw, View? db);

    /// <summary>dx[n,c,h,v] = Σ_k,r,s dy[n, k, h·StrideH + r·DilationH − PadH, v·StrideW + s·DilationW − PadW] · w[c,k,r,s]. Overwrites dx.</summary>
    void ConvTranspose2dBackwardData(in ConvTranspose2dShape shape, View dy, View w, View dx);

    /// <summary>
    /// dw[c,k,r,s] = Σ_n,h,v x[n,c,h,v] · dy[n, k, h·StrideH + r·DilationH − PadH, v·StrideW + s·DilationW − PadW] and db[k] = Σ_n,p,q dy[n,k,p,q].
    /// Overwrites both; without a bias pass null.
    /// </summary>
    void ConvTranspose2dBackwardFilter(in ConvTranspose2dShape shape, View x, View dy, View dw, View? db);

    /// <summary>dx = dy·wᵀ. Overwrites dx.</summary>
    void DenseBackwardData(in DenseShape shape, View dy, View w, View dx);

    /// <summary>dw = xᵀ·dy and db[o] = Σ_n dy[n, o]. Overwrites both; without a bias pass null.</summary>
    void DenseBackwardFilter(in DenseShape shape, View x, View dy, View dw, View? db);

    /// <summary>
    /// dx[i] = activation′ · dy[i], the derivative taken from the output y: ELU y + 1 below zero, leaky rectifier by the sign of y (its slope must not be
    /// negative), sigmoid y·(1 − y). Overwrites dx, which may be dy or y.
    /// </summary>
    void ActivateBackward(Activation activation, View y, View dy, View dx);

    /// <summary>
    /// Batch normalisation with the statistics of the batch, over the N·Inner elements of each channel: mean, and inverseStd = 1/√(variance + epsilon) with
    /// the biased variance; then the activation. Overwrites y (N×C×Inner, may be x), mean and inverseStd (C each); runningMean and runningInverseStd (C each)
    /// move: r ← (1 − momentum)·r + momentum·batch.
    /// </summary>
    void BatchNormTrain(
        in BatchNormShape shape, View x, View gamma, View beta, Activation activation, View y, View mean, View inverseStd, View runningMean,
        View runningInverseStd, float momentum, float epsilon);

    /// <summary>
    /// The gradients of <see cref="BatchNormTrain"/>, with its y, mean and inverseStd, x̂ = (x − mean)·inverseStd, M = N·Inner and dz the gradient before the
    /// activation, as <see cref="ActivateBackward"/> has it: dbeta = Σ dz, dgamma = Σ dz·x̂ and dx = gamma·inverseStd·(dz − dbeta/M − x̂·dgamma/M). Overwrites
    /// all three; dx may be dy.
    /// </summary>
    void BatchNormBackward(
        in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, Activation activation, View y, View dy, View dx, View dgamma,
        View dbeta);

    /// <summary>
    /// dx = the sum of dy over the windows whose first maximum, in row-major order, lies there; 0 where none does. y is the forward's output for x.
    /// Overwrites dx.
    /// </summary>
    void MaxPool2dBackward(in MaxPool2dShape shape, View x, View y, View dy, View dx);

    /// <summary>
    /// The gradient of <c>ConvMaxPool2d</c> with respect to x: as <see cref="Conv2dBackwardData"/> of sums whose gradient is dy where argmax says,
    /// else 0. dy is the gradient before the activation. Overwrites dx; what no window reached gets 0.
    /// </summary>
    void ConvMaxPool2dBackwardData(in ConvMaxPool2dShape shape, View argmax, View dy, View w, View dx);

    /// <summary>
    /// The gradients of <c>ConvMaxPool2d</c> with respect to the filters and the bias: as <see cref="Conv2dBackwardFilter"/> of sums whose gradient is
    /// dy where argmax says, else 0. dy is the gradient before the activation. Overwrites both; without a bias pass null.
    /// </summary>
    void ConvMaxPool2dBackwardFilter(in ConvMaxPool2dShape shape, View x, View argmax, View dy, View dw, View? db);

    /// <summary>dx = dy in the upper left corner, 0 elsewhere. Overwrites dx.</summary>
    void Crop2dBackward(in Crop2dShape shape, View dy, View dx);

    /// <summary>
    /// y[i] = x[i]/(1 − probability) where a hash of seed and i keeps it, which it does with probability 1 − probability, else 0; the same elements
    /// on every backend. The gradient is the same call on dy. Overwrites y, which may be x.
    /// </summary>
    void Dropout(float probability, ulong seed, View x, View y);

    /// <summary>loss[0] = weight·Σ(x − target)²/n over all n elements. Overwrites loss, one float.</summary>
    void MeanSquaredError(View x, View target, View loss, float weight = 1);

    /// <summary>dx = 2·weight·(x − target)/n. Overwrites dx, which may be x or target.</summary>
    void MeanSquaredErrorBackward(View x, View target, View dx, float weight = 1);

    /// <summary>
    /// loss[0] = weight times the mean of max(z, 0) − z·t + ln(1 + e^−|z|) over all n logits z and targets t, the binary cross-entropy of σ(z). Overwrites loss, one float.
    /// </summary>
    void SigmoidCrossEntropy(View logits, View target, View loss, float weight = 1);

    /// <summary>dlogits = weight·(σ(logits) − target)/n. Overwrites dlogits, which may be either input.</summary>
    void SigmoidCrossEntropyBackward(View logits, View target, View dlogits, float weight = 1);

    /// <summary>sum[0] = Σ x[i]². Overwrites sum, one float.</summary>
    void SumOfSquares(View x, View sum);

    /// <summary>y[i] += scale·x[i]. ACCUMULATES into y.</summary>
    void AddScaled(float scale, View x, View y);

    /// <summary>y[i] = a[i]·b[i]. The gradients are the same call with dy and the other factor. y may be a or b.</summary>
    void Multiply(View a, View b, View y);

    /// <summary>
    /// One step of ADAM: m ← β1·m + (1 − β1)·g, v ← β2·v + (1 − β2)·g², w ← w − a·m/(√v + ε) with a = lr·√(1 − β2ᵗ)/(1 − β1ᵗ). Moves w, m and v, all as
    /// long as g; moments below 1e-30 become 0.
    /// </summary>
    void Adam(in AdamStep step, View w, View g, View m, View v);

    /// <summary>
    /// One step of Nesterov's momentum: v ← momentum·v − learningRate·g, w ← w + momentum·v − learningRate·g. Moves w and the velocity v, both as long as g;
    /// velocities below 1e-30 become 0.
    /// </summary>
    void Nesterov(float learningRate, float momentum, View w, View g, View velocity);
}
