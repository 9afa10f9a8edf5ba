"""Where the last activation is in a file that another tool wrote: what the mean over the grid reads."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

POOLS = ("GlobalAveragePool", "ReduceMean", "ReduceSum", "AveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearReduceMean")
MOVING = ("Identity", "Dropout", "Cast", "Transpose", "QuantizeLinear", "DequantizeLinear", "Reshape", "ReorderOutput", "ReorderInput")


def last_grid(model: onnx.ModelProto, through: bool = True) -> str:
    """The tensor in front of the last pooling, past what only moves it or casts it."""
    makers = {o: n for n in model.graph.node for o in n.output}
    pool = behind_last(model, makers)
    tensor = pool.input[0]
    while through and tensor in makers and makers[tensor].op_type in MOVING and makers[tensor].input[0] in makers:
        tensor = makers[tensor].input[0]
    return tensor


def behind_last(model: onnx.ModelProto, makers) -> onnx.NodeProto:
    """The pooling that is nearest to the first output."""
    open_, seen = [model.graph.output[0].name], set()
    while open_:
        tensor = open_.pop(0)
        node = makers.get(tensor)
        if node is None or tensor in seen:
            continue
        seen.add(tensor)
        if node.op_type in POOLS:
            return node
        open_ += node.input
    raise ValueError("no pooling over a grid was found")


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
