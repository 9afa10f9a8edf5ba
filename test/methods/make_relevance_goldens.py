#!/usr/bin/env python3
"""Writes relevance-goldens.json, golden-residual.onnx and golden-attention*.onnx: what zennit, lxt, captum and TorchRay say of golden.onnx's network
(make_goldens.py makes it), of one with additions and batch normalisations that stay nodes of their own, and of a transformer.

    pip install torch onnx torchvision zennit captum lxt torchray
    python test/methods/make_relevance_goldens.py

Each is given its network in double precision, so that what is compared is the rule.
"""
import copy
import json
from pathlib import Path

import numpy
import torch
import torchray.attribution.excitation_backprop as torchray
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from lxt.explicit import functional as lxt
from torch import nn
from torch.nn import functional as f
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.composites import (EpsilonAlpha2Beta1, EpsilonAlpha2Beta1Flat, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat, ExcitationBackprop,
                               LayerMapComposite, layer_map_base)
from zennit.layer import Sum
from zennit.rules import AlphaBeta, Epsilon, Gamma, ZPlus
from zennit.types import Linear

from golden_network import Network

here = Path(__file__).parent
targets = torch.tensor([1, 3])


class Residual(nn.Module):
    """A block whose two branches end in batch normalisation, and are added."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.branch = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8))
        self.short = nn.Sequential(nn.Conv2d(6, 8, 1, stride=2), nn.BatchNorm2d(8))
        self.sum = Sum()
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.pool(self.relu(self.sum(torch.stack([self.branch(x), self.short(x)], -1)))))


class Plain(Residual):
    """The same, with the addition as exporters have it."""

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.pool(self.relu(self.branch(x) + self.short(x))))


class Attention(nn.Module):
    """Patches, a class token, two blocks of a vision transformer and a head, by the operators of `ops`."""

    def __init__(self, width=12, heads=3, ops=None):
        super().__init__()
        self.heads, self.ops = heads, ops
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, 7, width) * 0.5)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"norm1": nn.LayerNorm(width), "qkv": nn.Linear(width, 3 * width), "out": nn.Linear(width, width),
                           "norm2": nn.LayerNorm(width), "up": nn.Linear(width, 2 * width), "down": nn.Linear(2 * width, width)})
            for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        ops = self.ops
        x = ops.conv(x, self.patches).flatten(2).transpose(1, 2)
        x = ops.add(torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1), self.places)
        for block in self.blocks:
            qkv = ops.linear(ops.norm(x, block["norm1"]), block["qkv"])
            q, k, v = (part.reshape(*part.shape[:2], self.heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
            weights = ops.softmax(ops.scaled(ops.product(q, k.transpose(-2, -1)), q.shape[-1] ** -0.5))
            mixed = ops.product(weights, v).transpose(1, 2).flatten(2)
            x = ops.add(x, ops.linear(mixed, block["out"]))
            x = ops.add(x, ops.linear(ops.gelu(ops.linear(ops.norm(x, block["norm2"]), block["up"])), block["down"]))
        return ops.linear(ops.norm(x, self.norm)[:, 0], self.head)


class Usual:
    conv = staticmethod(lambda x, layer: layer(x))
    linear = conv
    norm = conv
    add = staticmethod(torch.add)
    product = staticmethod(torch.matmul)
    scaled = staticmethod(torch.mul)
    softmax = staticmethod(lambda x: torch.softmax(x, -1))
    gelu = staticmethod(f.gelu)


class Identity(torch.autograd.Function):
    """lxt's rule of an activation: all relevance goes on."""

    @staticmethod
    def forward(ctx, x, function):
        return function(x)

    @staticmethod
    def backward(ctx, relevance):
        return relevance, None


tiny = 1e-12


