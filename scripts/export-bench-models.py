"""Export the networks of the benchmarks: torchvision's resnet50, vgg16, mobilenet_v2, vit_b_16 and convnext_tiny, timm's efficientnet_lite0.

The weights are random (seed 0): time and memory do not depend on them. Opset 17, TorchScript exporter, evaluation mode,
input `input` [batch, 3, 224, 224], output `logits` [batch, 1000]. Every file is checked against PyTorch.

    pip install -r scripts/requirements.txt
    python scripts/export-bench-models.py OUT_DIR [--only NAME]

writes OUT_DIR/<name>.onnx, about 1.1 GB together.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import timm
import torch
import torchvision

NAMES = ["resnet50", "vgg16", "mobilenet_v2", "efficientnet_lite0", "vit_b_16", "convnext_tiny"]


def make_network(name):
    torch.manual_seed(0)
    make = timm.create_model if name.startswith("efficientnet_lite") else torchvision.models.get_model
    network = make(name).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Linear) and not module.weight.any():  # ViT's head starts at zero, and has no gradient
            torch.nn.init.normal_(module.weight, std=0.02)
    return network


def export(network, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the TorchScript exporter is deprecated, and meant here
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 224, 224),),
            path,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def relative_error(network, path):
    """Largest difference of the logits of ONNX Runtime and PyTorch on a batch of two, relative to the largest logit."""
    images = torch.randn(2, 3, 224, 224)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"input": images.numpy()})[0]
    with torch.no_grad():
        reference = network(images).numpy()
    return np.abs(logits - reference).max() / np.abs(reference).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--only", choices=NAMES)
    arguments = parser.parse_args()
    out_dir = arguments.out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    for name in [arguments.only] if arguments.only else NAMES:
        network = make_network(name)
        path = out_dir / f"{name}.onnx"
        export(network, path)
        error = relative_error(network, path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, relative error {error:.1e}")
        if not error <= 1e-4:  # or not a number
            raise RuntimeError(f"{path.name} differs from PyTorch")


if __name__ == "__main__":
    main()
