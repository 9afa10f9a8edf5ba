#!/usr/bin/env python3
"""Writes black-box-goldens.json: what lime, captum, xplique and saliency say of golden.onnx's network, which make_goldens.py makes.

    pip install torch onnx lime captum xplique saliency scikit-image scipy
    python test/methods/make_black_box_goldens.py

Where a peer draws at random, it is handed draws, which the file has beside the scores under them and what the peer made of them.
TorchRay, the authors' package of extremal perturbations, does not install any more: the same equations are differentiated by torch here.
"""
import json
import sys
from pathlib import Path

import numpy
import torch
from scipy import ndimage
from scipy.stats import qmc
from skimage.morphology import dilation, disk
from skimage.segmentation import felzenszwalb, slic
from sklearn.metrics import pairwise_distances

here = Path(__file__).parent
sys.path.insert(0, str(here))
targets = [1, 3]


def network_and_helpers():
    """The network of make_gradient_goldens.py, and its pictures and draws."""
    source = (here / "make_gradient_goldens.py").read_text().replace("\nmain()\n", "\n")
    space = {"__file__": str(here / "make_gradient_goldens.py")}
    exec(compile(source, "make_gradient_goldens.py", "exec"), space)
    return space["Network"]().eval(), space["picture"](2, 3, 12, 10), space["uniform_from"]


def rounded(values):
    return [float(f"{v:.7g}") for v in numpy.asarray(values, dtype=numpy.float64).ravel()]


def scores_of(network, pictures, target):
    with torch.no_grad():
        return network(torch.as_tensor(numpy.asarray(pictures), dtype=torch.float32))[:, target].double().numpy()


def masked(one, masks):
    return one.numpy()[None] * masks[:, None]


def superpixels(one, segments, compactness):
    image = numpy.moveaxis(one.numpy().astype(numpy.float64), 0, -1)
    return slic(image, n_segments=segments, compactness=compactness, convert2lab=False, start_label=0)


def lime(network, x, uniform_from, samples, segments, compactness, seed):
    """The authors' fit (lime 0.2.0.1) of the same samples: the whole picture, and draws of Mulberry32."""
    from lime.lime_base import LimeBase

    maps = []
    for one, target in zip(x, targets):
        labels = superpixels(one, segments, compactness)
        count = labels.max() + 1
        uniform = uniform_from(seed)
        data = numpy.array([[1.0] * count if s == 0 else [float(next(uniform) < 0.5) for _ in range(count)] for s in range(samples)])
        scores = scores_of(network, masked(one, data[:, labels]), target)
        distances = pairwise_distances(data, data[:1], metric="cosine").ravel()
        base = LimeBase(lambda d: numpy.sqrt(numpy.exp(-(d ** 2) / 0.25 ** 2)), random_state=0)
        _, found, _, _ = base.explain_instance_with_data(data, scores[:, None], distances, 0, count, feature_selection="none")
        values = dict(found)
        maps.append(numpy.array([values[j] for j in range(count)])[labels])
    return maps