class Attentive(Usual):
    """AttnLRP by lxt. It adds its epsilon to denominators of either sign, so that one of -epsilon is 0: here it is too small to matter."""

    linear = staticmethod(lambda x, layer: lxt.linear_epsilon(x, layer.weight, layer.bias, tiny))
    add = staticmethod(lambda a, b: lxt.add2(a, b, False, tiny))
    product = staticmethod(lambda a, b: lxt.matmul(a, b, False, tiny))
    scaled = staticmethod(lxt.mul2)
    softmax = staticmethod(lambda x: lxt.softmax(x, -1))
    gelu = staticmethod(lambda x: Identity.apply(x, f.gelu))

    @staticmethod
    def norm(x, layer):
        return lxt.layer_norm_grad_fn.apply(x, layer.weight, layer.bias, layer.eps, tiny)

    @staticmethod
    def conv(x, layer):
        """As a linear layer of its patches, for which lxt has a rule."""
        patches = f.unfold(x, 4, stride=4).transpose(1, 2)
        out = lxt.linear_epsilon(patches, layer.weight.flatten(1), layer.bias, tiny)
        return out.transpose(1, 2).reshape(x.shape[0], -1, x.shape[2] // 4, x.shape[3] // 4)


class Conservative(Attentive):
    """The same with attention weights held as factors: CP-LRP (Ali et al. 2022)."""

    softmax = staticmethod(lambda x: torch.softmax(x, -1).detach())

    @staticmethod
    def product(a, b):
        return torch.matmul(a, b) if a.requires_grad else Weighted.apply(a, b)


class Weighted(torch.autograd.Function):
    """The epsilon rule of a product whose first factor is held."""

    @staticmethod
    def forward(ctx, a, b):
        out = a @ b
        ctx.save_for_backward(a, b, out)
        return out

    @staticmethod
    def backward(ctx, relevance):
        a, b, out = ctx.saved_tensors
        return None, b * (a.transpose(-2, -1) @ (relevance / out))


class Merged(SequentialMergeBatchNorm):
    """zennit 0.5.1 leaves a batch normalisation that it has merged its epsilon, so that it divides by sqrt(1 + 1e-5) and the score is off by so much."""

    @staticmethod
    def merge_batch_norm(modules, batch_norm):
        SequentialMergeBatchNorm.merge_batch_norm(modules, batch_norm)
        batch_norm.eps = 0


def picture(*shape):
    """Numbers that the test makes again by the same formula."""
    i = numpy.arange(numpy.prod(shape), dtype=numpy.float64)
    return torch.tensor((numpy.sin(0.37 * i) + 0.5 * numpy.cos(1.13 * i)).astype(numpy.float32).reshape(shape)).double()


def rounded(values):
    return [float(f"{v:.6g}") for v in numpy.asarray(values, dtype=numpy.float64).ravel()]


def seeds(logits, scored=True):
    chosen = f.one_hot(targets, logits.shape[1]).to(logits)
    return chosen * logits.detach() if scored else chosen


def by_zennit(network, x, composite, scored=True):
    with Gradient(model=network, composite=composite) as attributor:
        return attributor(x, lambda out: seeds(out, scored))[1]


def by_lxt(network, x, ops):
    network.ops = ops
    at = x.clone().requires_grad_()
    logits = network(at)
    logits.backward(seeds(logits))
    return at.grad


def everywhere(rule, **more):
    return LayerMapComposite(layer_map=layer_map_base() + [(Linear, rule)], **more)


def composites(**more):
    return {
        "epsilon-plus-flat": EpsilonPlusFlat(**more), "epsilon-plus": EpsilonPlus(**more),
        "epsilon-alpha2-beta1-flat": EpsilonAlpha2Beta1Flat(**more), "epsilon-alpha2-beta1": EpsilonAlpha2Beta1(**more),
        "epsilon-gamma-box": EpsilonGammaBox(low=-3., high=3., **more),
        "epsilon": everywhere(Epsilon(), **more), "epsilon 0.1": everywhere(Epsilon(0.1), **more), "gamma": everywhere(Gamma(0.25), **more),
        "alpha-beta": everywhere(AlphaBeta(2, 1), **more), "z-plus": everywhere(ZPlus(), **more),
    }


def export(network, x, name, **more):
    torch.onnx.export(network.float(), (x.float(),), here / name, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}}, dynamo=False, **more)
    network.double()


def main():
    goldens = {}
    x = picture(2, 3, 12, 10)
    network = Network().eval().double()
    for name, composite in composites().items():
        goldens[f"plain {name}"] = by_zennit(network, x, composite)
    # zennit 0.5.1 lets biases take part unless it is told otherwise; the paper has none.
    goldens["plain excitation"] = by_zennit(network, x, ExcitationBackprop(stabilizer=tiny, zero_params=["bias"]), False)

    # captum has the epsilon rule everywhere by default, with an epsilon of its own.
    hers = Network().eval().double()
    hers.head[1].rule = EpsilonRule()  # it has none for nn.Flatten
    goldens["captum epsilon"] = LRP(hers).attribute(x, target=targets)

    # TorchRay takes it that what convolutions read is nowhere below 0, so it is asked about a picture that is not.
    bright = x.abs()
    goldens["bright excitation"] = by_zennit(network, bright, ExcitationBackprop(stabilizer=tiny, zero_params=["bias"]), False)
    def ray(contrastive):
        own = Network().eval().double().requires_grad_(False)
        at = bright.clone().requires_grad_()
        with torchray.ExcitationBackpropContext():
            def gradient_of(weights_sign):
                if at.grad is not None: at.grad = None
                own.head[4].weight.data.mul_(weights_sign)
                own(at).backward(seeds(own(at), False))
                own.head[4].weight.data.mul_(weights_sign)
                return at.grad.clone()
            return gradient_of(1) - gradient_of(-1) if contrastive else gradient_of(1)
    off = ray(False) - goldens["bright excitation"]
    print(f"TorchRay's excitation is off zennit's by {off.abs().max() / goldens['bright excitation'].abs().max():.1e} of scale")
    goldens["bright contrastive"] = ray(True)

    torch.manual_seed(3)
    residual = Residual()
    with torch.no_grad():
        for layer in residual.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(-1.5, 1.5)
                layer.bias.normal_()
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 1.5)
    residual.eval().double()
    plain = Plain()
    plain.load_state_dict(residual.state_dict())
    export(plain.eval(), x, "golden-residual.onnx", opset_version=13, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    for name, composite in composites(canonizers=[Merged()]).items():
        goldens[f"residual {name}"] = by_zennit(copy.deepcopy(residual), x, composite)

    torch.manual_seed(4)
    patches = picture(2, 3, 12, 8)
    attention = Attention(ops=Usual).eval().double()
    with torch.no_grad():
        for parameter in attention.parameters():
            if parameter.dim() == 1: parameter.add_(0.1 * torch.randn_like(parameter))
    export(attention, patches, "golden-attention.onnx", opset_version=13)
    export(attention, patches, "golden-attention-20.onnx", opset_version=20)
    goldens["attention attn-lrp"] = by_lxt(attention, patches, Attentive)
    goldens["attention epsilon"] = by_lxt(attention, patches, Conservative)

    text = json.dumps({name: rounded(values.detach()) for name, values in goldens.items()})
    (here / "relevance-goldens.json").write_text(text.replace('], "', '],\n"') + "\n")


main()
