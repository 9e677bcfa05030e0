"""SVDNet and both inversion networks in float64, forward and back, and one training step of each."""
import hashlib
import io
import math
import pathlib
import wave

import numpy as np

import definitions as define
from golden_file import Case
from kernel_cases import single

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOPE = single(0.01)
LEAKY = {"activation": "LeakyRelu", "slope": SLOPE}
ELU = {"activation": "Elu"}
VALID = (1, 1, 0, 0, 1, 1)
SAME = (1, 1, 1, 1, 1, 1)
DOUBLE = (2, 2, 1, 1, 1, 1)
POOL = (3, 3, 3, 3, 1, 1)
FRAMES, BANDS = 115, 80

# Float32 through all layers, relative to the largest value; gradients go there and back.
LAYER_TOLERANCE = 2e-5
GRADIENT_TOLERANCE = 2e-5
UPDATE_TOLERANCE = 1e-5


def flipped(w):
    """Weight files hold true convolutions: both axes of a filter are turned against those of a cross-correlation. The gradients likewise."""
    return w[:, :, ::-1, ::-1]


def read_weights(name):
    """The arrays of a weight file in its order, in float64, and the file's SHA-256."""
    content = (ROOT / "weights" / name).read_bytes()
    with np.load(io.BytesIO(content)) as file:
        return [file[key].astype(np.float64) for key in file.files], hashlib.sha256(content).hexdigest()


