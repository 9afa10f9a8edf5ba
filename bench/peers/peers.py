"""The peers' side of peers.mjs: one network in PyTorch, and the explanations of captum, torch-cam and pytorch-grad-cam on it.

    python bench/peers/peers.py NETWORK THREADS

With `methods` behind that, every method that one of the packages and gradcam have, by its default options (captum's occlusion, noise and steps are set to
ours): "PACKAGE METHOD", METHOD by gradcam's name.

Reads the name of a contender from each line of standard input, runs it twice and answers with the milliseconds of the second run, as
peers.mjs times its own. The first line that it writes lists the contenders as JSON.
"""

import copy
import importlib.util
import json
import sys
import time
import warnings
from pathlib import Path

import torch
from captum.attr import GuidedBackprop, LayerGradCam
from pytorch_grad_cam import GradCAM, GuidedBackpropReLUModel
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam.methods import GradCAM as TorchCam

EXPORTER = Path(__file__).resolve().parents[2] / "scripts" / "export-bench-models.py"
TARGET = 281

# Milliseconds above which a contender is not run a second time.
LONG = 20_000

# The layer that we explain by default: the last activation before the grid is pooled, the last tokens that reach the score.
LAYERS = {
    "resnet50": lambda net: net.layer4,
    "vgg16": lambda net: net.features[29],
    "mobilenet_v2": lambda net: net.features[18],
    "efficientnet_lite0": lambda net: net.bn2,
    "vit_b_16": lambda net: net.encoder.layers[-1].ln_1,
    "convnext_tiny": lambda net: net.features[7][-1],
}


def make_network(name):
    spec = importlib.util.spec_from_file_location("exporter", EXPORTER)
    exporter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(exporter)
    return exporter.make_network(name)


def grid_of(tokens):
    """[n, 1 + 14 * 14, channels] as [n, channels, 14, 14]: what the peers are given to read tokens."""
    n, _, channels = tokens.shape
    return tokens[:, 1:].transpose(1, 2).reshape(n, channels, 14, 14)


def contenders_for(name):
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    # The packages hook the network or change its modules, so each has its own.
    plain = make_network(name)
    for_captum, for_captum_guided, for_torch_cam, for_grad_cam, for_guided = (copy.deepcopy(plain) for _ in range(5))
    reshape = grid_of if name.startswith("vit") else None

    options = {"reshape_transform": reshape} if reshape else {}
    captum_cam = LayerGradCam(for_captum, LAYERS[name](for_captum))
    captum_guided = GuidedBackprop(for_captum_guided)
    torch_cam = TorchCam(for_torch_cam, LAYERS[name](for_torch_cam), **options)
    grad_cam = GradCAM(for_grad_cam, [LAYERS[name](for_grad_cam)], **options)
    grad_cam_guided = GuidedBackpropReLUModel(for_guided, "cpu")

    def run_plain():
        with torch.no_grad():
            plain(image)

    return {
        "PyTorch forward": run_plain,
        "captum Grad-CAM": lambda: captum_cam.attribute(image, TARGET, relu_attributions=True),
        "torch-cam Grad-CAM": lambda: torch_cam(TARGET, for_torch_cam(image)),
        "pytorch-grad-cam Grad-CAM": lambda: grad_cam(image, [ClassifierOutputTarget(TARGET)]),
        "captum guided": lambda: captum_guided.attribute(image.clone().requires_grad_(), TARGET),
        "pytorch-grad-cam guided": lambda: grad_cam_guided(image.clone(), TARGET),
    }


