"""
Checks of the definitions: every gradient against finite differences of its forward, in float64; functions against decimals; convolutions against slow
loops over the formula.
"""
import decimal
import itertools
import math

import numpy as np

import definitions as define
import kernel_cases
import networks

KINK_STEP = 1e-7  # so small that few rectifiers and maxima change sides
_random = np.random.default_rng(1)


def normal(*shape):
    return _random.standard_normal(shape)


class Checks:
    """Counts what was checked and says what failed."""

    def __init__(self):
        self.count, self.failures = 0, 0

    def near(self, what, actual, expected, tolerance):
        self.count += 1
        scale = max(float(np.max(np.abs(expected))), 1e-300)
        error = float(np.max(np.abs(np.asarray(actual) - np.asarray(expected)))) / scale
        if not error <= tolerance:
            self.failures += 1
            print(f"{what}: off by {error:.2e} of the largest value, {tolerance:.0e} is allowed")

    def gradient(self, what, function, arrays, gradients, tolerance=1e-6, step=1e-6):
        """The derivative of a scalar function along a random direction of each array, against the gradient, relative to the gradient's length."""
        for i, (array, gradient) in enumerate(zip(arrays, gradients)):
            if gradient is None:
                continue
            direction = normal(*array.shape)
            ahead, behind = ([*arrays[:i], array + sign * step * direction, *arrays[i + 1:]] for sign in (1, -1))
            slope = (function(*ahead) - function(*behind)) / (2 * step)
            length = math.sqrt(define.total(gradient * gradient))
            self.near(f"{what}, gradient {i}", [1, slope / length], [1, define.total(gradient * direction) / length], tolerance)


def functions(checks):
    values = np.concatenate([30 * normal(300), 1e-6 * normal(100), normal(300)])
    with decimal.localcontext() as context:
        context.prec = 50
        exact = np.array([float(decimal.Decimal(value).exp() - 1) for value in values.tolist()])
    checks.near("expm1", define.expm1(values) / exact, np.ones(len(values)), 6e-16)
    checks.near("log", define.log(abs(values)), np.log(abs(values)), 4e-16)
    cos, sin = define.cos_sin(1024)
    angles = 2 * np.pi * np.arange(1024) / 1024
    checks.near("cos and sin", [cos, sin], [np.cos(angles), np.sin(angles)], 1e-15)


def loops(checks):
    """The convolution, its transpose and the pooling against plain loops over the formula."""
    for g in ((1, 1, 0, 0, 1, 1), (2, 3, 1, 2, 1, 1), (2, 1, 2, 0, 2, 3)):
        x, w = normal(2, 3, 9, 10), normal(4, 3, 3, 2)
        y = define.correlate(x, w, g)
        plain, transposed = np.zeros(y.shape), np.zeros(x.shape)
        for n, k, p, q in np.ndindex(y.shape):
            for c, r, s in np.ndindex(w.shape[1:]):
                h, v = p * g[0] + r * g[4] - g[2], q * g[1] + s * g[5] - g[3]
                if 0 <= h < 9 and 0 <= v < 10:
                    plain[n, k, p, q] += x[n, c, h, v] * w[k, c, r, s]
                    transposed[n, c, h, v] += y[n, k, p, q] * w[k, c, r, s]
        checks.near(f"correlate {g}", y, plain, 1e-14)
        checks.near(f"spread {g}", define.spread(y, w, g, 9, 10), transposed, 1e-14)
    frames = normal(64 + 3 * 10)
    window = normal(64)
    expected = np.stack([np.fft.rfft(frames[f * 10:f * 10 + 64] * window) for f in range(4)])
    checks.near("real_fft", define.real_fft(frames, window, 4, 64, 10, 33), np.stack([expected.real, expected.imag], -1), 1e-13)


def convolutions(checks):
    for transposed, sizes in itertools.chain(((False, s) for s in kernel_cases.CONVOLUTIONS), ((True, s) for s in kernel_cases.TRANSPOSED)):
        shape = kernel_cases.conv_shape(*sizes)
        forward = kernel_cases.forward_of(shape, transposed)
        x, w = normal(shape["n"], shape["c"], shape["h"], shape["w"]), normal(*kernel_cases.filters_of(shape, transposed).shape)
        dy = normal(*forward(x, w).shape)
        gradients = kernel_cases.data_gradient(shape, transposed, dy, w), kernel_cases.filter_gradient(shape, transposed, x, dy)
        checks.gradient(f"convolution {shape}, transposed {transposed}", lambda x, w: define.total(dy * forward(x, w)), [x, w], gradients)


