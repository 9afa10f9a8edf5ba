"""Write the trained detector as models/scenes-detector/ has it: an ONNX file, and how to prepare pictures for it."""

import sys
from pathlib import Path

import onnx
import torch

from network import STRIDES, Detections

sys.path.append(str(Path(__file__).resolve().parents[1] / "scenes"))
from model_files import write_json, write_onnx, write_sums  # noqa: E402


def write(directory, detector, shapes, side):
    torch.manual_seed(0)
    model = directory / "model.onnx"
    batch = {"images": {0: "batch"}, "output0": {0: "batch"}}
    write_onnx(model, Detections(detector), {"images": torch.rand(2, 3, side, side)}, ["output0"], batch)
    cells = sum((side // stride) ** 2 for stride in STRIDES)
    describe(model, shapes, side, (4 + len(shapes), cells))
    labels = {str(i): shape for i, shape in enumerate(shapes)}
    config = {"model_type": "cnn", "architectures": ["CnnForObjectDetection"], "image_size": side, "num_channels": 3, "id2label": labels}
    write_json(directory / "config.json", config)
    write_sums(directory)


def describe(file, names, side, rows):
    """What readers of detectors look for: in the file's metadata, literals of Python, and the output's shape, which the exporter leaves open."""
    model = onnx.load(file)
    for dimension, size in zip(model.graph.output[0].type.tensor_type.shape.dim[1:], rows):
        dimension.dim_value = size
    said = {"description": "Scenes detector", "task": "detect", "stride": max(STRIDES), "imgsz": [side, side], "names": dict(enumerate(names))}
    for key, value in said.items():
        model.metadata_props.add(key=key, value=str(value))
    onnx.checker.check_model(model, full_check=True)
    file.write_bytes(model.SerializeToString(deterministic=True))
