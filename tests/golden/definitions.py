"""Every kernel's definition in float64, written from its formula, with NumPy alone.

Results are the same to the bit on every machine: only additions, multiplications, divisions and square roots in a fixed order, which IEEE 754
rounds in one way, and sums by math.fsum, which rounds once. No BLAS, no vector library's exp.

Maps are N x C x H x W here; with the batch last (layout "Last"), files hold them as C x H x W x N, or in blocks of 16 samples,
(N / 16) x C x H x W x 16, if N is a larger multiple of 16.
"""
import decimal
import math

import numpy as np

LN2_HIGH = 6.93147180369123816490e-01  # 32 bits, so that its product with a small integer is exact
LN2_LOW = 1.90821492927058770002e-10
INVERSE_LN2 = 1.44269504088896338700e00


def total(x):
    """The sum of all elements, rounded once."""
    return math.fsum(x.ravel().tolist())


def channel_sums(x):
    """The sum of each channel of N x C x anything, rounded once."""
    channels = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    return np.array([total(channel) for channel in channels])


def along_channels(values, x):
    """C values, in a shape that broadcasts with N x C x anything."""
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))


def expm1(x):
    """e^x - 1 to about a unit in the last place: x = k ln 2 + r, and a Taylor series of r."""
    x = np.clip(x, -700.0, 700.0)
    k = np.rint(x * INVERSE_LN2)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = np.zeros_like(r)
    for n in range(20, 0, -1):
        series = (series + 1) * r / n
    power = np.ldexp(1.0, k.astype(np.int64))
    return power * series + (power - 1)


def exp(x):
    return expm1(x) + 1


def log(x):
    """The natural logarithm, correctly rounded but for one case in 10^13."""
    with decimal.localcontext() as context:
        context.prec = 30
        return np.array([float(decimal.Decimal(value).ln()) for value in x.ravel().tolist()]).reshape(x.shape)


def cos_sin(size):
    """cos and sin of 2 pi j / size for all j < size, from their Taylor series in decimals."""
    with decimal.localcontext() as context:
        context.prec = 50
        pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937511")
        cos, sin = np.empty(size), np.empty(size)
        for j in range(size):
            angle = 2 * pi * j / size
            sums, term = [decimal.Decimal(0)] * 2, decimal.Decimal(1)
            for n in range(60):
                sums[n % 2] += term if n % 4 < 2 else -term
                term *= angle / (n + 1)
            cos[j], sin[j] = float(sums[0]), float(sums[1])
        return cos, sin


# Activations. `activation` is a dictionary with the name and, for LeakyRelu, the slope.

def activate(activation, x):
    kind = activation["activation"]
    if kind == "LeakyRelu":
        return np.where(x > 0, x, activation["slope"] * x)
    if kind == "Relu":
        return np.where(x > 0, x, 0.0)
    if kind == "Elu":
        return np.where(x > 0, x, expm1(np.minimum(x, 0)))
    if kind == "Sigmoid":
        return 1 / (1 + exp(-x))
    assert kind == "None", kind
    return x + 0.0


def activate_backward(activation, y, dy):
    """The gradient before the activation, from the output y."""
    kind = activation["activation"]
    if kind == "LeakyRelu":
        return np.where(y > 0, dy, activation["slope"] * dy)
    if kind == "Relu":
        return np.where(y > 0, dy, 0.0)
    if kind == "Elu":
        return np.where(y > 0, dy, (y + 1) * dy)
    if kind == "Sigmoid":
        return y * (1 - y) * dy
    assert kind == "None", kind
    return dy + 0.0


# Convolutions. `g` (geometry) is (strideH, strideW, padH, padW, dilationH, dilationW).

def _taps(position, count, stride):
    return slice(position, position + (count - 1) * stride + 1, stride)


def _padded(x, g):
    return np.pad(x, ((0, 0), (0, 0), (g[2], g[2]), (g[3], g[3])))


def correlate(x, w, g):
    """y[n,k,p,q] = sum over c, r, s of x[n, c, p strideH + r dilationH - padH, ...] w[k,c,r,s]."""
    strideh, stridew, _, _, dilationh, dilationw = g
    x = _padded(x, g)
    k, c, r, s = w.shape
    p = (x.shape[2] - dilationh * (r - 1) - 1) // strideh + 1
    q = (x.shape[3] - dilationw * (s - 1) - 1) // stridew + 1
    y = np.zeros((len(x), k, p, q))
    for i in range(c):
        for a in range(r):
            for b in range(s):
                window = x[:, i, _taps(a * dilationh, p, strideh), _taps(b * dilationw, q, stridew)]
                y += window[:, None] * w[None, :, i, a, b, None, None]
    return y


