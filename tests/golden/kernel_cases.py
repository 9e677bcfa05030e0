"""The cases of every kernel: settings, inputs and the outputs of the definitions."""
import itertools
import re
import zlib

import numpy as np

import definitions as define
from golden_file import Case

NONE, ELU, SIGMOID, RELU = ({"activation": kind} for kind in ("None", "Elu", "Sigmoid", "Relu"))


def single(value):
    """The float64 that a float32 setting of this value is."""
    return float(np.float32(value))


def leaky(slope):
    return {"activation": "LeakyRelu", "slope": single(slope)}


ACTIVATIONS = [NONE, leaky(0.01), ELU, SIGMOID, leaky(0), RELU]
UNIT = 2.0**-24  # the rounding error of float32, relative
_counter = itertools.count()


def fixed(*shape, seed=""):
    """
    Numbers in [-1, 1) that are multiples of 2^-20, the same in every run. They fill float32's digits, and float64 holds sums of up to 8192 of their
    products exactly, in any order.
    """
    key = zlib.crc32(f"{seed} {next(_counter)} {shape}".encode())
    whole = (define.numbers_of(key, int(np.prod(shape))) >> np.uint64(43)).astype(np.float64)
    return (whole / 2.0**20 - 1).reshape(shape)


def restart(op):
    """Makes the numbers of an operation independent of those before it."""
    global _counter
    _counter = itertools.count(zlib.crc32(op.encode()))


def sum_tolerance(terms, scale, y):
    """
    What a float32 sum of so many terms may be off, relative to the largest |y|: scale is the largest sum of |terms|. Roundings are as good as random, so
    they grow with the square root (Higham and Mary 2019); four times that, and ten roundings for the rest. Winograd's transforms are within it.
    """
    return (4 * terms**0.5 + 10) * UNIT * float(np.max(scale)) / largest(y)


def roundings(count, scale=None, y=None):
    return count * UNIT * (1 if scale is None else float(np.max(scale)) / largest(y))


def largest(y):
    """The largest |y|, or 1 where all is zero."""
    return float(np.abs(y).max()) or 1.0


# Convolutions: n, c, h, w, k, r, s, then what differs from stride 1, padding 0, dilation 1 and the batch first. p and q: rows and columns that are kept.

