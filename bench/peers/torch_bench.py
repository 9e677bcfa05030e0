"""The networks in PyTorch, for the report to compare with: the same weights, inputs, losses and optimisers.

    torch_bench.py FOLDER [--threads N] [--device cpu|cuda] [REQUEST ...]

FOLDER holds what the report wrote: svdnet.npz, inversion-paper.npz and inversion-published.npz (weights as the engine's weight files have them),
excerpts.npy (N x 1 x 115 x 80), targets.npy (N x 1), features.npy (N x 64). A request is WORK,loss,STEPS or WORK,time,REPEATS; without any they are
read from standard input, a line each. Every answer is a line: the work, what was asked, and a number a step: the loss, or milliseconds.

WORK: svdnet-forward, svdnet-step, inversion-paper-forward, inversion-paper-step, inversion-published-forward, inversion-published-step.
"""
import argparse
import sys
import time

import numpy
import torch
from torch import nn


def svdnet(dropout):
    """Logits of excerpts; the sigmoid is in the loss."""
    leaky = lambda: nn.LeakyReLU(0.01)
    return nn.Sequential(
        nn.Conv2d(1, 64, 3), leaky(), nn.Conv2d(64, 32, 3), leaky(), nn.MaxPool2d(3),
        nn.Conv2d(32, 128, 3), leaky(), nn.Conv2d(128, 64, 3), leaky(), nn.MaxPool2d(3), nn.Flatten(),
        nn.Dropout(dropout), nn.Linear(4928, 256), leaky(), nn.Dropout(dropout), nn.Linear(256, 64), leaky(), nn.Dropout(dropout), nn.Linear(64, 1))


def inversion(filters, final_conv):
    """Features to excerpts."""
    def normalised(linear, norm, channels):
        return [linear, norm(channels, eps=1e-4), nn.ELU()]

    layers = normalised(nn.Linear(64, 64, bias=False), nn.BatchNorm1d, 64) + normalised(nn.Linear(64, 256, bias=False), nn.BatchNorm1d, 256)
    layers.append(nn.Unflatten(1, (16, 4, 4)))
    channels = 16
    for out in filters:
        layers += normalised(nn.ConvTranspose2d(channels, out, 4, 2, 1, bias=False), nn.BatchNorm2d, out)
        layers += normalised(nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d, out)
        channels = out
    layers += [nn.ConvTranspose2d(channels, 1, 4, 2, 1), nn.ELU()]
    if final_conv:
        layers += [nn.Conv2d(1, 1, 3, padding=1), nn.ELU()]
    return nn.Sequential(*layers)


def load(network, path):
    """Weights in the order of the engine's files, whose kernels are flipped and whose dense weights are in x out."""
    file = numpy.load(path)
    arrays = iter([torch.from_numpy(file[f"param{i}"]) for i in range(len(file.files))])
    with torch.no_grad():
        for module in network:
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.weight.copy_(next(arrays).flip(2, 3))
            elif isinstance(module, nn.Linear):
                module.weight.copy_(next(arrays).t())
            elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.bias.copy_(next(arrays))
                module.weight.copy_(next(arrays))
                module.running_mean.copy_(next(arrays))
                module.running_var.copy_(next(arrays).double().pow(-2).sub(1e-4).clamp(min=0).float())
                continue
            else:
                continue
            if module.bias is not None:
                module.bias.copy_(next(arrays))
    return network


class Works:
    """Makes what is asked for when it is first asked for; a step's callable returns the loss before the step."""

    def __init__(self, folder, device):
        self.folder, self.device, self.made = folder, device, {}

    def array(self, name):
        return torch.from_numpy(numpy.load(f"{self.folder}/{name}.npy")).to(self.device)

    def network(self, name, dropout=0.0):
        sizes = {"inversion-paper": ([16, 8, 4, 2], True), "inversion-published": ([64, 32, 16, 8], False)}
        network = svdnet(dropout) if name == "svdnet" else inversion(*sizes[name])
        return load(network, f"{self.folder}/{name}.npz").to(self.device)

    def forward(self, name):
        network = self.network(name).eval()
        x = self.array("excerpts" if name == "svdnet" else "features")

        def run():
            with torch.inference_mode():
                network(x)
            return 0.0
        return run

    def step(self, name, dropout):
        network = self.network(name, dropout).train()
        if name == "svdnet":
            x, target = self.array("excerpts"), self.array("targets")
            optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.95, nesterov=True)
            error = lambda y: nn.functional.binary_cross_entropy_with_logits(y, target)
        else:
            x, target = self.array("features"), self.array("excerpts")
            decayed = [m.weight for m in network if hasattr(m, "weight")]
            free = [m.bias for m in network if getattr(m, "bias", None) is not None]
            # The gradient of 1e-4 times the sum of squares.
            optimizer = torch.optim.Adam([{"params": decayed, "weight_decay": 2e-4}, {"params": free}], lr=0.001)
            error = lambda y: nn.functional.mse_loss(y[:, :, :115, :80], target)

        def run():
            optimizer.zero_grad(set_to_none=False)
            loss = error(network(x))
            loss.backward()
            optimizer.step()
            return loss.item()
        return run

    def answer(self, request):
        work, what, count = request.strip().split(",")
        name, kind = work.rsplit("-", 1)
        if what == "loss":
            # Dropout is random, so losses are compared without it; times are taken with it. So it is with oneDNN: on a Zen 5, Debian's gave the inversion
            # networks gradients that changed from run to run and were sometimes not numbers; PyTorch's own kernels give the losses that float64 gives.
            with torch.backends.mkldnn.flags(enabled=False):
                run = self.step(name, 0.0)
                return [work, what] + [repr(run()) for _ in range(int(count))]
        if work not in self.made:
            self.made[work] = self.forward(name) if kind == "forward" else self.step(name, 0.5)
            self.made[work]()
        run, times = self.made[work], []
        # Before several runs one is not counted: it comes after a pause.
        if int(count) > 1:
            run()
        for _ in range(int(count)):
            self.synchronize()
            start = time.perf_counter()
            run()
            self.synchronize()
            times.append(f"{1000 * (time.perf_counter() - start):.6f}")
        return [work, what] + times

    def synchronize(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("requests", nargs="*")
    arguments = parser.parse_intermixed_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    works = Works(arguments.folder, arguments.device)
    library = "with oneDNN" if torch.backends.mkldnn.is_available() else "without oneDNN, which makes its convolutions slow"
    device = torch.cuda.get_device_name() if arguments.device == "cuda" else f"cpu ({library.replace(',', ';')})"
    print("torch", torch.__version__, device, torch.get_num_threads(), sep=",", flush=True)
    for request in arguments.requests or sys.stdin:
        print(*works.answer(request), sep=",", flush=True)


main()