def excerpts():
    """
    Two normalised log-mel excerpts of samples/sample.wav, one without singing and one with. The front end is much like the detector's, and is not what
    is looked at here; values are rounded to 1/256, so that its last digits do not matter.
    """
    with wave.open(str(ROOT / "samples" / "sample.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    hertz = 2595 * np.log10(1 + np.array([27.5, 8000]) / 700)
    corners = 700 * (10 ** (np.linspace(*hertz, BANDS + 2) / 2595) - 1)
    frequencies = np.arange(513) * 22050 / 1024
    rising = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    filters /= filters.sum(0)
    with np.load(ROOT / "weights" / "meanstd.npz") as statistics:
        mean, std = statistics["mean"], statistics["std"]
    found = []
    for second in (1.5, 6.5):
        start = int(second * 22050)
        frames = np.stack([samples[start + i * 315:start + i * 315 + 1024] for i in range(FRAMES)]) * np.hanning(1024)
        mel = np.log(np.maximum(abs(np.fft.rfft(frames)) @ filters, 1e-7))
        found.append(np.rint((mel - mean) / std * 256) / 256)
    return np.stack(found)[:, None]


class SvdNet:
    """The detector; forward keeps what backward wants."""

    def __init__(self, weights):
        self.weights = weights

    def forward(self, x):
        w = self.weights
        self.maps = maps = {"input": x}
        for name, below, i in (("conv1", "input", 0), ("conv2", "conv1", 2), ("conv4", "mp3", 4), ("conv5", "conv4", 6)):
            sums = define.correlate(maps[below], flipped(w[i]), VALID) + define.along_channels(w[i + 1], maps[below])
            maps[name] = define.activate(LEAKY, sums)
            pooled = {"conv2": "mp3", "conv5": "mp6"}.get(name)
            if pooled:
                maps[pooled], maps[pooled + ".argmax"] = define.max_pool(maps[name], POOL)
        maps["flat"] = maps["mp6"].reshape(len(x), -1)
        maps["fc7"] = define.activate(LEAKY, define.dense(maps["flat"], w[8]) + w[9])
        maps["fc8"] = define.activate(LEAKY, define.dense(maps["fc7"], w[10]) + w[11])
        maps["logit"] = define.dense(maps["fc8"], w[12]) + w[13]
        maps["fc9"] = define.activate({"activation": "Sigmoid"}, maps["logit"])
        return maps

    def backward(self, gradient):
        """The gradients of all weights, from that of the logit."""
        w, maps, gradients = self.weights, self.maps, [None] * 14
        for name, below, i in (("logit", "fc8", 12), ("fc8", "fc7", 10), ("fc7", "flat", 8)):
            if name != "logit":
                gradient = define.activate_backward(LEAKY, maps[name], gradient)
            gradients[i], gradients[i + 1] = define.dense(maps[below].T, gradient), define.channel_sums(gradient)
            gradient = define.dense(gradient, w[i].T)
        gradient = gradient.reshape(maps["mp6"].shape)
        for name, below, i in (("conv5", "conv4", 6), ("conv4", "mp3", 4), ("conv2", "conv1", 2), ("conv1", "input", 0)):
            pooled = {"conv2": "mp3", "conv5": "mp6"}.get(name)
            if pooled:
                gradient = define.unpool(gradient, maps[pooled + ".argmax"], POOL, *maps[name].shape[2:])
            gradient = define.activate_backward(LEAKY, maps[name], gradient)
            gradients[i] = flipped(define.filter_gradient(maps[below], gradient, VALID, 3, 3))
            gradients[i + 1] = define.channel_sums(gradient)
            if i:
                gradient = define.spread(gradient, flipped(w[i]), VALID, *maps[below].shape[2:])
        return gradients


class Inverter:
    """An inversion network of either size, for inference or, with the statistics of its batch, for training."""

    def __init__(self, weights):
        self.weights = weights
        # Kind, and the number of its first array; each has a batch normalisation but those with a bias, which follow the last pair of layers.
        kinds = ["dense", "dense"] + ["up", "conv"] * 4
        self.layers = [(kind, 5 * i, True) for i, kind in enumerate(kinds)] + [("up", 50, False)]
        if len(weights) > 52:
            self.layers.append(("conv", 52, False))

    def role(self, i):
        """What array i is: a weight, a bias, or one of a batch normalisation's beta, gamma, mean and inverse deviation."""
        if i >= 50:
            return "weight" if i % 2 == 0 else "bias"
        return ("weight", "beta", "gamma", "mean", "inverse")[i % 5]

    def linear(self, kind, x, w):
        if kind == "dense":
            return define.dense(x, w)
        return define.correlate(x, flipped(w), SAME) if kind == "conv" else define.conv_transpose(x, flipped(w), DOUBLE)

    def forward(self, features, train=False):
        """N x 64 to N x 1 x 115 x 80."""
        self.inputs, self.sums, self.statistics, self.outputs = [], [], [], []
        x, w = features, self.weights
        for number, (kind, i, normalized) in enumerate(self.layers):
            if number == 2:
                x = x.reshape(-1, 16, 4, 4)
            self.inputs.append(x)
            x = self.linear(kind, x, w[i])
            self.sums.append(x)
            if normalized:
                mean, inverse = define.batch_statistics(x, single(1e-4)) if train else w[i + 3:i + 5]
                self.statistics.append((mean, inverse))
                x = define.normalize(x, mean, inverse, w[i + 2], w[i + 1])
            else:
                x = x + define.along_channels(w[i + 1], x)
            x = define.activate(ELU, x)
            self.outputs.append(x)
        return x[:, :, :FRAMES, :BANDS]

    def backward(self, gradient):
        """The gradients of all weights, from that of the output; None for the statistics. Wants a forward pass in training."""
        gradients = [None] * len(self.weights)
        whole = np.zeros_like(self.outputs[-1])
        whole[:, :, :FRAMES, :BANDS] = gradient
        gradient = whole
        for number in reversed(range(len(self.layers))):
            kind, i, normalized = self.layers[number]
            x, w = self.inputs[number], self.weights[i]
            gradient = define.activate_backward(ELU, self.outputs[number], gradient.reshape(self.outputs[number].shape))
            if normalized:
                gradient, gradients[i + 2], gradients[i + 1] = define.batch_norm_backward(
                    self.sums[number], *self.statistics[number], self.weights[i + 2], gradient)
            else:
                gradients[i + 1] = define.channel_sums(gradient)
            if kind == "dense":
                gradients[i], gradient = define.dense(x.T, gradient), define.dense(gradient, w.T)
            elif kind == "conv":
                gradients[i] = flipped(define.filter_gradient(x, gradient, SAME, 3, 3))
                gradient = define.spread(gradient, flipped(w), SAME, *x.shape[2:])
            else:
                gradients[i] = flipped(define.filter_gradient(gradient, x, DOUBLE, 4, 4))
                gradient = define.correlate(gradient, flipped(w), DOUBLE)
        return gradients


def add_gradient(case, i, gradient):
    case.output(f"gradient{i}", gradient, GRADIENT_TOLERANCE, 48)


def svdnet_cases():
    """All layers of two excerpts, and a step of Nesterov's momentum from them without dropout."""
    x, (weights, digest) = excerpts(), read_weights("svdnet.npz")
    network = SvdNet(weights)
    maps = network.forward(x)
    inference = Case("SvdNet", {"weights": "svdnet.npz", "sha256": digest})
    for name in ("conv1", "conv2", "mp3", "conv4", "conv5", "mp6", "fc7", "fc8", "fc9"):
        inference.output(name, maps[name], LAYER_TOLERANCE, 128)
    # Far from the probabilities, and not by the same: float32 holds few digits of small differences, and of their sum where they cancel.
    target = np.float32(np.array([[0.98], [0.5]])).astype(np.float64)
    rate, momentum = single(0.01), single(0.95)
    step = Case("SvdNetStep", {"weights": "svdnet.npz", "sha256": digest, "learningRate": rate, "momentum": momentum}).inputs(target=target)
    step.output("loss", np.array([define.sigmoid_cross_entropy(maps["logit"], target)]), LAYER_TOLERANCE)
    gradients = network.backward(define.sigmoid_cross_entropy_backward(maps["logit"], target))
    for i, (w, gradient) in enumerate(zip(weights, gradients)):
        add_gradient(step, i, gradient)
        step.output(f"updated{i}", define.nesterov(w, gradient, np.zeros_like(w), rate, momentum)[0], UPDATE_TOLERANCE, 48)
    return [inference, step]


def steady(gradient, count):
    """
    Where a first step of ADAM, whose size hangs on the gradient's sign alone, can be foretold in float32: evenly chosen places with gradients of at least
    a thousandth of the largest.
    """
    flat = np.abs(gradient).ravel()
    places = np.flatnonzero(flat >= 1e-3 * flat.max())
    return places[np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).astype(np.int64))]