def pools(checks):
    for pool in kernel_cases.POOLS:
        x, window = normal(*pool[:4]), pool[4:]
        y, argmax = define.max_pool(x, window)
        dy = normal(*y.shape)
        gradient = define.unpool(dy, argmax, window, *x.shape[2:])
        checks.gradient(f"pool {pool}", lambda x: define.total(dy * define.max_pool(x, window)[0]), [x], [gradient])


def pointwise(checks):
    for activation in kernel_cases.ACTIVATIONS:
        x, dy = normal(50), normal(50)
        gradient = define.activate_backward(activation, define.activate(activation, x), dy)
        checks.gradient(f"{activation}", lambda x: define.total(dy * define.activate(activation, x)), [x], [gradient])
    for n, c, inner in kernel_cases.NORMALIZATIONS[1:]:
        x, gamma, beta, dz = normal(n, c, inner), normal(c), normal(c), normal(n, c, inner)

        def loss(x, gamma, beta):
            return define.total(dz * define.normalize(x, *define.batch_statistics(x, 1e-4), gamma, beta))

        gradients = define.batch_norm_backward(x, *define.batch_statistics(x, 1e-4), gamma, dz)
        checks.gradient(f"batch norm {n, c, inner}", loss, [x, gamma, beta], gradients)
    x, target = normal(50), normal(50)
    checks.gradient(
        "mean squared error", lambda x: define.mean_squared_error(x, target, 0.3), [x], [define.mean_squared_error_backward(x, target, 0.3)])
    target = np.where(target > 0, 0.98, 0.02)
    checks.gradient(
        "cross-entropy", lambda x: define.sigmoid_cross_entropy(x, target, 0.3), [x], [define.sigmoid_cross_entropy_backward(x, target, 0.3)])


def rows(checks):
    logits, target = 3 * normal(6, 5), abs(normal(6, 5))
    target /= target.sum(1, keepdims=True)
    gradient = define.softmax_cross_entropy_backward(logits, target, 0.3)
    checks.gradient("softmax cross-entropy", lambda z: define.softmax_cross_entropy(z, target, 0.3), [logits], [gradient])
    powers = np.exp(logits)
    checks.near(
        "softmax cross-entropy", [define.softmax_cross_entropy(logits, target)],
        [-(target * np.log(powers / powers.sum(1, keepdims=True))).sum() / 6], 1e-14)
    x = normal(2, 3, 4, 5)
    z, dy, counts = normal(3, 40), normal(3, 40), np.array([1, 7, 40])
    mask, least = define.top_k_mask(z, counts)
    checks.near("top_k_mask", [mask.sum(1), least], [counts, [np.sort(row)[-count] for row, count in zip(z, counts)]], 0)
    slopes = 2 / z.std(1, keepdims=True)  # constants, as are the least
    checks.gradient(
        "top_k_mask", lambda z: (dy / (1 + np.exp(-slopes * (z - least[:, None])))).sum(), [z], [define.top_k_mask_backward(z, least, dy, 2)])
    checks.near("sum_over", define.sum_over(x, (1, 3, 1, 5)), x.sum((0, 2), keepdims=True), 1e-14)


def training(checks):
    """The gradients of whole networks, one array of each kind."""
    x = networks.excerpts()
    weights, _ = networks.read_weights("svdnet.npz")
    target = np.array([[0.02], [0.98]])

    def svdnet_loss(*arrays):
        return define.sigmoid_cross_entropy(networks.SvdNet(list(arrays)).forward(x)["logit"], target)

    network = networks.SvdNet(weights)
    logits = network.forward(x)["logit"]
    gradients = network.backward(define.sigmoid_cross_entropy_backward(logits, target))
    checks.gradient("SVDNet", svdnet_loss, weights, [g if i in (0, 3, 4, 6, 8, 11, 12) else None for i, g in enumerate(gradients)], 1e-5, KINK_STEP)

    features, targets = normal(8, 64), normal(8, 1, 115, 80)
    for name in ("inverter.npz", "inverter-published.npz"):
        weights, _ = networks.read_weights(name)

        def inverter_loss(*arrays):
            return define.mean_squared_error(networks.Inverter(list(arrays)).forward(features, train=True), targets)

        network = networks.Inverter(weights)
        output = network.forward(features, train=True)
        gradients = network.backward(define.mean_squared_error_backward(output, targets))
        chosen = [g if i in (0, 6, 7, 10, 15, 45, 50, 51, 52) else None for i, g in enumerate(gradients)]
        checks.gradient(name, inverter_loss, weights, chosen, 1e-5, KINK_STEP)


def run():
    checks = Checks()
    for check in (functions, loops, convolutions, pools, pointwise, rows, training):
        check(checks)
    print(f"{checks.count} checks, {checks.failures} failures")
    return 1 if checks.failures else 0
