"""Rectifiers without kinks nearby: differences across a kink say nothing of the derivative.

Each channel's bias in front of a rectifier is put where its values leave the widest gap around zero, so that no step that is taken
crosses zero."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from case import Case
from truth import observed, opened

KINKED = ("Relu", "LeakyRelu", "PRelu", "ThresholdedRelu")


def clear_of_kinks(case: Case) -> Case:
    """Of nodes in topological order, with biases among the initialisers."""
    model = case.model
    weights = {w.name: w for w in model.graph.initializer}
    makers = {o: node for node in model.graph.node for o in node.output}
    done: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in KINKED:
            continue
        bias = bias_before(makers.get(node.input[0]), makers, weights)
        if not bias or bias in done:
            continue
        done.add(bias)
        before = [n.input[0] for n in model.graph.node if n.op_type in KINKED and bias_before(makers.get(n.input[0]), makers, weights) == bias]
        values = opened(observed(model, before), case.files).run(before, case.feeds)
        rows = np.concatenate([np.moveaxis(v, 1, 0).reshape(v.shape[1], -1) for v in values], axis=1).astype(np.float64)
        held = numpy_helper.to_array(weights[bias]) + np.array([shift(row) for row in rows])
        weights[bias].CopyFrom(numpy_helper.from_array(held.astype(np.float32), bias))
    return case


def bias_before(node: onnx.NodeProto | None, makers, weights) -> str | None:
    """The bias of the convolution or the normalisation that makes a tensor, or one of the summands of it."""
    if node is None:
        return None
    if node.op_type in ("Conv", "BatchNormalization"):
        return node.input[2] if len(node.input) > 2 and node.input[2] in weights else None
    if node.op_type == "Add":
        return next((b for i in node.input if (b := bias_before(makers.get(i), makers, weights))), None)
    return None


def shift(values: np.ndarray) -> float:
    """Minus the middle of the widest gap between values, away from their ends."""
    ordered = np.sort(values)
    inner = ordered[len(ordered) // 8 : -(len(ordered) // 8) or None]
    if len(inner) < 2:
        return 0.2 - float(ordered.mean())
    at = int(np.diff(inner).argmax())
    return -float(inner[at] + inner[at + 1]) / 2