def inverter_cases(name):
    """The inversions of two excerpts' features, and a step of ADAM on a batch of eight whose targets are those excerpts, rolled in time."""
    x, (weights, digest) = excerpts(), read_weights(name)
    network, settings = Inverter(weights), {"weights": name, "sha256": digest}
    features = np.float32(SvdNet(read_weights("svdnet.npz")[0]).forward(x)["fc8"]).astype(np.float64)
    inference = Case("InversionNetwork", settings).inputs(features=features)
    inference.output("output", network.forward(features), LAYER_TOLERANCE, 512)

    targets = [[n % 2, 13 * n] for n in range(8)]
    target = np.stack([np.roll(x[excerpt], roll, axis=1) for excerpt, roll in targets])
    noise = (define.numbers_of(7, 8 * 64) >> np.uint64(43)).astype(np.float64).reshape(8, 64) / 2.0**20 - 1
    features = np.float32(np.maximum(3 * noise, SLOPE * 3 * noise)).astype(np.float64)
    numbers = {name: single(value) for name, value in (("learningRate", 1e-3), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8))}
    decay, momentum = single(1e-4), single(0.1)
    step = Case("InversionNetworkStep", {**settings, **numbers, "penalty": decay, "targets": targets}).inputs(features=features)
    output = network.forward(features, train=True)
    penalized = [i for i in range(len(weights)) if network.role(i) in ("weight", "gamma")]
    step.output("loss", np.array([define.mean_squared_error(output, target)]), LAYER_TOLERANCE)
    step.output("penalty", np.array([decay * math.fsum(define.total(weights[i] * weights[i]) for i in penalized)]), LAYER_TOLERANCE)
    gradients = network.backward(define.mean_squared_error_backward(output, target))
    for i, (w, gradient) in enumerate(zip(weights, gradients)):
        if gradient is None:
            batch = network.statistics[i // 5][network.role(i) == "inverse"]
            step.output(f"updated{i}", (1 - momentum) * w + momentum * batch, LAYER_TOLERANCE, 48)
            continue
        gradient = gradient + (2 * decay * w if i in penalized else 0)
        add_gradient(step, i, gradient)
        updated = define.adam(w, gradient, np.zeros_like(w), np.zeros_like(w), *numbers.values(), 1)[0]
        step.output(f"updated{i}", updated, UPDATE_TOLERANCE, indices=steady(gradient, 48))
    return [inference, step]


def cases():
    return svdnet_cases() + inverter_cases("inverter.npz") + inverter_cases("inverter-published.npz")


def shared():
    """What all cases of networks have: the excerpts."""
    return {"excerpts": np.float32(excerpts())}