def methods_for(name):
    """One network for each contender: the packages leave hooks on what they have seen."""
    import pytorch_grad_cam as p
    import torchcam.methods as t
    from captum import attr as c
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    plain = make_network(name)
    reshape = {"reshape_transform": grid_of} if name.startswith("vit") else {}

    at_hand = {}

    def lazily(make):
        """Made when it is asked, and the oldest of four given up: not all of them fit beside each other."""

        def work():
            if make not in at_hand:
                if len(at_hand) == 4:
                    at_hand.pop(next(iter(at_hand)))
                at_hand[make] = make(copy.deepcopy(plain))
            return at_hand[make]()

        return work

    def cam(kind, **options):
        def make(net):
            its = {} if kind is p.FullGrad else reshape
            peer = kind(net, [LAYERS[name](net)], **its, **options)
            return lambda: peer(image, [ClassifierOutputTarget(TARGET)])

        return lazily(make)

    def torch_cam(kind, *arguments):
        def make(net):
            peer = kind(net, LAYERS[name](net), *arguments, **({} if arguments else reshape))
            return lambda: peer(TARGET, net(image))

        return lazily(make)

    def attribute(kind, **options):
        return lazily(lambda net: lambda: kind(net).attribute(image.clone(), target=TARGET, **options))

    def noise(nt_type):
        def make(net):
            tunnel = c.NoiseTunnel(c.Saliency(net))
            deviation = 0.15 * float(image.max() - image.min())
            return lambda: tunnel.attribute(image, nt_type=nt_type, nt_samples=50, nt_samples_batch_size=10, stdevs=deviation, target=TARGET, abs=False)

        return lazily(make)

    window = {"sliding_window_shapes": (3, 32, 32), "strides": (3, 16, 16), "perturbations_per_eval": 8}
    zero = torch.zeros_like(image)
    work = {
        "pytorch-grad-cam grad-cam": cam(p.GradCAM),
        "pytorch-grad-cam hires-cam": cam(p.HiResCAM),
        "pytorch-grad-cam grad-cam++": cam(p.GradCAMPlusPlus),
        "pytorch-grad-cam element-wise-grad-cam": cam(p.GradCAMElementWise),
        "pytorch-grad-cam xgrad-cam": cam(p.XGradCAM),
        "pytorch-grad-cam layer-cam": cam(p.LayerCAM),
        "pytorch-grad-cam eigen-cam": cam(p.EigenCAM),
        "pytorch-grad-cam eigen-grad-cam": cam(p.EigenGradCAM),
        "pytorch-grad-cam full-grad": cam(p.FullGrad),
        "pytorch-grad-cam shapley-cam": cam(p.ShapleyCAM),
        "pytorch-grad-cam finer-cam": cam(p.FinerCAM),
        "pytorch-grad-cam random": cam(p.RandomCAM),
        "pytorch-grad-cam score-cam": cam(p.ScoreCAM),
        "pytorch-grad-cam ablation-cam": cam(p.AblationCAM),
        "torch-cam grad-cam": torch_cam(t.GradCAM),
        "torch-cam grad-cam++": torch_cam(t.GradCAMpp),
        "torch-cam smooth-grad-cam++": torch_cam(t.SmoothGradCAMpp),
        "torch-cam xgrad-cam": torch_cam(t.XGradCAM),
        "torch-cam layer-cam": torch_cam(t.LayerCAM),
        "torch-cam score-cam": torch_cam(t.ScoreCAM),
        "captum grad-cam": lazily(lambda net: lambda: c.LayerGradCam(net, LAYERS[name](net)).attribute(image, TARGET)),
        "captum gradient": attribute(c.Saliency, abs=False),
        "captum input-x-gradient": attribute(c.InputXGradient),
        "captum guided-backprop": attribute(c.GuidedBackprop),
        "captum deconvolution": attribute(c.Deconvolution),
        "captum guided-grad-cam": lazily(lambda net: lambda: c.GuidedGradCam(net, LAYERS[name](net)).attribute(image, TARGET)),
        "captum occlusion": attribute(c.Occlusion, **window),
        "captum smoothgrad": noise("smoothgrad"),
        "captum vargrad": noise("vargrad"),
        "captum squaregrad": noise("smoothgrad_sq"),
        "captum integrated-gradients": attribute(c.IntegratedGradients, n_steps=64, method="riemann_middle", internal_batch_size=8),
        "captum gradient-shap": attribute(c.GradientShap, baselines=zero, n_samples=50, stdevs=0.1),
        "captum deeplift": attribute(c.DeepLift),
        "captum lrp": attribute(c.LRP),
    }
    runs = {"PyTorch forward": lambda: plain(image)}
    for contender, one in work.items():
        runs[contender] = one
    return runs


def main(name, threads, which=""):
    warnings.simplefilter("ignore")  # captum says that it sets hooks
    torch.set_num_threads(threads)
    contenders = methods_for(name) if which == "methods" else contenders_for(name)
    # Peers print warnings of their own, which are no answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(list(contenders)), file=answers, flush=True)
    for line in sys.stdin:
        work = contenders[line.strip()]
        try:
            began = time.perf_counter()
            work()
            first = (time.perf_counter() - began) * 1e3
            if first > LONG:
                print(first, file=answers, flush=True)
                continue
            start = time.perf_counter()
            work()
            print((time.perf_counter() - start) * 1e3, file=answers, flush=True)
        except Exception as error:  # a peer that cannot explain this network: the table says so
            print(json.dumps(f"{type(error).__name__}: {error}"), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
