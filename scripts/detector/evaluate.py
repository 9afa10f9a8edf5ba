"""Average precision of models/scenes-detector/ on scenes that it has not seen.

    npm run build
    python scripts/detector/evaluate.py [DATA] [--model models/scenes-detector/model.onnx] [--count 1000]

DATA (out/detector) takes the scenes of seeds from 0 on, which are painted when they are missing. All boxes with a score above 0.001
count, after non-maximum suppression within a class at an overlap of 0.7; average precision is the area below the precision
envelope, at every recall (as VOC since 2010).
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from boxes import overlaps, suppress
from data import written

ROOT = Path(__file__).resolve().parents[2]
LEAST, DOUBLE, MOST = 0.001, 0.7, 300


def detections(output):
    """One picture's output [4 + classes, N] -> boxes [n, 4] (x0 y0 x1 y1), scores [n] and classes [n], best first."""
    scores, kinds = output[4:].max(0)
    there = scores > LEAST
    centre, half, scores, kinds = output[:2, there].T, output[2:4, there].T / 2, scores[there], kinds[there]
    boxes = torch.cat([centre - half, centre + half], 1)
    # Boxes of different classes are moved apart, so that they do not suppress each other.
    kept = suppress(boxes + 1e4 * kinds[:, None], scores, DOUBLE)[:MOST]
    return boxes[kept], scores[kept], kinds[kept]


def matched(boxes, scores, truths, threshold):
    """Whether each box, best first, is the first that finds the truth it overlaps most, by at least the threshold."""
    free = torch.ones(len(truths), dtype=torch.bool)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    shared = overlaps(boxes, truths)
    for i in range(len(boxes) if len(truths) else 0):
        best = shared[i].argmax()
        if shared[i, best] >= threshold and free[best]:
            right[i], free[best] = True, False
    return right


def average_precision(scores, right, truths):
    """The area below the precision envelope, of all pictures' boxes of a class, with the number of truths."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    recall = np.concatenate([[0], hits / truths])
    precisions = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precisions[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope))


def precision(run, data, rows, threshold=0.5):
    """Average precision of each class; `run` gives the output [n, 4 + classes, N] of rows of the data."""
    found = [([], []) for _ in data.shapes]
    truths = np.zeros(len(data.shapes))
    for batch in np.split(np.array(rows), range(50, len(rows), 50)):
        with torch.no_grad():
            outputs = run(batch)
        for row, output in zip(batch, outputs):
            boxes, scores, kinds = detections(output)
            for kind in range(len(data.shapes)):
                mine, there = kinds == kind, data.truths[row, :, 0] == kind + 1
                truths[kind] += int(there.sum())
                found[kind][0].append(scores[mine].numpy())
                found[kind][1].append(matched(boxes[mine], scores[mine], data.truths[row, there, 1:], threshold).numpy())
    return [average_precision(np.concatenate(scores), np.concatenate(right), of) for (scores, right), of in zip(found, truths)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT / "out/detector")
    parser.add_argument("--model", type=Path, default=ROOT / "models/scenes-detector/model.onnx")
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = written(options.data / "held-out", 0, options.count)
    session = onnxruntime.InferenceSession(options.model, providers=["CPUExecutionProvider"])
    run = lambda rows: torch.from_numpy(session.run(["output0"], {"images": data.images(rows).numpy()})[0])
    at = {threshold: precision(run, data, range(data.count), threshold) for threshold in np.arange(0.5, 1, 0.05)}
    for shape, value in zip(data.shapes, at[0.5]):
        print(f"AP@50 {shape}: {value:.3f}")
    print(f"mAP@50 {np.mean(at[0.5]):.3f}, mAP@50-95 {np.mean(list(at.values())):.3f}, {data.count} scenes, {int((data.truths[:, :, 0] > 0).sum())} objects")


if __name__ == "__main__":
    main()