def spread(dy, w, g, rows, columns):
    """The transpose of `correlate`: dx[n,c,h,v] = sum of dy[n,k,p,q] w[k,c,r,s] over all k, p, q, r, s that lead there."""
    strideh, stridew, padh, padw, dilationh, dilationw = g
    _, k, p, q = dy.shape
    _, c, r, s = w.shape
    dx = np.zeros((len(dy), c, rows + 2 * padh, columns + 2 * padw))
    for o in range(k):
        for a in range(r):
            for b in range(s):
                dx[:, :, _taps(a * dilationh, p, strideh), _taps(b * dilationw, q, stridew)] += dy[:, o, None] * w[None, o, :, a, b, None, None]
    return dx[:, :, padh:padh + rows, padw:padw + columns]


def filter_gradient(x, dy, g, r, s):
    """dw[k,c,r,s] = sum over n, p, q of dy[n,k,p,q] x[n, c, p strideH + r dilationH - padH, ...]."""
    strideh, stridew, _, _, dilationh, dilationw = g
    x = _padded(x, g)
    n, k, p, q = dy.shape
    dw = np.zeros((k, x.shape[1], r, s))
    for i in range(n):
        for a in range(p):
            for b in range(q):
                window = x[i, :, _taps(a * strideh, r, dilationh), _taps(b * stridew, s, dilationw)]
                dw += dy[i, :, a, b, None, None, None] * window[None]
    return dw


def conv_transpose(x, w, g):
    """y[n,k,p,q] = sum of x[n,c,h,v] w[c,k,r,s] where p = h strideH + r dilationH - padH and q likewise."""
    rows = (x.shape[2] - 1) * g[0] + g[4] * (w.shape[2] - 1) + 1 - 2 * g[2]
    columns = (x.shape[3] - 1) * g[1] + g[5] * (w.shape[3] - 1) + 1 - 2 * g[3]
    return spread(x, w, g, rows, columns)


def dense(x, w):
    y = np.zeros((len(x), w.shape[1]))
    for i in range(len(w)):
        y += x[:, i, None] * w[None, i]
    return y


# Pooling. `window` is (windowH, windowW, strideH, strideW, dilationH, dilationW).

def _windows(x, window):
    """N x C x P x Q x (windowH windowW): the entries of each window in row-major order."""
    r, s, strideh, stridew, dilationh, dilationw = window
    p = (x.shape[2] - dilationh * (r - 1) - 1) // strideh + 1
    q = (x.shape[3] - dilationw * (s - 1) - 1) // stridew + 1
    return np.stack([x[:, :, _taps(a * dilationh, p, strideh), _taps(b * dilationw, q, stridew)] for a in range(r) for b in range(s)], axis=-1)


def max_pool(x, window):
    """The maxima, and where in its window each first lies: row windowW + column."""
    entries = _windows(x, window)
    return entries.max(-1), entries.argmax(-1)


def window_gaps(x, window):
    """By how much each window's maximum exceeds the second largest entry; infinite where there is none."""
    entries = np.sort(_windows(x, window), axis=-1)
    return entries[..., -1] - entries[..., -2] if entries.shape[-1] > 1 else np.full(entries.shape[:-1], np.inf)


def unpool(dy, argmax, window, rows, columns):
    """dy at the place of each window's maximum; what several windows share adds up."""
    _, s, strideh, stridew, dilationh, dilationw = window
    dx = np.zeros(dy.shape[:2] + (rows, columns))
    for n, c, p, q in np.ndindex(dy.shape):
        row, column = divmod(int(argmax[n, c, p, q]), s)
        dx[n, c, p * strideh + row * dilationh, q * stridew + column * dilationw] += dy[n, c, p, q]
    return dx


# Batch normalisation of N x C x anything.

def normalize(x, mean, inverse_std, gamma, beta):
    return (x - along_channels(mean, x)) * along_channels(inverse_std * gamma, x) + along_channels(beta, x)


def batch_statistics(x, epsilon):
    """Each channel's mean and 1 / sqrt(variance + epsilon), with the biased variance."""
    count = x.size // x.shape[1]
    mean = channel_sums(x) / count
    centred = x - along_channels(mean, x)
    return mean, 1 / np.sqrt(channel_sums(centred * centred) / count + epsilon)


def batch_norm_backward(x, mean, inverse_std, gamma, dz):
    """dx, dgamma and dbeta from dz, the gradient before the activation."""
    count = x.size // x.shape[1]
    normal = (x - along_channels(mean, x)) * along_channels(inverse_std, x)
    dgamma, dbeta = channel_sums(dz * normal), channel_sums(dz)
    dx = along_channels(gamma * inverse_std, x) * (dz - along_channels(dbeta / count, x) - normal * along_channels(dgamma / count, x))
    return dx, dgamma, dbeta


def sum_over(x, shape):
    """The sums over the axes along which the shape has size 1, each rounded once."""
    sums = np.empty(shape)
    for place in np.ndindex(*shape):
        sums[place] = total(x[tuple(slice(None) if size == 1 else slice(at, at + 1) for size, at in zip(shape, place))])
    return sums


