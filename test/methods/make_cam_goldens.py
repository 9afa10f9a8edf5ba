#!/usr/bin/env python3
"""Writes cam-goldens.json: explanations of golden.onnx by pytorch-grad-cam, torch-cam and scikit-learn, or by the equation where those are not right.

    pip install torch captum grad-cam==1.5.7 torchcam==0.5.0 scikit-learn onnx
    python test/methods/make_cam_goldens.py
"""
import json
from pathlib import Path

import numpy
import pytorch_grad_cam
import sklearn
import torch
import torchcam
from captum.attr import Deconvolution
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sklearn.decomposition import non_negative_factorization
from torch import nn
from torch.nn.functional import interpolate
from torchcam import methods

from make_goldens import fresh, here, picture, rounded

x, targets = picture(2, 3, 16, 20), torch.tensor([1, 3])
goldens = {"versions": {"grad-cam": "1.5.7", "torchcam": torchcam.__version__, "scikit-learn": sklearn.__version__}}


def note(name, theirs, ours):
    theirs, ours = numpy.asarray(theirs, dtype=numpy.float64), numpy.asarray(ours, dtype=numpy.float64)
    print(f"{name}: off by {numpy.abs(theirs - ours).max() / numpy.abs(ours).max():.1e} of scale")


def raw(cam):
    """pytorch-grad-cam's map without the scaling of every layer: of its size, as float32."""
    import pytorch_grad_cam.base_cam as base
    kept = base.scale_cam_image
    base.scale_cam_image = lambda maps, size=None: numpy.float32(maps)
    try:
        return cam()
    finally:
        base.scale_cam_image = kept


class ResidualSoftmax:
    """The target of ShapleyCAM's paper: the score and the logarithm of its probability."""
    def __init__(self, c):
        self.c = c

    def __call__(self, scores):
        return scores[self.c] + torch.log_softmax(scores, -1)[self.c]


classes = [ClassifierOutputTarget(int(c)) for c in targets]
for layer, index in [("last", 5), ("early", 2)]:
    network = fresh()
    where = [network.features[index]]
    residual = [ResidualSoftmax(int(c)) for c in targets]
    with pytorch_grad_cam.ShapleyCAM(network, where) as cam:
        goldens[f"shapley-cam {layer}"] = rounded(raw(lambda: cam(x, residual)))
    for name, kind in [("grad-cam", pytorch_grad_cam.GradCAM), ("hires-cam", pytorch_grad_cam.HiResCAM)]:
        with kind(fresh(), where) as _:
            pass
        network = fresh()
        cam = kind(network, [network.features[index]])
        goldens[f"{name} {layer} augmented"] = rounded(raw(lambda: cam(x, classes, aug_smooth=True)))
        smooth = raw(lambda: cam(x, classes, eigen_smooth=True))
        # The peer's sign is that of its singular value decomposition; here the components of the vector have a sum of at least 0.
        a = network.features[: index + 1](x)
        a.retain_grad()
        scores = network.head(network.features[index + 1:](a))
        scores[range(2), targets].sum().backward()
        g = a.grad.mean((2, 3), keepdim=True) if name == "grad-cam" else a.grad
        ours = []
        for one in (g * a).detach().double().numpy():
            flat = one.reshape(len(one), -1).T
            centred = flat - flat.mean(0)
            v = numpy.linalg.svd(centred, full_matrices=False)[2][0]
            ours.append((centred @ (v if v.sum() >= 0 else -v)).reshape(one.shape[1:]))
        ours = numpy.stack(ours)
        for one, theirs in zip(ours, smooth):
            best = min(numpy.abs(theirs - numpy.maximum(sign * one, 0)).max() for sign in (1, -1))
            print(f"{name} {layer} smooth: pytorch-grad-cam is off by {best / numpy.abs(one).max():.1e}, sign apart")
        goldens[f"{name} {layer} smooth"] = rounded(ours)

# torch-cam, whose maps are raw where they are told not to be normalised.
for layer, index in [("last", 5), ("early", 2)]:
    for name, kind in [("grad-cam", methods.GradCAM), ("xgrad-cam", methods.XGradCAM), ("layer-cam", methods.LayerCAM), ("grad-cam++", methods.GradCAMpp)]:
        network = fresh()
        with kind(network, network.features[index], input_shape=(3, 16, 20)) as cam:
            out = cam([int(c) for c in targets], network(x), normalized=False)
        theirs = torch.relu(out[0]).detach().numpy()
        network = fresh().double()
        a = network.features[: index + 1](x.double())
        a.retain_grad()
        network.head(network.features[index + 1:](a))[range(2), targets].sum().backward()
        g, a = a.grad, a.detach()
        sums = a.sum((2, 3), keepdim=True)
        rising = torch.relu(g)
        weights = {
            "grad-cam": g.mean((2, 3), keepdim=True),
            "layer-cam": rising,
            "xgrad-cam": torch.where(sums == 0, 0, (g * a).sum((2, 3), keepdim=True) / torch.where(sums == 0, 1, sums)),
            "grad-cam++": (rising / (2 + sums * rising)).sum((2, 3), keepdim=True),
        }[name]
        ours = torch.relu((weights * a).sum(1)).numpy()
        note(f"torch-cam {name} {layer}", theirs, ours)
        if numpy.abs(theirs - ours).max() < 1e-5 * numpy.abs(ours).max():
            goldens[f"torch-cam {name} {layer}"] = rounded(theirs)


