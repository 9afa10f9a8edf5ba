#!/usr/bin/env python3
"""Writes gradient-goldens.json and golden-unpooled.onnx: what captum, saliency and SciPy say of golden.onnx's network, which make_goldens.py makes.

    pip install torch captum saliency scipy onnx
    python test/methods/make_gradient_goldens.py

Random methods are given the draws of src/array/random.ts, made again below, in place of their own.
"""
import json
import math
from pathlib import Path

import numpy
import torch
from captum.attr import (DeepLift, GradientShap, InputXGradient, IntegratedGradients, NoiseTunnel, Saliency)
from saliency.core import blur_ig, guided_ig
from scipy import ndimage
from torch import nn

from golden_network import Network

here = Path(__file__).parent
targets = torch.tensor([1, 3])


def picture(*shape):
    """Numbers that the test makes again by the same formula."""
    i = numpy.arange(numpy.prod(shape), dtype=numpy.float64)
    return torch.tensor((numpy.sin(0.37 * i) + 0.5 * numpy.cos(1.13 * i)).astype(numpy.float32).reshape(shape))


def uniform_from(state):
    """Mulberry32, as src/array/random.ts has it."""
    mask = 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & mask
        t = ((state ^ (state >> 15)) * (state | 1)) & mask
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & mask)) & mask
        yield ((t ^ (t >> 14)) & mask) / 2 ** 32


def normal_from(seed):
    """Box and Muller, the first of the two uniform numbers for the radius."""
    uniform = uniform_from((seed + 0x9E3779B9) & 0xFFFFFFFF)
    while True:
        radius = math.sqrt(-2 * math.log(1 - next(uniform)))
        yield radius * math.cos(2 * math.pi * next(uniform))


def noise(x, samples, sigma, seed):
    """Draws for each picture of a batch, the same ones, times its range: [samples, ...x]."""
    normal = normal_from(seed)
    draws = numpy.array([next(normal) for _ in range(samples * x[0].numel())], numpy.float32).reshape(samples, 1, *x.shape[1:])
    ranges = (x.amax((1, 2, 3)) - x.amin((1, 2, 3))).numpy().reshape(1, -1, 1, 1, 1)
    return torch.from_numpy(draws * (sigma * ranges).astype(numpy.float32))


def handed(draws):
    """torch.normal for NoiseTunnel, which asks for the noise of one picture's samples after the other's, [n samples, ...]."""
    of_each = draws.transpose(0, 1).reshape(-1, *draws.shape[2:])
    return lambda mean, std: of_each if std.shape == of_each.shape else torch.zeros_like(std)


def rise(network, x, samples, cells, shown, seed):
    """RISE as its authors' code has it (eclique/RISE, explanations.py), with the sum of the masks in place of its expectation, and less the mean score: the masks are a
    coarse grid enlarged by bilinear interpolation and cut out at a random shift. Each mask draws its cells first, then its shifts."""
    uniform, (height, width) = uniform_from(seed), x.shape[2:]
    steps = (height / cells, width / cells)
    masks = []
    for _ in range(samples):
        coarse = torch.tensor([float(next(uniform) < shown) for _ in range((cells + 1) ** 2)]).reshape(1, 1, cells + 1, cells + 1)
        down, right = (math.floor(next(uniform) * step) for step in steps)
        whole = [round(step * (cells + 1)) for step in steps]
        large = nn.functional.interpolate(coarse.double(), size=whole, mode="bilinear", align_corners=False)[0, 0]
        masks.append(large[down:down + height, right:right + width])
    masks = torch.stack(masks).float()
    maps = []
    for one, target in zip(x, targets.tolist()):
        scores = network(masks[:, None] * one)[:, target].detach().double()
        maps.append(((scores[:, None, None] * masks).sum(0) / masks.double().sum(0) - scores.mean()).numpy())
    return maps


def rounded(values):
    return [float(f"{v:.6g}") for v in numpy.asarray(values, dtype=numpy.float64).ravel()]


