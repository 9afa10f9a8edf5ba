#!/usr/bin/env python3
"""Writes golden.onnx and goldens.json: a small network, and its explanations by pytorch-grad-cam and captum.

    pip install torch captum grad-cam onnx
    python test/methods/make_goldens.py
"""
import json
from pathlib import Path

import captum
import numpy
import pytorch_grad_cam
import torch
from captum.attr import Deconvolution, GuidedBackprop, Occlusion, Saliency
from torch import nn

here = Path(__file__).parent


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 10, 3, padding=1), nn.ReLU(),
        )
        # The width of the hidden layer makes the head non-linear.
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 5))

    def forward(self, x):
        return self.head(self.features(x))


def picture(*shape):
    """Numbers that the test makes again by the same formula."""
    i = numpy.arange(numpy.prod(shape), dtype=numpy.float64)
    return torch.tensor((numpy.sin(0.37 * i) + 0.5 * numpy.cos(1.13 * i)).astype(numpy.float32).reshape(shape))


def rounded(values):
    return [float(f"{v:.6g}") for v in numpy.asarray(values, dtype=numpy.float64).ravel()]


def fresh():
    """captum's guided methods leave hooks on the network that they have seen."""
    torch.manual_seed(5)
    network = Network()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 1.5)
    return network.eval()


def other_cams(network, x, targets, activations, gradients):
    """At the early layer, by pytorch-grad-cam where it is right; else the paper's equation in float64, and how far the peer is from it."""
    a, g = activations.astype(numpy.float64), gradients.astype(numpy.float64)
    peer = lambda kind: kind(model=network, target_layers=[network.features[2]])
    of = lambda kind: peer(kind).get_cam_image(x, None, targets, activations, gradients, False)
    rectified = lambda weights: numpy.maximum((weights[:, :, None, None] * a).sum(1), 0)

    def off(name, theirs, ours):
        print(f"{name}: pytorch-grad-cam is off by {numpy.abs(numpy.maximum(theirs, 0) - ours).max() / numpy.abs(ours).max():.1e} of scale")
        return rounded(ours)

    rising = numpy.maximum(g, 0)
    plus_plus = rectified((rising / (2 + a.sum((2, 3), keepdims=True) * rising)).sum((2, 3)))
    sums = a.sum((2, 3))
    xgrad = rectified(numpy.where(sums == 0, 0, (a * g).sum((2, 3)) / numpy.where(sums == 0, 1, sums)))

    def component(channels):
        maps = []
        for one in channels:
            flat = one.reshape(len(one), -1).T
            centred = flat - flat.mean(0)
            v = numpy.linalg.svd(centred, full_matrices=False)[2][0]
            maps.append((centred @ (v if v.sum() >= 0 else -v)).reshape(one.shape[1:]))
        return numpy.stack(maps)

    def up_to_sign(name, kind, ours):
        """The peer's sign is that of its singular value decomposition."""
        theirs = peer(kind).get_cam_image(x, None, targets, activations, gradients, False)
        for one, own in zip(theirs, ours):
            assert min(numpy.abs(one - own).max(), numpy.abs(one + own).max()) < 1e-4 * numpy.abs(own).max(), name
            print(f"{name}: pytorch-grad-cam's sign is {'ours' if (one * own).sum() > 0 else 'the other'}")
        return rounded(numpy.maximum(ours, 0))

    return {
        "grad-cam++": off("grad-cam++", of(pytorch_grad_cam.GradCAMPlusPlus), plus_plus),
        "element-wise-grad-cam": rounded(of(pytorch_grad_cam.GradCAMElementWise)),
        "xgrad-cam": off("xgrad-cam", of(pytorch_grad_cam.XGradCAM), xgrad),
        "eigen-cam": up_to_sign("eigen-cam", pytorch_grad_cam.EigenCAM, component(a)),
        "eigen-grad-cam": up_to_sign("eigen-grad-cam", pytorch_grad_cam.EigenGradCAM, component(a * g)),
    }


