"""Golden values for the metrics, from the packages that people use for them.

    pip install numpy scipy scikit-learn statsmodels pycocotools quantus grad-cam torchcam torch
    python test/evaluate/make_goldens.py

Writes goldens.json beside this file. Everything is small, so that the numbers stand in the file.
"""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import quantus
import scipy.stats
import torch
from pycocotools import mask as coco
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from sklearn.metrics import average_precision_score
from statsmodels.stats.proportion import proportion_confint
from torchcam.metrics import DeletionInsertionMetric

random = np.random.default_rng(7)
side = 12
numbers = lambda a: [float(v) for v in np.asarray(a, dtype=np.float64).ravel()]  # noqa: E731

# Correlations, with ties.
a = np.round(random.normal(size=40), 1)
b = np.round(a * 0.5 + random.normal(size=40), 1)
correlation = {
    "a": numbers(a),
    "b": numbers(b),
    "ranks": numbers(scipy.stats.rankdata(a)),
    "spearman": float(scipy.stats.spearmanr(a, b).statistic),
    "pearson": float(scipy.stats.pearsonr(a, b).statistic),
}

# Spread.
map_ = random.random((side, side)).astype(np.float32)
batch = dict(model=None, x_batch=map_[None, None], y_batch=np.array([0]), a_batch=map_[None, None])
quiet = dict(disable_warnings=True, normalise=False, abs=True)
spread = {
    "map": numbers(map_),
    "gini": float(quantus.Sparseness(**quiet)(**batch)[0]),
    "entropy": float(quantus.Complexity(**quiet)(**batch)[0]),
}

# Imputation without noise: 60 % of the pixels gone, a wide hole among them.
picture = random.normal(size=(3, side, side)).astype(np.float32)
kept = (random.random((side, side)) > 0.4).astype(np.float32)
kept[2:9, 3:10] = 0
imputed = NoisyLinearImputer(noise=0)(torch.from_numpy(picture), torch.from_numpy(kept)).numpy()
imputation = {"picture": numbers(picture), "kept": numbers(kept), "imputed": numbers(imputed)}


# Deletion and insertion on a linear classifier of three classes, into zeros.
class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.from_numpy(random.normal(size=(3, picture.size)).astype(np.float32)) * 0.2)

    def forward(self, x):
        return x.flatten(1) @ self.weight.T


class Known:
    """A CAM extractor that gives the known map."""

    def __init__(self, model):
        self.model = model

    def __call__(self, class_idx, scores, **_):
        return [torch.from_numpy(map_)[None]]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return nullcontext()


linear = Linear()
steps = 8
causal = DeletionInsertionMetric(Known(linear), lambda logits: torch.softmax(logits, 1), steps=steps)
causal.update(torch.from_numpy(picture)[None], class_idx=1)
curves = {
    "weights": [numbers(row.detach()) for row in linear.weight],
    "steps": steps,
    "deletion": causal.summary()["deletion_auc"],
    "insertionFromZero": causal.summary()["insertion_auc"],
}

# Masks.
shape = np.zeros((9, 11), dtype=np.uint8, order="F")
shape[2:7, 3:9] = 1
shape[4, 5] = 0
runs = coco.encode(shape)
triangle = [1.0, 1.0, 9.5, 2.5, 4.0, 8.0]
masks = {
    "mask": [int(v) for v in shape.ravel(order="C")],
    "compressed": runs["counts"].decode(),
    "size": list(runs["size"]),
    "triangle": triangle,
}

# Average precision of pixels, whose values lie in the middle of a hundredth.
values = (np.floor(random.random(200) * 99) + 0.5) / 100
values[0] = 1
inside = (random.random(200) < values).astype(int)
precision = {"values": numbers(values), "inside": [int(v) for v in inside], "PxAP": float(average_precision_score(inside, values))}

low, high = proportion_confint(37, 60, method="wilson")
wilson = {"hits": 37, "count": 60, "low": float(low), "high": float(high)}

goldens = dict(correlation=correlation, spread=spread, imputation=imputation, curves=curves, masks=masks, precision=precision, wilson=wilson)
(Path(__file__).parent / "goldens.json").write_text(json.dumps(goldens) + "\n")
