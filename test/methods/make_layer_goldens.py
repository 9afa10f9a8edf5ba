#!/usr/bin/env python3
"""Writes layer-goldens.json and golden-pooled.onnx: methods at a layer beside torch-cam, captum and their own equations; after make_goldens.py.

    pip install torch torchcam captum onnx
    python test/methods/make_layer_goldens.py

CAM is torch-cam's, on a network with a pooled linear head. torch-cam multiplies ReLU(dA) of its last noisy picture into Smooth Grad-CAM++ where the paper has
the mean of all, and captum enlarges Grad-CAM to the nearest cell where Guided Grad-CAM's paper interpolates: their equations are written here, with how far
the peers are from them. ODAM and random weights have no peer. Draws are those of src/array/random.ts, made again below.
"""
import json
import math
from pathlib import Path

import numpy
import torch
from captum.attr import GuidedBackprop, GuidedGradCam
from torch import nn
from torchcam.methods import CAM, SmoothGradCAMpp

from golden_network import Network

here = Path(__file__).parent
targets = torch.tensor([1, 3])


def pooled():
    """The same features in front of nothing but pooling and a linear layer."""
    network = Network()
    torch.manual_seed(6)
    network.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 5))
    return network.eval()


def picture(*shape):
    """Numbers that the test makes again by the same formula."""
    i = numpy.arange(numpy.prod(shape), dtype=numpy.float64)
    return torch.tensor((numpy.sin(0.37 * i) + 0.5 * numpy.cos(1.13 * i)).astype(numpy.float32).reshape(shape))


def uniform_for(*name):
    """The stream of a name: FNV-1a in four lanes, and Small Fast Counter."""
    mask = 0xFFFFFFFF
    lanes = [0x811C9DC5, 0x9E3779B9, 0x85EBCA6B, 0xC2B2AE35]
    for byte in json.dumps(name, separators=(",", ":")).encode():
        for k in range(4):
            lanes[k] = ((lanes[k] ^ (byte + 31 * k)) * 0x01000193) & mask
            lanes[k] ^= lanes[k] >> 15
    a, b, c, d = lanes
    step = 0
    while True:
        total = (a + b + d) & mask
        d = (d + 1) & mask
        a, b, c = b ^ (b >> 9), (c + (c << 3)) & mask, ((((c << 21) | (c >> 11)) & mask) + total) & mask
        if step >= 12:
            yield total / 2 ** 32
        step += 1


def normal_for(*name):
    """Box and Muller, the first of the two uniform numbers for the radius."""
    uniform = uniform_for(*name)
    while True:
        radius = math.sqrt(-2 * math.log(1 - next(uniform)))
        yield radius * math.cos(2 * math.pi * next(uniform))


def rounded(values):
    return [float(f"{v:.6g}") for v in numpy.asarray(values, dtype=numpy.float64).ravel()]


def apart(theirs, ours):
    return float((theirs - ours).abs().max() / ours.abs().max())


def gradients_at(network, x, early):
    """Activations at the first rectifier or the last, and the gradients of the two targets there."""
    front, rest = (network.features[:2], network.features[2:]) if early else (network.features, nn.Identity())
    a = front(x).detach().requires_grad_()
    network.head(rest(a))[range(len(x)), targets[:len(x)]].sum().backward()
    return a.detach(), a.grad


def smooth_plus_plus(x, samples, sigma, seed):
    normal = normal_for("smooth-grad-cam++", seed, 0)
    draws = [torch.tensor([sigma * next(normal) for _ in range(x[0].numel())]).reshape(x[0].shape) for _ in range(samples)]
    a, _ = gradients_at(Network().double(), x.double(), early=True)
    gs = torch.stack([gradients_at(Network().double(), (x + one).double(), early=True)[1] for one in draws])
    d1, d2, d3 = (gs.pow(p).mean(0) for p in (1, 2, 3))
    below = 2 * d2 + a.sum((2, 3), keepdim=True) * d3
    weights = (torch.where(below == 0, 0, d2 / torch.where(below == 0, 1, below)) * d1.relu()).sum((2, 3), keepdim=True)
    ours = (weights * a).sum(1).relu()

    network = Network().eval()
    with SmoothGradCAMpp(network, "features.1", num_samples=samples, std=sigma) as peer:
        given = iter(draws * len(x))
        peer._distrib.sample = lambda size: next(given).expand(size)
        theirs = torch.cat([peer(int(c), network(one[None]), normalized=False)[0] for one, c in zip(x, targets)])
    print(f"smooth-grad-cam++: torch-cam is off by {apart(theirs, ours):.1e} of scale")
    return ours


def odam(x):
    a, g = gradients_at(Network().double(), x.double(), early=True)
    taps = torch.exp(-torch.arange(-2, 3).double() ** 2 / 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    smoothed = nn.functional.conv2d(g.flatten(0, 1)[:, None], kernel[None, None], padding=2).reshape(g.shape)
    return (smoothed * a).sum(1).relu()


def random_weights(x, seed):
    uniform = uniform_for("random-cam", seed)
    a, _ = gradients_at(Network().double(), x.double(), early=True)
    weights = torch.tensor([2 * next(uniform) - 1 for _ in range(a.shape[1])])
    return (weights[:, None, None] * a).sum(1).relu()


def guided_grad_cam(x):
    a, g = gradients_at(Network(), x, early=False)
    cam = (g.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True).relu()
    guided = GuidedBackprop(Network().eval()).attribute(x, target=targets).detach()
    ours = guided * nn.functional.interpolate(cam, x.shape[2:], mode="bilinear", align_corners=False)
    network = Network().eval()
    theirs = GuidedGradCam(network, network.features).attribute(x, target=targets, interpolate_mode="bilinear").detach()
    assert apart(theirs, ours) < 1e-5
    nearest = GuidedGradCam(network, network.features).attribute(x, target=targets).detach()
    print(f"guided-grad-cam: captum with its default interpolation is off by {apart(nearest, ours):.1e} of scale")
    return ours


def cam(x):
    network = pooled()
    with CAM(network, "features.4", "head.2") as peer, torch.inference_mode():
        theirs = [peer(int(c), network(one[None]), normalized=False)[0] for one, c in zip(x, targets)]
    axes = {"input": {0: "n", 2: "h", 3: "w"}, "logits": {0: "n"}}
    torch.onnx.export(network, (x,), here / "golden-pooled.onnx", input_names=["input"], output_names=["logits"],
                      dynamic_axes=axes, opset_version=13, dynamo=False)
    return torch.cat(theirs)


def main():
    x = picture(2, 3, 16, 20)
    goldens = {
        "cam": rounded(cam(x)),
        "guided-grad-cam": rounded(guided_grad_cam(x)),
        "odam": rounded(odam(x)),
        "random": rounded(random_weights(x, 4)),
        "smooth-grad-cam++": rounded(smooth_plus_plus(x, samples=3, sigma=0.3, seed=4)),
    }
    (here / "layer-goldens.json").write_text(json.dumps(goldens).replace('], "', '],\n"') + "\n")


main()