def kernel_shap(network, one, target):
    """captum's KernelShap, its draws handed in, of a picture in 6 blocks: nothing, everything, 20 subsets."""
    from captum.attr import KernelShap

    labels = numpy.add.outer(numpy.arange(12) // 4 * 2, numpy.arange(10) // 5)
    rng = numpy.random.default_rng(5)
    draws = [row for row in rng.integers(0, 2, (60, 6)) if 0 < row.sum() < 6][:20]
    rows = numpy.array([numpy.zeros(6, int), numpy.ones(6, int), *draws])
    scores = scores_of(network, masked(one, rows[:, labels]), target)
    ours = KernelShap(lambda at: network(at)[:, target].double())

    def handed(*_, **__):
        for row in rows:
            yield torch.tensor(row[None]).float()

    # The constraint by a weight of 1e6 in captum, which leaves it open by 1e-6: heavier here.
    ours.perturb_func = handed
    ours.similarity_func = lambda *given, **__: torch.tensor([1e9 if given[2].sum() in (0, 6) else 1.0], dtype=torch.float64)
    found = ours.attribute(one[None].double().float(), feature_mask=torch.tensor(labels)[None, None].expand(1, 3, -1, -1), n_samples=len(rows),
                           perturbations_per_eval=1, return_input_shape=False)
    return {"shown": rows.ravel().tolist(), "columns": 6, "scores": rounded(scores), "values": rounded(found.detach())}


def sobol(network, x, cells, samples):
    """xplique's Jansen estimator, on points of SciPy."""
    from xplique.attributions.global_sensitivity_analysis.sobol_estimators import JansenEstimator

    count = cells ** 2
    points = qmc.Sobol(2 * count, scramble=False).random(samples)
    a, b = points[:, :count], points[:, count:]
    designs = [a, b]
    for i in range(count):
        c = a.copy()
        c[:, i] = b[:, i]
        designs.append(c)
    masks = numpy.concatenate(designs).astype(numpy.float32).reshape(-1, cells, cells, 1)
    labels = nearest_cells(cells)
    maps = []
    for one, target in zip(x, targets):
        scores = scores_of(network, masked(one, masks.reshape(-1, count)[:, labels]), target)
        found = JansenEstimator()(masks, scores.astype(numpy.float32), samples).numpy().ravel()
        maps.append(found[labels])
    return maps


def nearest_cells(cells):
    rows, columns = ((numpy.arange(n) + 0.5) * cells // n for n in (12, 10))
    return (numpy.add.outer(rows * cells, columns)).astype(int)


def hsic(network, one, target, cells=3, samples=40):
    """xplique's estimator with binary masks. It divides by N where the definition divides by N^2, and takes for the width of the scores' kernel
    the median of the scores: one that adds a constant to the score changes the map, and one around 0 is NaN. It is handed the kernel of
    the median of their distances."""
    from xplique.attributions.global_sensitivity_analysis.hsic_estimators import BinaryEstimator

    count = cells ** 2
    points = qmc.LatinHypercube(count, seed=2).random(samples)
    masks = numpy.round(points).astype(numpy.float32)
    scores = scores_of(network, masked(one, masks[:, nearest_cells(cells)]), target)
    scores = numpy.array(rounded(scores))
    distances = numpy.abs(scores[:, None] - scores[None])
    width = numpy.median(distances[numpy.triu_indices(samples, 1)])
    kernel = numpy.exp(-(distances ** 2) / (2 * width ** 2)).astype(numpy.float32)
    values = BinaryEstimator().estimator(masks.reshape(-1, cells, cells, 1), kernel, count, samples).numpy() / samples
    return {"masks": masks.astype(int).ravel().tolist(), "cells": count, "scores": rounded(scores), "values": rounded(values)}


def xrai(network, x, steps):
    """saliency's region growing on segments of scikit-image, of thresholds for 12 x 10 pixels where saliency's are for 224 x 224."""
    from saliency.core.xrai import XRAI

    maps = []
    for one, target in zip(x, targets):
        attribution = 0
        for end in (one.min(), one.max()):
            shares = (torch.arange(steps) + 0.5) / steps
            at = (end + shares[:, None, None, None] * (one - end)[None]).requires_grad_()
            network(at)[:, target].sum().backward()
            attribution = attribution + ((one - end) * at.grad.mean(0)).double().numpy() / 2
        image = numpy.moveaxis(one.double().numpy(), 0, -1)
        image = (image - image.min()) / (image.max() - image.min()) * 2 - 1
        segments = [felzenszwalb(image, scale=scale, sigma=0.8, min_size=max(1, round(150 / 224 ** 2 * 120))) for scale in (50, 100, 150, 250, 500, 1200)]
        masks = [labels == label for labels in segments for label in range(labels.max() + 1)]
        masks = [dilation(mask, footprint=disk(round(5 / 224 * 120 ** 0.5))) for mask in masks]
        found, _ = XRAI._xrai(attr=attribution.max(0), segs=masks, min_pixel_diff=max(1, round(50 / 224 ** 2 * 120)))
        maps.append(found)
    return maps


def extremal(network, x, area, steps):
    """The mask by autograd: a smooth maximum of parameters, a cell of which is a pixel here, and gradient steps with a momentum of 0.8."""
    maps = []
    rows, columns = numpy.mgrid[:12, :10].reshape(2, -1)
    apart = numpy.abs(rows[:, None] - rows[None]), numpy.abs(columns[:, None] - columns[None])
    distance = torch.tensor(numpy.hypot(*apart))
    kernel = torch.exp(-2 * (distance / 3 - 0.5).clamp(min=0) ** 2)
    far = torch.tensor((apart[0] > 4) | (apart[1] > 4))
    for one, target in zip(x, targets):
        levels = [ndimage.gaussian_filter(one.double().numpy(), [0, s, s], mode="nearest") for s in 0.09 * 12 * (1 - numpy.arange(8) / 7)]
        pyramid = torch.tensor(numpy.stack(levels)).float()
        dull, sharp = scores_of(network, torch.stack([pyramid[0], one]), target)
        found = []

        def shown_under(mask):
            lower = (mask * 7).floor().clamp(max=6).long()
            part = (mask * 7 - lower).reshape(1, 12, 10)
            flat = pyramid.reshape(8, 3, 120)
            low, high = (torch.stack([flat[lower + i, c, torch.arange(120)] for c in range(3)]).reshape(3, 12, 10) for i in (0, 1))
            return (1 - part) * low + part * high

        def ball(middle):
            away = numpy.hypot(rows - middle[0], columns - middle[1])
            outer = numpy.sort(away)[max(1, int(area * 120)) - 1]
            return torch.tensor((away <= max(away.min(), outer - 3 * (0.5 + (numpy.pi / 8) ** 0.5)) + 1e-6).astype(numpy.float64))

        def smooth_of(parameters):
            values = kernel * parameters[None]
            weights = torch.exp(20 * values).masked_fill(far, 0)
            return (weights * values).sum(1) / weights.sum(1)

        middles = [((i + 0.5) * 12 / 8 - 0.5, (j + 0.5) * 10 / 8 - 0.5) for i in range(8) for j in range(8)]
        tried = [scores_of(network, shown_under(smooth_of(ball(middle)))[None], target)[0] for middle in middles]
        best = ball(middles[int(numpy.argmax(tried))])
        for unit, start, small in ((3, torch.ones(120), False), (10, torch.ones(120), False), (10, best, True)):
            unit /= abs(sharp - dull)
            parameters = start.double().clone().requires_grad_()

            def smooth():
                return smooth_of(parameters)

            whole = torch.ones(120, dtype=torch.float64, requires_grad=True)
            influence, = torch.autograd.grad(smooth_of(whole).sum(), whole)
            for step in range(steps):
                weight = 2.5 * 1000 ** (step / steps)
                shrunk = area if small else area ** min(1, (step + 1) / (0.6 * steps))
                mask = smooth()
                shown = shown_under(mask)
                reward = network(shown[None].float())[0, target].double() * unit
                ordered, order = mask.sort(stable=True)
                reference = torch.tensor([0.0 if r < int(numpy.floor(120 * (1 - shrunk))) else 1.0 for r in range(120)], dtype=torch.float64)
                # Values that are alike are asked for the mean of what is asked of them, so that their order does not matter.
                first = 0
                while first < 120:
                    end = first + int((ordered[first:] - ordered[first] < 1e-6).sum())
                    reference[first:end] = reference[first:end].mean()
                    first = end
                parameters.grad = None
                if step == 0:
                    velocity = torch.zeros(120, dtype=torch.float64)
                (weight * ((ordered - reference) ** 2).mean() - reward).backward()
                with torch.no_grad():
                    velocity = 0.8 * velocity - 0.2 * parameters.grad / influence * 0.1 * 120 / weight
                    parameters += velocity
                    parameters.clamp_(0, 1)
            found.append((network(shown_under(smooth().detach())[None].float())[0, target].item(), smooth().detach().numpy()))
        found.append((max(tried), smooth_of(best).numpy()))
        maps.append(max(found, key=lambda one: one[0])[1])
    return maps


def main():
    network, x, uniform_from = network_and_helpers()
    goldens = {
        "lime": rounded(lime(network, x, uniform_from, samples=60, segments=9, compactness=0.2, seed=3)),
        "kernel-shap": kernel_shap(network, x[0], 1),
        "xrai": rounded(xrai(network, x, steps=16)),
        "extremal-perturbation": rounded(extremal(network, x, area=0.2, steps=12)),
        "sobol": rounded(sobol(network, x, cells=3, samples=16)),
        "hsic": hsic(network, x[0], 1),
    }
    (here / "black-box-goldens.json").write_text(json.dumps(goldens).replace('], "', '],\n"').replace('}, "', '},\n"') + "\n")


main()