def by_runs(network, x, targets):
    """At the last layer: the equations of methods of many runs, in plain loops, and how far the peers are from them."""
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, FinerWeightedTarget
    network, x, single = network.double(), x.double(), x
    with torch.no_grad():
        a = network.features(x)
        y = network(x)[range(2), targets]
        score = lambda features, i: network.head(features)[:, targets[i]]
        up = torch.nn.functional.interpolate(a, size=x.shape[2:], mode="bilinear", align_corners=False)
        least, most = up.amin((2, 3), keepdim=True), up.amax((2, 3), keepdim=True)
        masks = torch.where(most > least, (up - least) / torch.where(most > least, most - least, 1), 0)
        seen = torch.stack([network(x[i] * masks[i][:, None])[:, targets[i]] for i in range(2)])
        without = torch.stack([score(a[i] * (1 - torch.eye(a.shape[1], dtype=a.dtype))[:, :, None, None], i) for i in range(2)])
        kept = torch.eye(a[0, 0].numel(), dtype=a.dtype).reshape(-1, 1, *a.shape[2:])
        alone = torch.stack([score(a[i] * kept, i) for i in range(2)]).reshape(2, *a.shape[2:])
    weights = {"score-cam": torch.softmax(seen, 1), "ablation-cam": (y[:, None] - without) / y.abs()[:, None]}
    chosen = [ClassifierOutputTarget(int(c)) for c in targets]
    for name, kind in [("score-cam", pytorch_grad_cam.ScoreCAM), ("ablation-cam", pytorch_grad_cam.AblationCAM)]:
        network = network.float()
        peer = kind(model=network, target_layers=[network.features])
        theirs = torch.as_tensor(numpy.asarray(peer.get_cam_weights(single, network.features, chosen, a.float().numpy(), None)))
        apart = (theirs - weights[name]).abs().max() / weights[name].abs().max()
        print(f"{name}: pytorch-grad-cam's weights are off by {apart:.1e} of scale; scores {y.tolist()}")
    maps = {name: rounded(torch.relu((w[:, :, None, None] * a).sum(1))) for name, w in weights.items()}

    network = network.double()
    a.requires_grad_()
    scores = network.head(a)
    total = 0
    for i, c in enumerate(targets.tolist()):
        nearest = sorted((d for d in range(scores.shape[1]) if d != c), key=lambda d: abs(scores[i, d] - scores[i, c]).item())[:3]
        total = total + scores[i, c] - 0.6 * scores[i, nearest].mean()
    g, = torch.autograd.grad(total, a)
    finer = torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).detach()
    return {**maps, "finer-cam": rounded(finer), "recipro-cam": rounded(alone)}


def main():
    x, targets = picture(2, 3, 16, 20), torch.tensor([1, 3])
    large = picture(1, 3, 36, 40)
    axes = {"input": {0: "n", 2: "h", 3: "w"}, "logits": {0: "n"}}
    torch.onnx.export(fresh(), (x,), here / "golden.onnx", input_names=["input"], output_names=["logits"],
                      dynamic_axes=axes, opset_version=13, dynamo=False)

    network = fresh()
    a = network.features(x)
    a.retain_grad()
    network.head(a)[range(2), targets].sum().backward()
    # pytorch-grad-cam's weights and sum, without the scaling that it does to every map.
    cam = pytorch_grad_cam.GradCAM(model=network, target_layers=[network.features])
    grad_cam = cam.get_cam_image(x, None, targets, a.detach().numpy(), a.grad.numpy())
    # An early layer, whose gradient is not the same everywhere.
    early = network.features[:3](x)
    early.retain_grad()
    network.head(network.features[3:](early))[range(2), targets].sum().backward()
    cam = pytorch_grad_cam.HiResCAM(model=network, target_layers=[network.features[2]])
    hires_cam = cam.get_cam_image(x, None, targets, early.detach().numpy(), early.grad.numpy(), False)
    cam = pytorch_grad_cam.LayerCAM(model=network, target_layers=[network.features[2]])
    layer_cam = cam.get_cam_image(x, None, targets, early.detach().numpy(), early.grad.numpy(), False)
    more = other_cams(network, x, targets, early.detach().numpy(), early.grad.numpy())
    occlusion = Occlusion(fresh()).attribute(large, target=2, sliding_window_shapes=(3, 32, 32), strides=(3, 16, 16), baselines=0)
    goldens = {
        "versions": {"torch": torch.__version__, "captum": captum.__version__},
        "logits": rounded(network(x).detach()),
        "grad-cam": rounded(numpy.maximum(grad_cam, 0)),
        "hires-cam": rounded(numpy.maximum(hires_cam, 0)),
        "layer-cam": rounded(numpy.maximum(layer_cam, 0)),
        **more,
        **by_runs(fresh(), x, targets),
        "gradient": rounded(Saliency(fresh()).attribute(x, target=targets, abs=False).detach()),
        "guided-backprop": rounded(GuidedBackprop(fresh()).attribute(x, target=targets).detach()),
        "deconvolution": rounded(Deconvolution(fresh()).attribute(x, target=targets).detach()),
        "occlusion": rounded(occlusion[0, 0].detach()),
    }
    (here / "goldens.json").write_text(json.dumps(goldens).replace('], "', '],\n"') + "\n")


if __name__ == "__main__":
    main()