def seen(network, x, i, masks):
    with torch.no_grad():
        return network(x[i] * masks)[:, targets[i]]


# Score-CAM's variants: the equations in float64, and how far torch-cam is from them.
network, double = fresh().double(), x.double()
with torch.no_grad():
    a = network.features(double)
up = interpolate(a, size=x.shape[2:], mode="bilinear", align_corners=False)
least, most = up.amin((2, 3), keepdim=True), up.amax((2, 3), keepdim=True)
masks = torch.where(most > least, (up - least) / torch.where(most > least, most - least, 1), 0)
plain = torch.stack([seen(network, double, i, masks[i][:, None]) for i in range(2)])
integrated = torch.stack([sum(seen(network, double, i, s / 4 * masks[i][:, None]) for s in range(1, 5)) / 4 for i in range(2)])
kept = torch.zeros_like(plain, dtype=torch.bool)
for i in range(2):
    kept[i, a[i].flatten(1).var(1, unbiased=False).argsort(descending=True)[:4]] = True
weights = {"score-cam": plain.softmax(1), "is": integrated.softmax(1), "faster": torch.where(kept, plain, -numpy.inf).softmax(1)}
for name, w in weights.items():
    goldens[f"score-cam {name}"] = rounded(torch.relu((w[:, :, None, None] * a).sum(1)))
for name, kind, ours, told in [("ScoreCAM", methods.ScoreCAM, "score-cam", {}), ("ISCAM", methods.ISCAM, "is", {"num_samples": 4})]:
    single = fresh()
    with kind(single, single.features[5], input_shape=(3, 16, 20), **told) as cam, torch.no_grad():
        theirs = cam([int(c) for c in targets], single(x), normalized=False)[0]
    note(f"torch-cam {name}", torch.relu(theirs), torch.relu((weights[ours][:, :, None, None] * a).sum(1)))

# FullGrad: the equation in float64, with BatchNorm folded into the convolution before it, as the exporter does.
network = fresh().double()
first = torch.nn.utils.fusion.fuse_conv_bn_eval(network.features[0], network.features[1])
layers = nn.ModuleList([first, network.features[4]])
kept = []
image = double.clone().requires_grad_()
z0 = first(image); z0.retain_grad()
z1 = network.features[4](network.features[3](torch.relu(z0))); z1.retain_grad()
network.head(torch.relu(z1))[range(2), targets].sum().backward()
full = (image * image.grad).abs().sum(1)
for z, layer in [(z0, first), (z1, network.features[4])]:
    share = (z.grad * layer.bias[None, :, None, None]).abs().sum(1, keepdim=True)
    full = full + interpolate(share, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]
goldens["full-grad"] = rounded(full.detach())
single = fresh()
theirs = raw(lambda: pytorch_grad_cam.FullGrad(single, [])(x, classes))
print("full-grad: pytorch-grad-cam correlates with the sum of unscaled terms by", numpy.corrcoef(theirs.ravel(), full.detach().numpy().ravel())[0, 1])

# Deconvolution Grad-CAM: captum's deconvolution, times the map.
network = fresh()
a = network.features(x)
a.retain_grad()
network.head(a)[range(2), targets].sum().backward()
cam = torch.relu((a.grad.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True)).detach()
fine = Deconvolution(fresh()).attribute(x, target=targets).detach()
goldens["deconv-grad-cam"] = rounded(fine * interpolate(cam, size=x.shape[2:], mode="bilinear", align_corners=False))

# Factors of the layer from one start, by scikit-learn's multiplicative updates.
matrix = a[0].detach().double().numpy().reshape(a.shape[1], -1)
rng = numpy.random.default_rng(1)
size = numpy.sqrt(matrix.mean() / 3)
w, h = (numpy.float64(numpy.float32(size * numpy.abs(rng.standard_normal(shape)))) for shape in [(len(matrix), 3), (3, matrix.shape[1])])
found, places, steps = non_negative_factorization(matrix, w.copy(), h.copy(), n_components=3, init="custom", solver="mu", max_iter=200, tol=1e-4)
print("factorisation:", steps, "steps, error", numpy.linalg.norm(matrix - found @ places))
goldens.update({"nmf x": rounded(matrix), "nmf w": rounded(w), "nmf h": rounded(h), "nmf found w": rounded(found), "nmf found h": rounded(places)})

(here / "cam-goldens.json").write_text(json.dumps(goldens).replace('], "', '],\n"') + "\n")
