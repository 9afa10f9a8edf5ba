"""Golden values for the metrics, from the packages that people use for them.

    pip install numpy scipy scikit-learn statsmodels pycocotools quantus grad-cam torchcam captum torch
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
from captum.metrics import infidelity, sensitivity_max
from pycocotools import mask as coco
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from sklearn.metrics import average_precision_score
from statsmodels.stats.proportion import proportion_confint
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric

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

# Of the values that a mask's pixels are as many as, those on it; from a generator of its own, so that the numbers after it stay.
of_rank = np.random.default_rng(11)
rank_map = of_rank.normal(size=(side, side)).astype(np.float32)
rank_mask = (of_rank.random((side, side)) < 0.3).astype(np.float32)
rank = quantus.RelevanceRankAccuracy(abs=False, normalise=False, disable_warnings=True)(
    model=None, x_batch=rank_map[None, None], y_batch=np.array([0]), a_batch=rank_map[None, None], s_batch=rank_mask[None, None]
)
ranked = {"map": numbers(rank_map), "mask": [int(v) for v in rank_mask.ravel()], "accuracy": float(rank[0])}

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

    def __init__(self, model, known=map_):
        self.model = model
        self.known = known

    def __call__(self, class_idx, scores, **_):
        return [torch.from_numpy(self.known)[None]]

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

# The rest of what perturbs, on the same classifier.
softmax = lambda logits: torch.softmax(logits, 1)  # noqa: E731
x = torch.from_numpy(picture)[None]
drops = []
for c in range(3):
    shown = ClassificationMetric(Known(linear, map_ / map_.max()), softmax)
    shown.update(x, class_idx=c)
    drops.append({name: float(value) for name, value in shown.summary().items()})

# ROAD without noise, by pytorch-grad-cam's imputer. Its own percentiles compare values and keep one pixel more or less, so the pixels are
# chosen here, by rank: all values differ.
order = np.argsort(-map_.ravel(), kind="stable")
imputer = NoisyLinearImputer(noise=0)


def left(removed):
    kept_ = np.ones(side * side, dtype=np.float32)
    kept_[removed] = 0
    filled = imputer(torch.from_numpy(picture), torch.from_numpy(kept_.reshape(side, side)))
    return float(softmax(linear(filled[None]).detach())[0, 1])


counts = [int(np.floor(side * side * p / 100 + 0.5)) for p in range(10, 100, 10)]
morf = float(np.mean([left(order[:n]) for n in counts]))
lerf = float(np.mean([left(order[-n:]) for n in counts]))


def waves(count):
    """Numbers that look like noise and that the test can make too."""
    return np.sin(0.7 * np.arange(count * picture.size, dtype=np.float64) ** 2).reshape(count, *picture.shape)


noise = (0.2 * waves(50)).astype(np.float32)
moves = (0.02 * waves(10)).astype(np.float32)


def quadratic(inputs):
    """What a map that is scaled cannot tell whole."""
    values = inputs[0] if isinstance(inputs, tuple) else inputs
    return values + 0.5 * values**2


told = infidelity(
    lambda inputs: linear(quadratic(inputs)),
    lambda inputs: (torch.from_numpy(noise), inputs - torch.from_numpy(noise)),
    x,
    torch.from_numpy(map_)[None, None].expand(1, 3, side, side),
    target=1,
    n_perturb_samples=len(noise),
    normalize=True,
)
with torch.no_grad():
    score = lambda inputs: linear(quadratic(inputs))[:, 1]  # noqa: E731
    square = ((score(x) - score(x - torch.from_numpy(noise))) ** 2).mean()
def change(step):
    """captum's, one sample at a time: over several its norm came out sqrt(n) times too large here."""
    explain = lambda inputs: quadratic(inputs).sum(1, keepdim=True)  # noqa: E731
    move = lambda inputs: (inputs[0] if isinstance(inputs, tuple) else inputs) + torch.from_numpy(step)  # noqa: E731
    return float(sensitivity_max(explain, x, perturb_func=move, n_perturb_samples=1))


perturbation = {
    "drops": drops,
    "MoRF": morf,
    "LeRF": lerf,
    "infidelity": float(told / square),
    "maxSensitivity": max(change(step) for step in moves),
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

goldens = dict(correlation=correlation, spread=spread, ranked=ranked, imputation=imputation, curves=curves, perturbation=perturbation, masks=masks, precision=precision, wilson=wilson)
(Path(__file__).parent / "goldens.json").write_text(json.dumps(goldens) + "\n")
