"""The peers' side of peers.mjs: one network in PyTorch, and the explanations of captum, torch-cam and pytorch-grad-cam on it.

    python bench/peers/peers.py NETWORK THREADS

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


def main(name, threads):
    warnings.simplefilter("ignore")  # captum says that it sets hooks
    torch.set_num_threads(threads)
    contenders = contenders_for(name)
    print(json.dumps(list(contenders)), flush=True)
    for line in sys.stdin:
        work = contenders[line.strip()]
        work()
        start = time.perf_counter()
        work()
        print((time.perf_counter() - start) * 1e3, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