def main():
    network = Network().eval()
    x = picture(2, 3, 12, 10)
    goldens = {"logits": rounded(network(x).detach())}
    goldens["input-x-gradient"] = rounded(InputXGradient(network).attribute(x, target=targets).detach())

    samples, sigma, seed = 6, 0.15, 3
    normal = torch.normal
    torch.normal = handed(noise(x, samples, sigma, seed))
    for name, kind in (("smoothgrad", "smoothgrad"), ("vargrad", "vargrad"), ("squaregrad", "smoothgrad_sq")):
        tunnel = NoiseTunnel(Saliency(network))
        goldens[name] = rounded(tunnel.attribute(x, nt_type=kind, nt_samples=samples, stdevs=1.0, target=targets, abs=False).detach())

    # GradientShap draws its baselines and shares from numpy.
    shares = uniform_from(seed)
    of_sample = [next(shares) for _ in range(samples)]
    choice, uniform = numpy.random.choice, numpy.random.uniform
    numpy.random.choice = lambda baselines, count: numpy.zeros(count, int)
    numpy.random.uniform = lambda low, high, count: numpy.tile(of_sample, 2).astype(numpy.float64)[:count]
    torch.normal = handed(noise(x, samples, 0.07, seed))
    shap = GradientShap(network).attribute(x, baselines=torch.zeros(1, 3, 12, 10), n_samples=samples, stdevs=1.0, target=targets)
    goldens["gradient-shap"] = rounded(shap.detach())
    torch.normal, numpy.random.choice, numpy.random.uniform = normal, choice, uniform

    straight = IntegratedGradients(network)
    for name, start in (("integrated-gradients", torch.zeros_like(x)), ("integrated-gradients mean", x.mean((2, 3), keepdim=True).expand_as(x))):
        attributed = straight.attribute(x, baselines=start, target=targets, n_steps=16, method="riemann_middle")
        goldens[name] = rounded(attributed.detach())

    # captum 0.9.0 gives a maximum pool beside a ReLU its plain gradient, and what it says then may sum to something else (0.0145 for 0.0021, of
    # a ReLU, a pool and a linear layer), so the network is one without a pool.
    def unpooled():
        network = Network()
        network.features = nn.Sequential(*(network.features[i] for i in (0, 1, 3, 4)))
        return network.eval()

    axes = {"input": {0: "n"}, "logits": {0: "n"}}
    torch.onnx.export(unpooled(), (x,), here / "golden-unpooled.onnx", input_names=["input"], output_names=["logits"],
                      dynamic_axes=axes, opset_version=13, dynamo=False)
    for name, start in (("deeplift", torch.zeros_like(x)), ("deeplift mean", x.mean((2, 3), keepdim=True).expand_as(x).contiguous())):
        # It leaves hooks on the network that it has seen.
        one_by_one = [DeepLift(unpooled()).attribute(x[i:i + 1], start[i:i + 1], target=int(targets[i])).detach() for i in (0, 1)]
        goldens[name] = rounded(torch.cat(one_by_one))

    def gradient(one, target):
        """The gradient at one picture [height, width, channels] of float64."""
        at = torch.tensor(numpy.moveaxis(one, -1, 0)[None], dtype=torch.float32, requires_grad=True)
        network(at)[0, target].backward()
        return numpy.moveaxis(at.grad[0].numpy().astype(numpy.float64), 0, -1)

    # saliency 0.2.1 calls numpy.quantile as NumPy 1 had it.
    quantile = numpy.quantile
    numpy.quantile = lambda values, q, interpolation: quantile(values, q, method=interpolation)
    guided, blurs = [], []
    for one, target in zip(numpy.moveaxis(x.numpy().astype(numpy.float64), 1, -1), targets.tolist()):
        found = guided_ig.guided_ig_impl(one, numpy.zeros_like(one), lambda at: gradient(at, target), steps=16)
        guided.append(numpy.moveaxis(found, -1, 0))
        # saliency's own sum takes the derivative of the blur at the duller end of each step, over 0.01 pixels: between the sharp picture
        # and a blur of one step it is 0, for so small a blur changes nothing. The sum here is of whole differences, by its blur.
        sigmas = [8 * (1 - step / 16) ** 2 for step in range(17)]
        path = [blur_ig.gaussian_blur(one, s) for s in sigmas]
        steps = [(b - a) * gradient((a + b) / 2, target) for a, b in zip(path, path[1:])]
        blurs.append(numpy.moveaxis(sum(steps), -1, 0))
    goldens["guided-ig"], goldens["blur-ig"] = rounded(guided), rounded(blurs)
    goldens["edges"] = rounded([ndimage.generic_gradient_magnitude(one, ndimage.sobel, mode="nearest") for one in x.double().mean(1).numpy()])
    goldens["rise"] = rounded(rise(network, x, samples=40, cells=2, shown=0.5, seed=3))
    (here / "gradient-goldens.json").write_text(json.dumps(goldens).replace('], "', '],\n"') + "\n")


main()
