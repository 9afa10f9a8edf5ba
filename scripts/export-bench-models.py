"""Export the networks of the speed benchmark: torchvision's resnet50, vgg16 and mobilenet_v2.

The weights are random (seed 0): time and memory do not depend on them. Opset 17, TorchScript exporter, evaluation mode,
input `input` [batch, 3, 224, 224], output `logits` [batch, 1000]. Every file is checked against PyTorch.

    pip install -r scripts/requirements.txt
    python scripts/export-bench-models.py OUT_DIR

writes OUT_DIR/<name>.onnx, about 650 MB together.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torchvision

NAMES = ["resnet50", "vgg16", "mobilenet_v2"]


def make_network(name):
    torch.manual_seed(0)
    return torchvision.models.get_model(name, weights=None).eval()


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
    out_dir = parser.parse_args().out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        network = make_network(name)
        path = out_dir / f"{name}.onnx"
        export(network, path)
        error = relative_error(network, path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, relative error {error:.1e}")
        if error > 1e-4:
            raise RuntimeError(f"{path.name} differs from PyTorch")


if __name__ == "__main__":
    main()
