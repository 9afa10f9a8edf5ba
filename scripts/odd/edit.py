"""Small changes to a model that kinds are made of."""
from __future__ import annotations

import onnx
from onnx import helper, numpy_helper


def maker(model: onnx.ModelProto, tensor: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if tensor in node.output)


def readers(model: onnx.ModelProto, tensor: str) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if tensor in node.input]


def weight(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(w for w in model.graph.initializer if w.name == name)


def floats(model: onnx.ModelProto, least: int = 1) -> list[onnx.TensorProto]:
    """Weights of type float32 with so many values at least."""
    found = [w for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT]
    return [w for w in found if numpy_helper.to_array(w).size >= least]


def drop(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    """Takes an initialiser out."""
    found = weight(model, name)
    kept = onnx.TensorProto()
    kept.CopyFrom(found)
    model.graph.initializer.remove(found)
    return kept


def put(model: onnx.ModelProto, *nodes: onnx.NodeProto, at: int = 0) -> None:
    for i, node in enumerate(nodes):
        model.graph.node.insert(at + i, node)


def behind(model: onnx.ModelProto, tensor: str, *chain: tuple[str, dict], only: int | None = None) -> str:
    """One-input nodes behind a tensor, which its readers (or one of them) read in its place. The last one's name."""
    nodes, last = [], tensor
    for i, (op, attributes) in enumerate(chain):
        extra = attributes.pop("inputs", [])
        out = f"{tensor}_{op.lower()}_{i}"
        nodes.append(helper.make_node(op, [last, *extra], [out], f"n_{out}", **attributes))
        last = out
    those = readers(model, tensor)
    for node in those if only is None else [those[only % len(those)]]:
        node.input[:] = [last if i == tensor else i for i in node.input]
    at = list(model.graph.node).index(maker(model, tensor)) + 1 if any(tensor in n.output for n in model.graph.node) else 0
    put(model, *nodes, at=at)
    return last


def replace(model: onnx.ModelProto, node: onnx.NodeProto, *nodes: onnx.NodeProto) -> None:
    at = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    put(model, *nodes, at=at)


def add_weight(model: onnx.ModelProto, name: str, value) -> str:
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def output_as(model: onnx.ModelProto, old: str, new: onnx.ValueInfoProto) -> None:
    info = next(o for o in model.graph.output if o.name == old)
    at = list(model.graph.output).index(info)
    model.graph.output.remove(info)
    model.graph.output.insert(at, new)
