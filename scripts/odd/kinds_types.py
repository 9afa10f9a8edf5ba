"""Kinds: types of inputs and inner tensors."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from case import Case, kind
from edit import behind, maker, put
from kinds_ends import ended, info
from nets import any_net, channels_last, classifier, input_info, regression, residual, signal, two_pictures, unet

PLAIN = (classifier, residual, unet, regression, signal)


def cast_first(case: Case, name: str, type: int, scale: float | None) -> Case:
    """The input in another type, cast (and scaled) by the first nodes."""
    input_info(case.model, name).type.tensor_type.elem_type = type
    for node in case.model.graph.node:
        node.input[:] = [f"{name}_cast" if i == name else i for i in node.input]
    nodes = [helper.make_node("Cast", [name], [f"{name}_cast"], to=TensorProto.FLOAT)]
    if scale:
        nodes[0].output[0] = f"{name}_wide"
        case.model.graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), "odd_scale"))
        nodes.append(helper.make_node("Mul", [f"{name}_wide", "odd_scale"], [f"{name}_cast"]))
    put(case.model, *nodes)
    return case


@kind("picture-uint8")
def picture_uint8(rng) -> Case:
    """Bytes with the preparation inside; a map needs no gradient at the input."""
    case = any_net(rng, among=(classifier, residual, channels_last, unet))
    type, dtype = [(TensorProto.UINT8, np.uint8), (TensorProto.INT32, np.int32)][int(rng.random() < 0.3)]
    case = cast_first(case, "x", type, 1 / 64)
    case.feeds["x"] = rng.integers(0, 256, case.feeds["x"].shape).astype(dtype)
    case.at_input = False
    return case


@kind("picture-double")
def picture_double(rng) -> Case:
    case = cast_first(any_net(rng, among=PLAIN), "x", TensorProto.DOUBLE, None)
    case.feeds["x"] = case.feeds["x"].astype(np.float64)
    case.at_input = False
    return case


@kind("head-double")
def head_double(rng) -> Case:
    """The dense head in double precision."""
    case = any_net(rng, among=(classifier, residual, regression, signal))
    gemm = maker(case.model, "logits")
    for i in (1, 2):
        w = next(w for w in case.model.graph.initializer if w.name == gemm.input[i])
        w.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(w).astype(np.float64), w.name))
    pooled = gemm.input[0]
    gemm.input[0] = "odd_wide"
    at = list(case.model.graph.node).index(gemm)
    put(case.model, helper.make_node("Cast", [pooled], ["odd_wide"], to=TensorProto.DOUBLE), at=at)
    gemm.output[0] = "odd_double"
    case.model.graph.node.append(helper.make_node("Cast", ["odd_double"], ["logits"], to=TensorProto.FLOAT))
    return case


def half(model: onnx.ModelProto, keep_io: bool, type: int = TensorProto.FLOAT16) -> onnx.ModelProto:
    """Weights and inner tensors in half precision; Casts at the ends, or halves there too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    dtype = helper.tensor_dtype_to_np_dtype(type)
    for w in graph.initializer:
        if w.data_type == TensorProto.FLOAT:
            w.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(w).astype(dtype), w.name))
    if not keep_io:
        for i in [*graph.input, *graph.output]:
            i.type.tensor_type.elem_type = type
        return copy
    for i in graph.input:
        for node in graph.node:
            node.input[:] = [f"{i.name}_half" if t == i.name else t for t in node.input]
    for o in graph.output:
        maker(copy, o.name).output[0] = f"{o.name}_half"
        graph.node.append(helper.make_node("Cast", [f"{o.name}_half"], [o.name], to=TensorProto.FLOAT))
    put(copy, *(helper.make_node("Cast", [i.name], [f"{i.name}_half"], to=type) for i in graph.input))
    return copy


@kind("half")
def all_half(rng) -> Case:
    """Half precision throughout, inputs and outputs too or not."""
    case = any_net(rng, among=(classifier, residual, unet, regression, two_pictures, channels_last))
    keep = bool(rng.integers(2))
    case.twin, case.tolerance = case.model, 3e-2
    case.model = half(case.model, keep)
    if not keep:
        case.feeds = {k: v.astype(np.float16) for k, v in case.feeds.items()}
    return case


@kind("bfloat16-inside")
def bfloat16_inside(rng) -> Case:
    """A dense head in bfloat16 behind a Cast."""
    case = any_net(rng, among=(classifier, residual))
    case.twin, case.tolerance = onnx.ModelProto(), 6e-2
    case.twin.CopyFrom(case.model)
    behind(case.model, case.layer, ("Cast", {"to": TensorProto.BFLOAT16}), ("Cast", {"to": TensorProto.FLOAT}))
    return case


@kind("mask-input")
def mask_input(rng) -> Case:
    """A boolean mask beside the picture, which Where reads."""
    case = any_net(rng, among=(classifier, residual, regression, channels_last))
    shape = case.feeds["x"].shape
    for node in case.model.graph.node:
        node.input[:] = ["odd_masked" if i == "x" else i for i in node.input]
    case.model.graph.initializer.append(numpy_helper.from_array(np.array(0.25, np.float32), "odd_fill"))
    put(case.model, helper.make_node("Where", ["mask", "x", "odd_fill"], ["odd_masked"]))
    case.model.graph.input.insert(int(rng.integers(2)), info("mask", list(shape), TensorProto.BOOL))
    case.feeds["mask"] = rng.random(shape) > 0.2
    return case


@kind("scores-half")
def scores_half(rng) -> Case:
    """Scores that are cast to half precision at the end."""
    case = any_net(rng, among=(classifier, residual))
    case.twin, case.tolerance = onnx.ModelProto(), 3e-2
    case.twin.CopyFrom(case.model)
    case.twin.graph.node.append(helper.make_node("Identity", ["logits"], ["half_scores"]))
    output_info = case.twin.graph.output[0]
    output_info.name = "half_scores"
    case = ended(case, helper.make_node("Cast", ["logits"], ["half_scores"], to=TensorProto.FLOAT16), out="half_scores")
    case.model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    return case
