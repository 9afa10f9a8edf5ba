"""Writes d-rise.json: D-RISE (arXiv 2006.03204) with NumPy, PyTorch's interpolation and ONNX Runtime, on masks that d-rise.json holds.

    python test/detect/make_d_rise.py && npx biome check --write test/detect/d-rise.json

The cells of the masks and where they are cut out are what src/methods/d-rise.ts draws; the test compares them.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
SIDE, CELLS, EVERY = 64, 16, 13


def masks(drawn):
    cell = -(-SIDE // CELLS)
    for one in drawn:
        cells = torch.tensor([[float(v) for v in one["cells"]]]).reshape(1, 1, CELLS, CELLS)
        whole = F.interpolate(cells, size=[(CELLS + 1) * cell] * 2, mode="bilinear", align_corners=False)[0, 0].numpy()
        y, x = one["from"]
        yield whole[y : y + SIDE, x : x + SIDE]


def proposals(output, objectness):
    """Corners [N, 4], class scores [N, c], and the probability that anything is there."""
    rows = output[0] if objectness else output[0].T
    x, y, w, h = rows[:, :4].T
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    classes = rows[:, 5:] if objectness else rows[:, 4:]
    return boxes, classes, rows[:, 4] if objectness else classes.max(1)


def overlap(a, b):
    sides = lambda box: np.clip(box[..., 2:] - box[..., :2], 0, None)
    both = np.concatenate([np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])], -1)
    area = lambda box: sides(box).prod(-1)
    return area(both) / np.maximum(area(a) + area(b) - area(both), 1e-12)


def maps(folder, objectness, drawn, count):
    case = json.loads((folder / "case.json").read_text())
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    picture = np.load(HERE / "references/picture.npy").astype(np.float32) * np.float32(case["picture"]["scale"])
    run = lambda image: proposals(session.run(None, {case["picture"]["input"]: image.astype(np.float32)})[0], objectness)
    boxes, classes, there = run(picture)
    targets = []
    for wanted in case["detections"][:count]:
        targets.append(int(np.abs(boxes - np.array(wanted["box"])).sum(1).argmin()))
    found = np.zeros([count, SIDE, SIDE])
    for mask in masks(drawn):
        other, scores, seen = run(picture * mask)
        for k, at in enumerate(targets):
            cosine = scores @ classes[at] / np.linalg.norm(scores, axis=1) / np.linalg.norm(classes[at])
            found[k] += (overlap(boxes[at], other) * cosine * seen).max() * mask
    return found / (len(drawn) * 0.5)


def main():
    file = HERE / "d-rise.json"
    drawn = json.loads(file.read_text())["masks"]
    answers = {
        name: [[float(f"{v:.6g}") for v in one.reshape(-1)[::EVERY]] for one in maps(HERE / "references" / name, objectness, drawn, 2)]
        for name, objectness in [("yolov8", False), ("yolov5", True)]
    }
    lines = ",\n  ".join(json.dumps(one) for one in drawn)
    maps_of = ",\n  ".join(f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in answers.items())
    file.write_text(f'{{\n "every": {EVERY},\n "masks": [\n  {lines}\n ],\n "maps": {{\n  {maps_of}\n }}\n}}\n')


if __name__ == "__main__":
    main()
