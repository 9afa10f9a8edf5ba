"""The truth: central differences of Python's ONNX Runtime, without optimisation, at several step sizes."""
from __future__ import annotations

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from case import Case, encode

ort.set_default_logger_severity(4)
STEPS = (0.03, 0.01, 0.003, 0.001)
# Of a large tensor, so many places are compared, drawn at random.
MOST = 160


class Reject(Exception):
    """Drawn numbers on which differences say nothing; others are drawn."""


def opened(model: onnx.ModelProto | bytes, files: dict[str, bytes]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (pathlib.Path(folder) / name).write_bytes(data)
        if files:
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def observed(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """The model with inner tensors among its outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {o.name for o in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in known)
    return copy


def moved(model: onnx.ModelProto, layer: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The model with an input `delta` that is added to an inner tensor."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    at = next(i for i, node in enumerate(graph.node) if layer in node.output)
    maker = graph.node[at]
    maker.output[list(maker.output).index(layer)] = "odd_unmoved"
    graph.node.insert(at + 1, helper.make_node("Add", ["odd_unmoved", "odd_delta"], [layer], "odd_move"))
    graph.input.append(helper.make_tensor_value_info("odd_delta", onnx.TensorProto.FLOAT, ["odd_n", *shape[1:]]))
    for info in [i for i in graph.value_info if i.name == layer]:
        graph.value_info.remove(info)
    return copy


def differences(f, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """df/dx by fourth-order central differences; NaN where the step sizes disagree (a kink, or rounding), and where none was taken."""
    flat = x.astype(np.float64).ravel()
    places = np.arange(flat.size) if rng is None or flat.size <= MOST else np.sort(rng.choice(flat.size, MOST, replace=False))
    rows, bends = [], []
    here = f(x.astype(np.float32))
    rounding = 1e-7 * max(abs(here), 0.3)
    for h in STEPS:
        row, bend = np.empty(places.size), np.empty(places.size)
        for j, i in enumerate(places):

            def at(step, i=i):
                there = flat.copy()
                there[i] += step * h
                there32 = there.reshape(x.shape).astype(np.float32)
                return f(there32), float(there32.ravel()[i])
            (f1, x1), (f_1, x_1), (f2, x2), (f_2, x_2) = at(1), at(-1), at(2), at(-2)
            # The steps as they are after rounding to float32.
            near, far = (f1 - f_1) / (x1 - x_1), (f2 - f_2) / (x2 - x_2)
            row[j] = (4 * near - far) / 3
            bend[j] = abs((f1 - here) / (x1 - float(flat[i])) - (here - f_1) / (float(flat[i]) - x_1))
        rows.append(row)
        bends.append(bend)
        if rounding / 0.003 > 3e-3 * np.abs(row).max():
            raise Reject("the gradient drowns in rounding")
    found = np.array(rows)
    scale = max(np.median(np.abs(found), axis=0).max(), 1e-12)
    gaps = np.abs(np.diff(found, axis=0))
    best = gaps.argmin(axis=0)
    columns = np.arange(places.size)
    value = (found[best, columns] + found[best + 1, columns]) / 2
    value[gaps[best, columns] > 1.5e-3 * scale] = np.nan
    # Long steps can step over a kink alike, and agree on what is wrong: the short ones have the last word.
    for h in (0.003, 0.001):
        value[np.abs(value - found[STEPS.index(h)]) > 3e-3 * scale + rounding / h] = np.nan
    # A kink nearer than every step: the two sides differ as much at a third of the step, where a smooth function's differ by a third.
    long, short = bends[STEPS.index(0.01)], bends[STEPS.index(0.003)]
    value[(short > 4e-3 * scale + 2 * rounding / 0.003) & (short > 0.6 * long)] = np.nan
    if np.isnan(value).mean() > 0.2:
        raise Reject("the step sizes disagree on more than a fifth of the places")
    whole = np.full(flat.size, np.nan, np.float32)
    whole[places] = value
    return whole.reshape(x.shape)


def objective(session, feeds, moving: str, output: str, seed: np.ndarray):
    weights = seed.astype(np.float64)

    def f(value):
        (out,) = session.run([output], {**feeds, moving: value})
        if out.shape != weights.shape:
            raise Reject("another number of rows beside it")
        return float((weights * out.astype(np.float64)).sum())

    return f


def grad_cam(a: np.ndarray, da: np.ndarray, layout: str | dict) -> np.ndarray:
    """relu(sum_k mean(da_k) a_k), in numpy; places without a truth are left out of the mean."""
    if isinstance(layout, dict):
        grid, prefix = layout["grid"], layout["prefix"]
        places = slice(prefix, prefix + int(np.prod(grid)))
        a, da = a[:, places], da[:, places]
        weights = np.nanmean(da, axis=1, keepdims=True)
        return np.maximum((weights * a).sum(-1), 0).reshape(a.shape[0], *grid)
    channel = layout.index("C")
    spatial = tuple(i for i in range(a.ndim) if i not in (0, channel))
    return np.maximum((np.nanmean(da, axis=spatial, keepdims=True) * a).sum(channel), 0)


def truth_of(case: Case, rng: np.random.Generator) -> dict:
    """What the checker compares with."""
    own = opened(case.raw or case.model, case.files)
    names = [o.name for o in own.get_outputs() if o.type.startswith("tensor(float") or o.type == "tensor(double)"]
    outputs = dict(zip(names, own.run(names, case.feeds)))
    if case.refuse:
        return {"outputs": {}, "gradients": {}, "score": case.score, "class": 0, "seed": encode(np.ones_like(outputs[case.output], np.float32))}
    if not all(np.isfinite(v.astype(np.float64)).all() for v in outputs.values()):
        raise Reject("outputs are not finite")
    twin = case.twin or case.model
    files = {} if case.twin else case.files
    layer, score = case.twin_layer or case.layer, case.twin_score or case.score
    wide = {
        name: v.astype(np.float32) if case.twin and v.dtype == np.float16 else v for name, v in case.feeds.items()
    }
    full = opened(observed(twin, [layer, score, case.output]), files)
    a, scores, out = full.run([layer, score, case.output], wide)
    if isinstance(case.layout, str) and spread(a.shape, case.layout) < 4:
        raise Reject("the layer's grid has hardly a place")
    seed = rng.uniform(-1, 1, out.shape).astype(np.float32)
    told: dict = {"outputs": {name: encode(v) for name, v in outputs.items() if v.dtype == np.float32 or v.dtype == np.float16}}
    told["seed"], told["score"] = encode(seed), case.score
    told["gradients"] = {}
    if case.at_input:
        f = objective(full, wide, case.image, case.output, seed)
        gradient = differences(f, wide[case.image], rng)
        if np.nanmax(np.abs(gradient)) < 1e-5:
            raise Reject("the input hardly matters")
        told["gradients"][case.image] = encode(gradient)
    shifted = opened(observed(moved(twin, layer, a.shape), [layer, score]), files)
    still = {**wide, "odd_delta": np.zeros(a.shape, np.float32)}
    if case.at_layer:
        f = objective(shifted, still, "odd_delta", case.output, seed)
        told["gradients"][case.layer] = encode(differences(f, np.zeros(a.shape, np.float32)))
    if not case.maps:
        return told
    told["map"], told["class"], told["scoreSeed"] = the_map(case, shifted, still, a, scores, score, rng)
    return told


def spread(shape: tuple[int, ...], layout: str) -> int:
    return int(np.prod([d for d, axis in zip(shape, layout) if axis not in "NC"]))


def the_map(case, shifted, still, a, scores, score, rng):
    """Grad-CAM of a class whose map is not blank; of random seeds where the scores have no axis of classes."""
    zero = np.zeros(a.shape, np.float32)
    trials = range(scores.shape[case.axis]) if case.axis is not None else range(4)
    best = None
    for c in list(trials)[:6]:
        if case.axis is None:
            seed = rng.uniform(-1, 1, scores.shape).astype(np.float32)
        else:
            seed = np.zeros(scores.shape, np.float32)
            np.moveaxis(seed, case.axis, -1)[..., c] = 1
            seed /= max(seed[:1].sum(), 1)
        da = differences(objective(shifted, still, "odd_delta", score, seed), zero)
        if np.isnan(da).any():
            continue
        found = grad_cam(a.astype(np.float64), da.astype(np.float64), case.layout).astype(np.float32)
        # Where what is added up cancels, the differences' own error is as large as the map.
        whole = grad_cam(np.abs(a.astype(np.float64)), np.abs(da.astype(np.float64)), case.layout).max()
        clear = found.max() / max(whole, 1e-12)
        if best is None or clear > best[0]:
            best = (clear, found, c, seed)
        if clear > 0.3:
            break
    clear, found, c, seed = best or (0, None, None, None)
    if clear < 0.03:
        raise Reject("every map is blank, or nearly so")
    return encode(found), (c if case.axis is not None else None), encode(seed)