# The front end.

def real_fft(x, window, frames, size, hop, bins):
    """y[f, k] = sum over i of x[f hop + i] window[i] e^(-2 pi i k i / size): frames x bins x (real, imaginary)."""
    cos, sin = cos_sin(size)
    k = np.arange(bins)
    y = np.zeros((frames, bins, 2))
    for i in range(size):
        value = (x[i:i + (frames - 1) * hop + 1:hop] * window[i])[:, None]
        y[..., 0] += value * cos[k * i % size]
        y[..., 1] -= value * sin[k * i % size]
    return y


# Masks of the largest numbers in rows.

def top_k_mask(x, counts):
    """1 for as many of the largest of each row as counts say, the first of equal ones first, else 0; and the smallest number that is kept in each row."""
    mask, least = np.zeros_like(x), np.zeros(len(x))
    for row, order in enumerate(np.argsort(-x, axis=1, kind="stable")):
        kept = order[:int(counts[row])]
        mask[row, kept], least[row] = 1, x[row, kept[-1]]
    return mask, least


def top_k_mask_slopes(x, steepness):
    mean = row_sums(x)[:, None] / x.shape[1]
    return steepness / np.maximum(np.sqrt(row_sums((x - mean) * (x - mean)) / x.shape[1]), float(np.float32(1e-20)))[:, None]


def top_k_mask_backward(x, least, dy, steepness):
    """The gradient of the sigmoid that stands for the mask's."""
    slopes = top_k_mask_slopes(x, steepness)
    return slopes * activate_backward({"activation": "Sigmoid"}, activate({"activation": "Sigmoid"}, slopes * (x - least[:, None])), dy)


# Dropout.

def mix(z):
    """The hash of SplitMix64, of uint64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def numbers_of(seed, count):
    """The hash of a seed and each index, as uint64."""
    index = np.arange(1, count + 1, dtype=np.uint64)
    return mix(mix(np.array([seed], np.uint64)) + index * np.uint64(0x9E3779B97F4A7C15))


def dropout(x, probability, seed):
    """x / (1 - probability) where the upper 24 bits of the hash, as a fraction, reach the probability; else 0."""
    kept = (numbers_of(seed, x.size) >> np.uint64(40)).astype(np.float64) / 2.0**24 >= probability
    return np.where(kept.reshape(x.shape), x / (1 - probability), 0.0)


# Losses.

def mean_squared_error(x, target, weight=1.0):
    return weight * total((x - target) * (x - target)) / x.size


def mean_squared_error_backward(x, target, weight=1.0):
    return 2 * weight * (x - target) / x.size


def sigmoid_cross_entropy_terms(logits, target):
    return np.maximum(logits, 0) - logits * target + log(1 + exp(-np.abs(logits)))


def sigmoid_cross_entropy(logits, target, weight=1.0):
    return weight * total(sigmoid_cross_entropy_terms(logits, target)) / logits.size


def sigmoid_cross_entropy_backward(logits, target, weight=1.0):
    return weight * (1 / (1 + exp(-logits)) - target) / logits.size


def softmax_cross_entropy_terms(logits, target):
    """t_c (ln sum over k of e^z_k - z_c), N x C."""
    shifted = logits - logits.max(1, keepdims=True)
    return target * (log(row_sums(exp(shifted)))[:, None] - shifted)


def softmax_cross_entropy(logits, target, weight=1.0):
    return weight * total(softmax_cross_entropy_terms(logits, target)) / len(logits)


def softmax_cross_entropy_backward(logits, target, weight=1.0):
    powers = exp(logits - logits.max(1, keepdims=True))
    return weight / len(logits) * (powers / row_sums(powers)[:, None] * row_sums(target)[:, None] - target)


def row_sums(x):
    return np.array([total(row) for row in x])


# Optimisers.

TINY = float(np.float32(1e-30))


def _flush(x):
    return np.where(np.abs(x) < TINY, 0.0, x)


def adam_rate(learning_rate, beta1, beta2, step):
    powers = [1.0, 1.0]
    for _ in range(step):
        powers = [powers[0] * beta1, powers[1] * beta2]
    return learning_rate * math.sqrt(1 - powers[1]) / (1 - powers[0])


def adam(w, g, m, v, learning_rate, beta1, beta2, epsilon, step):
    """The weights and both moments after one step."""
    m = _flush(beta1 * m + (1 - beta1) * g)
    v = _flush(beta2 * v + (1 - beta2) * g * g)
    return w - adam_rate(learning_rate, beta1, beta2, step) * m / (np.sqrt(v) + epsilon), m, v


def nesterov(w, g, velocity, learning_rate, momentum):
    """The weights and the velocity after one step."""
    velocity = _flush(momentum * velocity - learning_rate * g)
    return w + momentum * velocity - learning_rate * g, velocity