CONVOLUTIONS = [
    ((1, 1, 1, 1, 1, 1, 1), {}),
    ((2, 3, 7, 9, 5, 3, 2), {}),
    ((1, 4, 5, 6, 3, 1, 1), {}),
    ((2, 3, 9, 11, 4, 3, 5, 2, 3, 1, 2), {}),
    ((1, 2, 11, 12, 3, 3, 3, 2, 2, 2, 1, 2, 3), {}),
    ((1, 2, 3, 4, 3, 2, 2, 1, 1, 3, 5), {}),
    ((2, 17, 4, 5, 19, 3, 3, 1, 1, 1, 1), {}),
    ((2, 4, 6, 5, 7, 6, 5), {}),
    ((1, 1, 6, 52, 8, 3, 3), {}),  # few channels, long rows
    ((1, 8, 50, 2, 32, 2, 2), {}),  # filters as wide as the input
    ((1, 1, 6, 8, 3, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),
    ((7, 2, 5, 9, 3, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),
    ((16, 3, 4, 5, 4, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),
    ((9, 2, 4, 5, 3, 3, 2, 2, 3, 1, 2, 2), {"layout": "Last"}),
    ((18, 3, 6, 4, 2, 4, 4, 2, 2, 1, 1), {"layout": "Last"}),
    ((2, 3, 9, 11, 4, 3, 5, 2, 3, 1, 2), {"p": 3, "q": 2}),
    ((7, 2, 5, 9, 3, 3, 3, 1, 1, 1, 1), {"layout": "Last", "p": 4, "q": 6}),
    ((32, 2, 3, 4, 3, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),  # two blocks
]

# Enough channels for Winograd's forms: with the batch last, in tiles of 4x4 and of 3x3, and spread out. Data gradients take their channels swapped.
WINOGRAD = [
    ((16, 8, 4, 4, 16, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),
    ((1, 16, 14, 14, 32, 3, 3), {}),
    ((2, 16, 11, 11, 32, 3, 3), {}),
    ((1, 16, 18, 12, 32, 3, 3, 1, 1, 0, 1, 3), {}),
]
WINOGRAD_GRADIENTS = [
    ((16, 16, 4, 4, 8, 3, 3, 1, 1, 1, 1), {"layout": "Last"}),
    ((1, 32, 12, 12, 16, 3, 3), {}),
    ((2, 32, 9, 9, 16, 3, 3, 1, 1, 1, 1), {}),
]

TRANSPOSED = [
    ((1, 1, 1, 1, 1, 1, 1), {}),
    ((2, 3, 5, 7, 4, 4, 4, 2, 2, 1, 1), {}),
    ((1, 2, 3, 4, 5, 2, 2, 3, 3), {}),
    ((1, 3, 4, 5, 2, 3, 5, 2, 3), {}),
    ((3, 2, 4, 6, 5, 3, 2), {}),
    ((1, 2, 4, 5, 3, 3, 3, 2, 3, 0, 0, 2, 2), {}),
    ((1, 2, 6, 7, 3, 3, 3, 1, 1, 3, 4), {}),
    ((1, 20, 3, 4, 9, 4, 4, 2, 2, 1, 1), {}),
    ((1, 2, 5, 3, 2, 4, 4, 2, 2, 1, 1), {"layout": "Last"}),
    ((7, 2, 4, 5, 3, 4, 4, 2, 2, 1, 1), {"layout": "Last"}),
    ((16, 5, 3, 4, 4, 4, 4, 2, 2, 1, 1), {"layout": "Last"}),
    ((5, 3, 4, 3, 2, 2, 2, 3, 3), {"layout": "Last"}),
    ((18, 2, 3, 4, 3, 3, 3, 2, 3, 0, 0, 2, 2), {"layout": "Last"}),
    ((2, 3, 5, 7, 4, 4, 4, 2, 2, 1, 1), {"p": 7, "q": 11}),
    ((7, 2, 4, 5, 3, 4, 4, 2, 2, 1, 1), {"layout": "Last", "p": 8, "q": 7}),
    ((32, 2, 2, 3, 3, 4, 4, 2, 2, 1, 1), {"layout": "Last"}),  # two blocks
]

# With the batch last, a multiple of so many samples lies in blocks, each C x H x W x BLOCK.
BLOCK = 16

CONV_SETTINGS = ["n", "c", "h", "w", "k", "r", "s", "strideH", "strideW", "padH", "padW", "dilationH", "dilationW"]


def conv_shape(sizes, more):
    sizes = tuple(sizes) + (1,) * max(0, 9 - len(sizes))
    sizes += (0,) * max(0, 11 - len(sizes))
    sizes += (1,) * max(0, 13 - len(sizes))
    return {**dict(zip(CONV_SETTINGS, sizes)), "layout": "First", **more}


def geometry(shape):
    return tuple(shape[name] for name in CONV_SETTINGS[7:])


def kept(shape, y):
    return y[:, :, :shape.get("p"), :shape.get("q")]


def with_zeros(shape, transposed, dy):
    """The gradient of everything that is computed, from that of what is kept."""
    rows, columns = output_size({**shape, "p": None, "q": None}, transposed)
    return np.pad(dy, ((0, 0), (0, 0), (0, rows - dy.shape[2]), (0, columns - dy.shape[3])))


def in_layout(shape, x):
    samples = len(x)
    if shape["layout"] == "Last" and samples > BLOCK and samples % BLOCK == 0:
        return x.reshape(samples // BLOCK, BLOCK, *x.shape[1:]).transpose(0, 2, 3, 4, 1)
    return x.transpose({"First": (0, 1, 2, 3), "Last": (1, 2, 3, 0), "ChannelsLast": (0, 2, 3, 1)}[shape["layout"]])


def filters_of(shape, transposed=False):
    k, c = (shape["c"], shape["k"]) if transposed else (shape["k"], shape["c"])
    return fixed(k, c, shape["r"], shape["s"])


def input_of(shape):
    return fixed(shape["n"], shape["c"], shape["h"], shape["w"])


def forward_of(shape, transposed):
    """The convolution, or the transposed one, as a function of x and w."""
    if transposed:
        return lambda x, w: kept(shape, define.conv_transpose(x, w, geometry(shape)))
    return lambda x, w: kept(shape, define.correlate(x, w, geometry(shape)))


def output_size(shape, transposed):
    empty = {**shape, "n": 1, "c": 1, "k": 1}
    return forward_of(empty, transposed)(np.zeros((1, 1, shape["h"], shape["w"])), np.zeros((1, 1, shape["r"], shape["s"]))).shape[2:]


def convolution_forward(op, transposed):
    for i, sizes in enumerate(TRANSPOSED if transposed else CONVOLUTIONS + WINOGRAD):
        shape, activation = conv_shape(*sizes), ACTIVATIONS[i % len(ACTIVATIONS)]
        x, w = input_of(shape), filters_of(shape, transposed)
        b = fixed(shape["k"]) if i % 3 else None
        bias = 0 if b is None else define.along_channels(b, x)
        y = define.activate(activation, forward_of(shape, transposed)(x, w) + bias)
        scale = forward_of(shape, transposed)(abs(x), abs(w)) + abs(bias)
        case = Case(op, {**shape, **activation})
        case.inputs(x=in_layout(shape, x), w=w, b=b)
        yield case.output("y", in_layout(shape, y), sum_tolerance(shape["c"] * shape["r"] * shape["s"], scale, y))


def convolution_backward_data(op, transposed):
    for sizes in TRANSPOSED if transposed else CONVOLUTIONS + WINOGRAD_GRADIENTS:
        shape = conv_shape(*sizes)
        w, dy = filters_of(shape, transposed), fixed(shape["n"], shape["k"], *output_size(shape, transposed))
        dx, scale = (data_gradient(shape, transposed, a, b) for a, b in ((dy, w), (abs(dy), abs(w))))
        case = Case(op, shape).inputs(dy=in_layout(shape, dy), w=w)
        yield case.output("dx", in_layout(shape, dx), sum_tolerance(shape["k"] * shape["r"] * shape["s"], scale, dx))


def data_gradient(shape, transposed, dy, w):
    dy = with_zeros(shape, transposed, dy)
    if transposed:
        return define.correlate(dy, w, geometry(shape))
    return define.spread(dy, w, geometry(shape), shape["h"], shape["w"])


def convolution_backward_filter(op, transposed):
    for i, sizes in enumerate(TRANSPOSED if transposed else CONVOLUTIONS):
        shape = conv_shape(*sizes)
        x, dy = input_of(shape), fixed(shape["n"], shape["k"], *output_size(shape, transposed))
        dw, scale = (filter_gradient(shape, transposed, a, b) for a, b in ((x, dy), (abs(x), abs(dy))))
        terms = shape["n"] * max(dy[0, 0].size, x[0, 0].size)
        case = Case(op, shape).inputs(x=in_layout(shape, x), dy=in_layout(shape, dy))
        case.output("dw", dw, sum_tolerance(terms, scale, dw))
        if i % 3:
            db = define.channel_sums(dy)
            case.output("db", db, sum_tolerance(terms, define.channel_sums(abs(dy)), db))
        yield case


def filter_gradient(shape, transposed, x, dy):
    dy = with_zeros(shape, transposed, dy)
    wide, narrow = (dy, x) if transposed else (x, dy)
    return define.filter_gradient(wide, narrow, geometry(shape), shape["r"], shape["s"])


# Dense.

PRODUCTS = [(1, 1, 1), (1, 7, 5), (3, 129, 11), (17, 40, 33), (2, 1, 70), (40, 3, 1), (33, 20, 17)]


def dense_shape(n, i, o):
    return {"n": n, "in": i, "out": o}


def dense_forward(op):
    for i, (n, inputs, outputs) in enumerate(PRODUCTS):
        x, w, b, activation = fixed(n, inputs), fixed(inputs, outputs), fixed(outputs) if i % 3 else None, ACTIVATIONS[i % len(ACTIVATIONS)]
        bias = 0 if b is None else b
        y = define.activate(activation, define.dense(x, w) + bias)
        case = Case(op, {**dense_shape(n, inputs, outputs), **activation}).inputs(x=x, w=w, b=b)
        yield case.output("y", y, sum_tolerance(inputs, define.dense(abs(x), abs(w)) + abs(bias), y))


def dense_backward_data(op):
    for n, inputs, outputs in PRODUCTS:
        dy, w = fixed(n, outputs), fixed(inputs, outputs)
        dx = define.dense(dy, w.T)
        case = Case(op, dense_shape(n, inputs, outputs)).inputs(dy=dy, w=w)
        yield case.output("dx", dx, sum_tolerance(outputs, define.dense(abs(dy), abs(w).T), dx))


def dense_backward_filter(op):
    for i, (n, inputs, outputs) in enumerate(PRODUCTS):
        x, dy = fixed(n, inputs), fixed(n, outputs)
        dw, db = define.dense(x.T, dy), define.channel_sums(dy)
        case = Case(op, dense_shape(n, inputs, outputs)).inputs(x=x, dy=dy)
        case.output("dw", dw, sum_tolerance(n, define.dense(abs(x).T, abs(dy)), dw))
        yield case.output("db", db, sum_tolerance(n, define.channel_sums(abs(dy)), db)) if i % 3 else case


# Batch normalisation.

NORMALIZATIONS = [(1, 1, 1), (3, 5, 7), (2, 3, 40), (33, 9, 1), (1, 1, 600), (5, 17, 3)]
NORMALIZED = [NONE, ELU, leaky(0.2)]


def norm_cases(op, more=None):
    """Each case with x, gamma and beta; N x C x Inner."""
    for i, (n, c, inner) in enumerate(NORMALIZATIONS):
        activation = NORMALIZED[i % 3]
        yield Case(op, {"n": n, "c": c, "inner": inner, **activation, **(more or {})}), activation, 2 * fixed(n, c, inner) + 0.5, fixed(c) + 1.5, fixed(c)


def normal_scale(x, mean, inverse):
    return (abs(x) + define.along_channels(abs(mean), x)) * define.along_channels(abs(inverse), x)


def batch_norm_infer(op):
    for case, activation, x, gamma, beta in norm_cases(op):
        mean, inverse = fixed(len(gamma)), fixed(len(gamma)) + 1.25
        y = define.activate(activation, define.normalize(x, mean, inverse, gamma, beta))
        scale = normal_scale(x, mean, inverse) * define.along_channels(abs(gamma), x) + define.along_channels(abs(beta), x)
        yield case.inputs(x=x, mean=mean, inverseStd=inverse, gamma=gamma, beta=beta).output("y", y, roundings(8, scale, y))


def batch_norm_train(op):
    momentum, epsilon = single(0.1), single(1e-4)
    for case, activation, x, gamma, beta in norm_cases(op, {"momentum": momentum, "epsilon": epsilon}):
        running_mean, running_inverse = fixed(len(gamma)), fixed(len(gamma)) + 1.25
        mean, inverse = define.batch_statistics(x, epsilon)
        y = define.activate(activation, define.normalize(x, mean, inverse, gamma, beta))
        case.inputs(x=x, gamma=gamma, beta=beta, runningMean=running_mean, runningInverseStd=running_inverse)
        terms = x.size // len(gamma)
        mean_scale = define.channel_sums(abs(x)) / terms
        y_scale = normal_scale(x, mean_scale, inverse) * define.along_channels(gamma, x) + define.along_channels(abs(beta), x)
        new_mean, new_inverse = ((1 - momentum) * old + momentum * batch for old, batch in ((running_mean, mean), (running_inverse, inverse)))
        case.output("y", y, sum_tolerance(terms, y_scale, y)).output("mean", mean, sum_tolerance(terms, mean_scale, mean))
        case.output("inverseStd", inverse, sum_tolerance(terms, inverse, inverse))
        case.output("runningMean", new_mean, sum_tolerance(terms, abs(running_mean) + mean_scale, new_mean))
        yield case.output("runningInverseStd", new_inverse, sum_tolerance(terms, new_inverse, new_inverse))


def batch_norm_backward(op):
    for case, activation, x, gamma, beta in norm_cases(op):
        # What a float32 forward pass hands on; the gradient is of these arrays as they are.
        mean, inverse = (np.float32(values).astype(np.float64) for values in define.batch_statistics(x, 1e-4))
        y = np.float32(define.activate(activation, define.normalize(x, mean, inverse, gamma, beta))).astype(np.float64)
        dy = fixed(*x.shape)
        dz, terms = define.activate_backward(activation, y, dy), x.size // len(gamma)
        dx, dgamma, dbeta = define.batch_norm_backward(x, mean, inverse, gamma, dz)
        normal = normal_scale(x, mean, inverse)
        scales = define.channel_sums(abs(dz) * normal), define.channel_sums(abs(dz))
        parts = abs(dz) + define.along_channels(scales[1] / terms, x) + normal * define.along_channels(scales[0] / terms, x)
        case.inputs(x=x, mean=mean, inverseStd=inverse, gamma=gamma, y=y, dy=dy)
        case.output("dx", dx, sum_tolerance(terms, define.along_channels(gamma * inverse, x) * parts, dx))
        case.output("dgamma", dgamma, sum_tolerance(terms, scales[0], dgamma))
        yield case.output("dbeta", dbeta, sum_tolerance(terms, scales[1], dbeta))


# Pointwise.

LENGTHS = [1, 37, 150]


def activate(op):
    for length, activation in itertools.product(LENGTHS, ACTIVATIONS):
        x = 20 * fixed(length) if length < 150 else fixed(length)
        y = define.activate(activation, x)
        yield Case(op, {"length": length, **activation}).inputs(x=x).output("y", y, 0 if activation["activation"] == "None" else roundings(8))


def activate_backward(op):
    for length, activation in itertools.product(LENGTHS, ACTIVATIONS):
        x, dy = 4 * fixed(length), fixed(length)
        y = np.float32(define.activate(activation, x)).astype(np.float64)
        dx = define.activate_backward(activation, y, dy)
        tolerance = 0 if activation["activation"] == "None" else roundings(4, (abs(y) + 1) * abs(dy), dx)
        yield Case(op, {"length": length, **activation}).inputs(y=y, dy=dy).output("dx", dx, tolerance)


def magnitude(op):
    for length in LENGTHS:
        x = fixed(length, 2)
        y = np.sqrt(x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1])
        yield Case(op, {"length": length}).inputs(x=x).output("y", y, roundings(4))


def log_floor(op):
    for length, floor in zip(LENGTHS, (0.25, 1e-3, 1e-7)):
        x = np.float32(abs(fixed(length)) ** 8).astype(np.float64)  # down to far below the floor
        yield Case(op, {"length": length, "floor": single(floor)}).inputs(x=x).output("y", define.log(np.maximum(x, single(floor))), roundings(5))


def dropout(op):
    for length, (probability, seed) in zip([1, 70, 257, 600, 70], [(0.5, 1), (0.1, 2**64 - 1), (0.5, 12345), (0.9, 2**40 + 7), (0, 3)]):
        x, probability = fixed(length), single(probability)
        y = define.dropout(x, probability, seed)
        yield Case(op, {"length": length, "probability": probability, "seed": seed}).inputs(x=x).output("y", y, roundings(3))


def add_scaled(op):
    for length, scale in zip(LENGTHS, (-0.3, 0.7, 1)):
        x, y, scale = fixed(length), fixed(length), single(scale)
        moved = y + scale * x
        yield Case(op, {"length": length, "scale": scale}).inputs(x=x, y=y).output("y", moved, roundings(3, abs(y) + abs(scale * x), moved))


def add(op):
    for length, scale in zip(LENGTHS, (-0.3, 0.7, 1)):
        x, y, scale = fixed(length), fixed(length), single(scale)
        total = x + scale * y
        yield Case(op, {"length": length, "scale": scale}).inputs(x=x, y=y).output("sum", total, roundings(3, abs(x) + abs(scale * y), total))


def multiply(op):
    for length in LENGTHS:
        a, b = fixed(length), fixed(length)
        yield Case(op, {"length": length}).inputs(a=a, b=b).output("y", a * b, roundings(2))


def fill(op):
    for length, value in zip(LENGTHS, (-0.3, 0, 1e-30)):
        yield Case(op, {"length": length, "value": single(value)}).output("y", np.full(length, single(value)), 0)


def inverse_sqrt(op):
    for length, epsilon in zip(LENGTHS, (1e-4, 1e-3, 0)):
        x, epsilon = np.float32(fixed(length) ** 2 + 0.01).astype(np.float64), single(epsilon)
        yield Case(op, {"length": length, "epsilon": epsilon}).inputs(x=x).output("y", 1 / np.sqrt(x + epsilon), roundings(5))


def inverse_sqrt_backward(op):
    for length in LENGTHS:
        y, dy = fixed(length) + 1.5, fixed(length)
        yield Case(op, {"length": length}).inputs(y=y, dy=dy).output("dx", -0.5 * y * y * y * dy, roundings(5))


# Arrays of four axes, repeated along those of size 1.

BROADCASTS = [
    ((1, 1, 1, 1), (1, 1, 1, 1)), ((2, 3, 4, 5), (1, 3, 1, 1)), ((1, 1, 7, 1), (1, 1, 1, 37)), ((3, 1, 4, 1), (1, 5, 1, 6)),
    ((2, 3, 5, 7), (2, 3, 5, 7)), ((1, 1, 1, 1), (2, 1, 3, 19)), ((2, 1, 1, 40), (2, 3, 4, 40)),
]
REPEATS = [((1, 1, 1, 1), (1, 1, 1, 1)), ((1, 3, 1, 1), (2, 3, 4, 5)), ((2, 1, 1, 20), (2, 3, 4, 20)), ((1, 1, 1, 1), (1, 1, 3, 37))]
SCALES = [1, single(-0.3), single(0.7)]


def axes(name, sizes):
    return {f"{name}{i}": size for i, size in enumerate(sizes)}


def broadcasts(op):
    for i, (first, second) in enumerate(BROADCASTS):
        a, b, scale = fixed(*first), fixed(*second), SCALES[i % 3]
        yield Case(op, {**axes("a", first), **axes("b", second), "scale": scale}).inputs(a=a, b=b), a, b, scale


def broadcast_add(op):
    for case, a, b, scale in broadcasts(op):
        yield case.output("y", a + scale * b, roundings(3, abs(a) + abs(scale * b), a + scale * b))


def broadcast_multiply(op):
    for case, a, b, scale in broadcasts(op):
        yield case.output("y", scale * a * b, roundings(3))


def repeat(op):
    for i, (small, large) in enumerate(REPEATS):
        x, scale = fixed(*small), SCALES[i % 3]
        y = scale * np.broadcast_to(x, large)
        yield Case(op, {**axes("x", small), **axes("y", large), "scale": scale}).inputs(x=x).output("y", y, roundings(2))


# Of x, of the result, of the factor.
SUMS = [
    ((1, 1, 1, 1), (1, 1, 1, 1), None), ((2, 3, 4, 5), (1, 3, 1, 1), None), ((2, 3, 4, 5), (2, 1, 4, 1), (1, 3, 1, 1)), ((1, 1, 7, 100), (1, 1, 1, 1), None),
    ((1, 1, 40, 17), (1, 1, 1, 17), (1, 1, 40, 17)), ((1, 1, 17, 40), (1, 1, 17, 1), (1, 1, 1, 40)), ((2, 3, 5, 7), (2, 3, 5, 7), (2, 1, 5, 1)),
]


def sum_over(op):
    for i, (whole, part, repeated) in enumerate(SUMS):
        x, scale = fixed(*whole), SCALES[i % 3]
        factor = None if repeated is None else fixed(*repeated)
        terms = x if factor is None else x * factor
        y, bound = scale * define.sum_over(terms, part), define.sum_over(abs(terms), part)
        settings = {**axes("y", part), **axes("x", whole), **({} if repeated is None else axes("f", repeated)), "scale": scale}
        yield Case(op, settings).inputs(x=x, factor=factor).output("y", y, sum_tolerance(x.size // y.size, abs(scale) * bound, y))


# Losses and optimisers.

WEIGHTS = [1.0, single(0.3), 1.0]
LOSS_LENGTHS = [1, 70, 600]


def mean_squared_error(op):
    for length, weight in zip(LOSS_LENGTHS, WEIGHTS):
        x, target = fixed(length), fixed(length)
        loss = np.array([define.mean_squared_error(x, target, weight)])
        yield Case(op, {"length": length, "weight": weight}).inputs(x=x, target=target).output("loss", loss, sum_tolerance(length, loss, loss))


def mean_squared_error_backward(op):
    for length, weight in zip(LOSS_LENGTHS, WEIGHTS):
        x, target = fixed(length), fixed(length)
        dloss = fixed(1)
        dx = dloss * define.mean_squared_error_backward(x, target, weight)
        yield Case(op, {"length": length, "weight": weight}).inputs(x=x, target=target, dloss=dloss).output("dx", dx, roundings(8))


def logits_and_targets(length):
    return 20 * fixed(length), np.float32(np.where(fixed(length) > 0, 0.98, 0.02)).astype(np.float64)


def sigmoid_cross_entropy(op):
    for length, weight in zip(LOSS_LENGTHS, WEIGHTS):
        logits, target = logits_and_targets(length)
        loss = np.array([define.sigmoid_cross_entropy(logits, target, weight)])
        scale = weight * define.total(np.maximum(logits, 0) + abs(logits * target) + define.log(1 + define.exp(-abs(logits)))) / length
        yield Case(op, {"length": length, "weight": weight}).inputs(logits=logits, target=target).output("loss", loss, sum_tolerance(length, scale, loss))


def sigmoid_cross_entropy_backward(op):
    for length, weight in zip(LOSS_LENGTHS, WEIGHTS):
        logits, target = logits_and_targets(length)
        dloss = fixed(1)
        gradient = dloss * define.sigmoid_cross_entropy_backward(logits, target, weight)
        case = Case(op, {"length": length, "weight": weight}).inputs(logits=logits, target=target, dloss=dloss)
        yield case.output("dlogits", gradient, roundings(14, 2 * weight * abs(dloss) / length, gradient))


def rows_of_logits(op):
    for (n, classes), weight in zip([(1, 1), (7, 10), (3, 65), (33, 5)], [1.0, single(0.3), 1.0, 1.0]):
        # Targets are probabilities: sixteenths, whose sum is 1.
        parts = np.floor(16 * (fixed(n, classes) + 1) / 2 / classes)
        parts[:, -1] += 16 - parts.sum(1)
        logits, target = 20 * fixed(n, classes), parts / 16
        yield Case(op, {"n": n, "classes": classes, "weight": weight}).inputs(logits=logits, target=target), logits, target, weight


def softmax_cross_entropy(op):
    for case, logits, target, weight in rows_of_logits(op):
        loss = np.array([define.softmax_cross_entropy(logits, target, weight)])
        scale = weight * (abs(logits).max() * 2 + 5)
        yield case.output("loss", loss, sum_tolerance(logits.size, scale, loss))


def softmax_cross_entropy_backward(op):
    for case, logits, target, weight in rows_of_logits(op):
        dloss = fixed(1)
        gradient = dloss * define.softmax_cross_entropy_backward(logits, target, weight)
        tolerance = sum_tolerance(logits.shape[1], 2 * weight * abs(dloss) / len(logits) * (1 + abs(logits).max() / 8), gradient)
        yield case.inputs(dloss=dloss).output("dlogits", gradient, tolerance)


def sum_of_squares(op):
    for length in LOSS_LENGTHS:
        x = fixed(length)
        total = np.array([define.total(x * x)])
        yield Case(op, {"length": length}).inputs(x=x).output("sum", total, sum_tolerance(length, total, total))


def adam(op):
    for length, numbers in zip([70, 150], [(1e-3, 0.9, 0.999, 1e-8, 1), (0.1, 0.8, 0.9, 1e-3, 7)]):
        step = dict(zip(("learningRate", "beta1", "beta2", "epsilon"), map(single, numbers[:4])), step=numbers[4])
        w, g, m, v = fixed(length), fixed(length), fixed(length), abs(fixed(length))
        if numbers[4] == 1:
            m, v = np.zeros(length), np.zeros(length)
        else:
            # Moments that fall below 1e-30 become 0.
            g[:3], m[:3], v[:3] = 0, np.float32(1e-30), np.float32(1e-30)
        new_w, new_m, new_v = define.adam(w, g, m, v, *step.values())
        case = Case(op, {"length": length, "step": step}).inputs(w=w, g=g, m=m, v=v)
        rate = define.adam_rate(*(step[name] for name in ("learningRate", "beta1", "beta2", "step")))
        terms = step["beta1"] * abs(m) + (1 - step["beta1"]) * abs(g)
        case.output("w", new_w, roundings(16, abs(w) + rate * terms / (np.sqrt(new_v) + step["epsilon"]), new_w))
        yield case.output("m", new_m, roundings(6, terms, new_m)).output("v", new_v, roundings(6))


def nesterov(op):
    for length, (rate, momentum) in zip([1, 70, 257], [(0.01, 0.95), (0.5, 0.5), (1, 0)]):
        rate, momentum = single(rate), single(momentum)
        w, g, velocity = fixed(length), fixed(length), fixed(length)
        new_w, new_velocity = define.nesterov(w, g, velocity, rate, momentum)
        scale = momentum * abs(velocity) + rate * abs(g)
        case = Case(op, {"length": length, "learningRate": rate, "momentum": momentum}).inputs(w=w, g=g, velocity=velocity)
        case.output("w", new_w, roundings(7, abs(w) + momentum * scale + rate * abs(g), new_w))
        yield case.output("velocity", new_velocity, roundings(4, scale, new_velocity))


# Pooling. n, c, h, w, r, s, strideH, strideW, dilationH, dilationW.

POOLS = [
    (1, 1, 1, 1, 1, 1, 1, 1, 1, 1), (2, 2, 10, 11, 3, 3, 3, 3, 1, 1), (1, 2, 9, 20, 2, 3, 1, 1, 1, 1), (1, 2, 11, 20, 3, 2, 1, 1, 3, 5),
    (3, 1, 7, 5, 7, 5, 2, 3, 1, 1), (1, 2, 8, 9, 1, 2, 3, 4, 1, 1), (2, 3, 9, 9, 3, 3, 3, 3, 1, 1),
]
POOL_SETTINGS = ["n", "c", "h", "w", "r", "s", "strideH", "strideW", "dilationH", "dilationW"]


def pooled_maps(i, n, c, h, w):
    """Maps to pool; of every other case so coarse that windows have several largest entries, of which the first counts."""
    x = fixed(n, c, h, w)
    return np.round(2 * x) / 2 if i % 2 else x


def max_pool(op):
    for i, pool in enumerate(POOLS):
        x = pooled_maps(i, *pool[:4])
        yield Case(op, dict(zip(POOL_SETTINGS, pool))).inputs(x=x).output("y", define.max_pool(x, pool[4:])[0], 0)


def max_pool_backward(op):
    for i, pool in enumerate(POOLS):
        x = pooled_maps(i, *pool[:4])
        y, argmax = define.max_pool(x, pool[4:])
        dy = fixed(*y.shape)
        dx, scale = (define.unpool(g, argmax, pool[4:], *x.shape[2:]) for g in (dy, abs(dy)))
        case = Case(op, dict(zip(POOL_SETTINGS, pool))).inputs(x=x, y=y, dy=dy)
        yield case.output("dx", dx, sum_tolerance(pool[4] * pool[5], scale, dx))


# A convolution, then windowH, windowW, strideH, strideW, dilationH, dilationW.
POOLED_CONVOLUTIONS = [
    ((1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)),
    ((2, 3, 9, 10, 5, 3, 3), (3, 3, 3, 3, 1, 1)),
    ((1, 17, 8, 9, 11, 3, 3), (3, 3, 3, 3, 1, 1)),
    ((1, 4, 15, 11, 6, 3, 3, 1, 1, 0, 0, 3), (3, 3, 1, 3, 3, 1)),
    ((2, 2, 7, 9, 3, 3, 2, 1, 1, 1, 2), (2, 3, 1, 1, 1, 1)),
    ((1, 3, 11, 12, 4, 2, 4, 2, 1, 0, 0, 1, 2), (2, 2, 3, 2, 1, 1)),
]
POOLED_WINOGRAD = [((1, 16, 11, 17, 32, 3, 3), (3, 3, 3, 3, 1, 1))]
WINDOW_SETTINGS = ["windowH", "windowW", "strideH", "strideW", "dilationH", "dilationW"]


def pooled_convolutions(op, table):
    for i, (sizes, window) in enumerate(table):
        conv = conv_shape(sizes, {})
        yield i, conv, window, Case(op, {"conv": conv, **dict(zip(WINDOW_SETTINGS, window))})


def conv_max_pool(op):
    for i, conv, window, case in pooled_convolutions(op, POOLED_CONVOLUTIONS + POOLED_WINOGRAD):
        activation = ACTIVATIONS[i % len(ACTIVATIONS)]
        case.settings.update(activation)
        b = fixed(conv["k"]) if i % 3 else None
        bias = 0 if b is None else define.along_channels(b, np.zeros((1, 1, 1, 1)))
        while True:
            x, w = input_of(conv), filters_of(conv)
            sums, scale = (define.correlate(a, b, geometry(conv)) for a, b in ((x, w), (abs(x), abs(w))))
            # Which entry is largest must not hang on a rounding.
            if define.window_gaps(sums, window).min() > 1e-5 * scale.max():
                break
        maxima, argmax = define.max_pool(sums, window)
        y = define.activate(activation, maxima + bias)
        case.inputs(x=x, w=w, b=b)
        case.output("y", y, sum_tolerance(conv["c"] * conv["r"] * conv["s"], scale.max() + np.max(abs(bias)), y))
        yield case.output("argmax", argmax.astype(np.float64), 0) if i else case


# A convolution, the number and size of the filters of the second, and its window, in Winograd's form, which pools the rows of its tiles.
TWO_CONVOLUTIONS = [((1, 1, 14, 16, 32, 3, 3), (32, 3, 3), (3, 3, 1, 3, 1, 1), {"layout": "ChannelsLast"})]


def conv_conv_max_pool(op):
    for i, (sizes, (filters, r, s), window, layout) in enumerate(TWO_CONVOLUTIONS):
        first = conv_shape(sizes, layout)
        rows, columns = output_size(first, False)
        second = conv_shape((first["n"], first["k"], rows, columns, filters, r, s), layout)
        pooled = {"conv": second, **dict(zip(WINDOW_SETTINGS, window))}
        activation, last = ACTIVATIONS[1 + i], ACTIVATIONS[2 + i]
        case = Case(op, {"first": {**first, "bias": True, **activation}, "pooled": pooled, **last})
        x, first_w, first_b = input_of(first), filters_of(first), fixed(first["k"])
        w, b = filters_of(second), fixed(filters)
        first_bias, bias = (define.along_channels(values, np.zeros((1, 1, 1, 1))) for values in (first_b, b))
        between = define.activate(activation, define.correlate(x, first_w, geometry(first)) + first_bias)
        y = define.activate(last, define.max_pool(define.correlate(between, w, geometry(second)), window)[0] + bias)

        # No activation takes a number further from 0, and none makes an error larger.
        terms = define.correlate(abs(x), abs(first_w), geometry(first)) + abs(first_bias)
        scale = define.correlate(terms, abs(w), geometry(second)).max() + np.max(abs(b))
        count = first["c"] * first["r"] * first["s"] + second["c"] * r * s
        case.inputs(**{"x": in_layout(first, x), "first w": first_w, "first b": first_b, "w": w, "b": b})
        yield case.output("y", in_layout(second, y), sum_tolerance(count, scale, y), count=100)


def pooled_gradient(conv, window):
    """A gradient of the pooled sums, places in the windows, and that gradient, and its absolute, of the sums."""
    rows, columns = output_size(conv, False)
    maps = fixed(conv["n"], conv["k"], rows, columns)
    pooled, argmax = define.max_pool(maps, window)
    dy = fixed(*pooled.shape)
    return dy, argmax.astype(np.float64), *(define.unpool(g, argmax, window, rows, columns) for g in (dy, abs(dy)))


def conv_max_pool_backward_data(op):
    for _, conv, window, case in pooled_convolutions(op, POOLED_CONVOLUTIONS):
        dy, argmax, sums, scale = pooled_gradient(conv, window)
        w = filters_of(conv)
        dx, dx_scale = data_gradient(conv, False, sums, w), data_gradient(conv, False, scale, abs(w))
        terms = conv["k"] * conv["r"] * conv["s"] * window[0] * window[1]
        yield case.inputs(argmax=argmax, dy=dy, w=w).output("dx", dx, sum_tolerance(terms, dx_scale, dx))


def conv_max_pool_backward_filter(op):
    for i, conv, window, case in pooled_convolutions(op, POOLED_CONVOLUTIONS):
        dy, argmax, sums, scale = pooled_gradient(conv, window)
        x, terms = input_of(conv), dy.size // conv["k"]
        dw, dw_scale = filter_gradient(conv, False, x, sums), filter_gradient(conv, False, abs(x), scale)
        case.inputs(x=x, argmax=argmax, dy=dy).output("dw", dw, sum_tolerance(terms, dw_scale, dw))
        db = define.channel_sums(sums)
        yield case.output("db", db, sum_tolerance(terms, define.channel_sums(scale), db)) if i % 3 else case


# Moves.

PAD_SETTINGS = ["planes", "h", "w", "p", "q", "top", "left"]
PADDINGS = [
    (1, 1, 1, 1, 1, 0, 0), (3, 7, 5, 7, 5, 0, 0), (2, 9, 11, 4, 3, 0, 0), (4, 6, 8, 1, 8, 0, 0), (3, 7, 5, 9, 7, 1, 1), (2, 9, 11, 10, 12, -3, 2),
    (2, 4, 3, 2, 8, -1, 5), (1, 8, 9, 2, 3, -6, -6),
]


def pad(op):
    for sizes in PADDINGS:
        planes, h, w, p, q, top, left = sizes
        x, y = fixed(planes, h, w), np.zeros((planes, p, q))
        for row in range(max(0, top), min(p, top + h)):
            for column in range(max(0, left), min(q, left + w)):
                y[:, row, column] = x[:, row - top, column - left]
        yield Case(op, dict(zip(PAD_SETTINGS, sizes))).inputs(x=x).output("y", y, 0)


TOP_ROWS = [(1, 1), (3, 2), (2, 130), (1, 300)]


def rows_to_mask(op):
    """Rows in which many numbers are equal, zeros of both signs among them, and how many of each a mask keeps."""
    for rows, columns in TOP_ROWS:
        x = np.round(fixed(rows, columns) * 16) / 16
        counts = np.linspace(1, columns, rows + 1)[:-1].round()
        mask, least = define.top_k_mask(x, counts)
        yield Case(op, {"rows": rows, "columns": columns, "steepness": 2.0}), x, counts, mask, least


def top_k_mask(op):
    for case, x, counts, mask, least in rows_to_mask(op):
        case.settings["least"] = True
        yield case.inputs(x=x, counts=counts).output("y", mask, 0).output("least", least, 0)


def top_k_mask_backward(op):
    for case, x, _, _, least in rows_to_mask(op):
        dy = fixed(*x.shape)
        slopes, dx = define.top_k_mask_slopes(x, 2.0), define.top_k_mask_backward(x, least, dy, 2.0)
        yield case.inputs(x=x, least=least, dy=dy).output("dx", dx, sum_tolerance(x.shape[1], slopes.max() * abs(dy).max(), dx))


def transpose(op):
    for rows, columns in [(1, 1), (7, 1), (5, 33), (40, 17)]:
        x = fixed(rows, columns)
        yield Case(op, {"rows": rows, "columns": columns}).inputs(x=x).output("y", x.T, 0)


def real_fft(op):
    for frames, size, hop, bins in [(1, 4, 1, 3), (5, 8, 3, 5), (17, 64, 10, 33), (18, 64, 10, 7), (4, 8, 11, 5), (2, 1024, 315, 372)]:
        x, window = fixed((frames - 1) * hop + size), fixed(size)
        y = define.real_fft(x, window, frames, size, hop, bins)
        scale = max(define.total(abs(x[f * hop:f * hop + size] * window)) for f in range(frames))
        case = Case(op, {"frames": frames, "size": size, "hop": hop, "bins": bins}).inputs(x=x, window=window)
        yield case.output("y", y, roundings(5 * (size.bit_length() - 1), scale, y))


KERNELS = {
    "Activate": activate,
    "ActivateBackward": activate_backward,
    "Adam": adam,
    "Add": add,
    "AddScaled": add_scaled,
    "BatchNormBackward": batch_norm_backward,
    "BatchNormInfer": batch_norm_infer,
    "BatchNormTrain": batch_norm_train,
    "BroadcastAdd": broadcast_add,
    "BroadcastMultiply": broadcast_multiply,
    "Conv2d": lambda op: convolution_forward(op, False),
    "Conv2dBackwardData": lambda op: convolution_backward_data(op, False),
    "Conv2dBackwardFilter": lambda op: convolution_backward_filter(op, False),
    "ConvConvMaxPool2d": conv_conv_max_pool,
    "ConvMaxPool2d": conv_max_pool,
    "ConvMaxPool2dBackwardData": conv_max_pool_backward_data,
    "ConvMaxPool2dBackwardFilter": conv_max_pool_backward_filter,
    "ConvTranspose2d": lambda op: convolution_forward(op, True),
    "ConvTranspose2dBackwardData": lambda op: convolution_backward_data(op, True),
    "ConvTranspose2dBackwardFilter": lambda op: convolution_backward_filter(op, True),
    "Dense": dense_forward,
    "DenseBackwardData": dense_backward_data,
    "DenseBackwardFilter": dense_backward_filter,
    "Dropout": dropout,
    "Fill": fill,
    "InverseSqrt": inverse_sqrt,
    "InverseSqrtBackward": inverse_sqrt_backward,
    "LogFloor": log_floor,
    "Magnitude": magnitude,
    "MaxPool2d": max_pool,
    "MaxPool2dBackward": max_pool_backward,
    "MeanSquaredError": mean_squared_error,
    "MeanSquaredErrorBackward": mean_squared_error_backward,
    "Multiply": multiply,
    "Nesterov": nesterov,
    "Pad2d": pad,
    "RealFft": real_fft,
    "Repeat": repeat,
    "SigmoidCrossEntropy": sigmoid_cross_entropy,
    "SigmoidCrossEntropyBackward": sigmoid_cross_entropy_backward,
    "SoftmaxCrossEntropy": softmax_cross_entropy,
    "SoftmaxCrossEntropyBackward": softmax_cross_entropy_backward,
    "SumOfSquares": sum_of_squares,
    "SumOver": sum_over,
    "TopKMask": top_k_mask,
    "TopKMaskBackward": top_k_mask_backward,
    "Transpose": transpose,
}


def family_of(op):
    """The name of the file that an operation shares with its gradients."""
    return re.split("Backward|Infer|Train", op)[0]


def cases_of(op):
    restart(op)
    return list(KERNELS[op](op))
