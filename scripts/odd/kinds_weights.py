"""Kinds: where weights are, and how they are written."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from case import Case, kind
from edit import add_weight, drop, floats, put, readers
from nets import any_net, classifier, detector, residual, signal, tokens, unet

PLAIN = (classifier, residual, unet, signal)


@kind("weights-among-inputs")
def weights_among_inputs(rng) -> Case:
    """As files of IR 3 had to, and later ones may."""
    ir = int(rng.choice([3, 3, 4, 8]))
    case = any_net(rng, opset=int(rng.integers(8, 12)) if ir == 3 else 13, ir=ir, among=PLAIN)
    for w in case.model.graph.initializer:
        case.model.graph.input.append(helper.make_tensor_value_info(w.name, w.data_type, w.dims))
    if rng.random() < 0.5:  # the picture need not come first
        infos = list(case.model.graph.input)[::-1]
        del case.model.graph.input[:]
        case.model.graph.input.extend(infos)
    return case


@kind("weights-float-data")
def weights_float_data(rng) -> Case:
    """Values in typed fields in place of raw_data."""
    case = any_net(rng)
    for w in case.model.graph.initializer:
        value = numpy_helper.to_array(w)
        w.CopyFrom(helper.make_tensor(w.name, w.data_type, w.dims, value.ravel().tolist()))
    return case


@kind("weights-external")
def weights_external(rng) -> Case:
    """In a file beside the model, at offsets."""
    case = any_net(rng)
    data = bytearray(b"\0" * int(rng.choice([0, 16])))
    for w in floats(case.model, 4):
        raw = numpy_helper.to_array(w).tobytes()
        w.ClearField("raw_data")
        w.data_location = TensorProto.EXTERNAL
        del w.external_data[:]
        for key, value in (("location", "weights.bin"), ("offset", str(len(data))), ("length", str(len(raw)))):
            w.external_data.add(key=key, value=value)
        data += raw + b"\0" * (-len(raw) % 16)
    case.files = {"weights.bin": bytes(data)}
    return case


@kind("weights-constants")
def weights_constants(rng) -> Case:
    """Constant nodes in place of initialisers."""
    case = any_net(rng)
    for w in list(case.model.graph.initializer):
        value = drop(case.model, w.name)
        name, value.name = value.name, "value" if rng.random() < 0.5 else ""
        put(case.model, helper.make_node("Constant", [], [name], value=value))
    return case


@kind("weights-constant-attributes")
def weights_constant_attributes(rng) -> Case:
    """Constants by value_floats and value_ints, reshaped where they have more axes."""
    case = any_net(rng, among=PLAIN)
    for w in list(case.model.graph.initializer):
        value = numpy_helper.to_array(drop(case.model, w.name))
        if value.dtype == np.int64 and value.ndim == 1:
            put(case.model, helper.make_node("Constant", [], [w.name], value_ints=value.tolist()))
            continue
        flat = f"{w.name}_flat"
        shape = f"{w.name}_shape"
        put(
            case.model,
            helper.make_node("Constant", [], [flat], value_floats=value.ravel().tolist()),
            helper.make_node("Constant", [], [shape], value_ints=list(value.shape)),
            helper.make_node("Reshape", [flat, shape], [w.name]),
        )
    return case


@kind("weights-in-if")
def weights_in_if(rng) -> Case:
    """A weight that an If with a constant condition picks, as scripted modules write it."""
    case = any_net(rng, among=PLAIN)
    w = floats(case.model, 4)[int(rng.integers(2))]
    value = numpy_helper.to_array(drop(case.model, w.name))
    branches = []
    for scale in (1, -3):
        tensor = numpy_helper.from_array((value * scale).astype(np.float32), "v")
        node = helper.make_node("Constant", [], [f"{w.name}_{len(branches)}"], value=tensor)
        info = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, value.shape)
        branches.append(helper.make_graph([node], f"branch{len(branches)}", [], [info]))
    add_weight(case.model, "odd_yes", np.array(True))
    put(case.model, helper.make_node("If", ["odd_yes"], [w.name], then_branch=branches[0], else_branch=branches[1]))
    return case


def stored(case: Case, data_type: int, typed: bool) -> Case:
    """Weights in another type, and a Cast behind each."""
    for w in floats(case.model, 4):
        value = drop(case.model, w.name)
        array = numpy_helper.to_array(value)
        name = f"{w.name}_stored"
        if typed:
            tensor = helper.make_tensor(name, data_type, array.shape, array.ravel().tolist())
        elif data_type == TensorProto.DOUBLE:
            tensor = numpy_helper.from_array(array.astype(np.float64), name)
        else:
            tensor = numpy_helper.from_array(array.astype(helper.tensor_dtype_to_np_dtype(data_type)), name)
        case.model.graph.initializer.append(tensor)
        put(case.model, helper.make_node("Cast", [name], [w.name], to=TensorProto.FLOAT))
    return case


@kind("weights-half")
def weights_half(rng) -> Case:
    return stored(any_net(rng), TensorProto.FLOAT16, False)


@kind("weights-half-int32-data")
def weights_half_int32(rng) -> Case:
    """Half precision in int32_data, a number for each pair of bytes."""
    return stored(any_net(rng), TensorProto.FLOAT16, True)


@kind("weights-bfloat16")
def weights_bfloat16(rng) -> Case:
    return stored(any_net(rng), TensorProto.BFLOAT16, bool(rng.integers(2)))


@kind("weights-double")
def weights_double(rng) -> Case:
    return stored(any_net(rng), TensorProto.DOUBLE, bool(rng.integers(2)))


@kind("weights-float8")
def weights_float8(rng) -> Case:
    case = any_net(rng, opset=19, ir=9)
    return stored(case, int(rng.choice([TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2])), False)


@kind("weights-twice")
def weights_twice(rng) -> Case:
    """The same initialiser again; the runtime takes the last."""
    case = any_net(rng)
    for w in floats(case.model, 4)[:2]:
        case.model.graph.initializer.append(w)
    return case


@kind("weights-sparse")
def weights_sparse(rng) -> Case:
    case = any_net(rng, among=(classifier, residual))
    w = next(w for w in floats(case.model, 8) if len(w.dims) == 2)
    array = numpy_helper.to_array(drop(case.model, w.name)).copy()
    array[np.abs(array) < np.median(np.abs(array))] = 0
    (places,) = np.nonzero(array.ravel())
    values = numpy_helper.from_array(array.ravel()[places], w.name)
    indices = numpy_helper.from_array(places.astype(np.int64), "")
    case.model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, array.shape))
    return case


@kind("weights-unused")
def weights_unused(rng) -> Case:
    """Left over: unread weights, empty tensors, strings, and a value_info for what is not there."""
    case = any_net(rng)
    add_weight(case.model, "left_over", np.ones((3, 5), np.float32))
    add_weight(case.model, "empty", np.zeros((0, 4), np.float32))
    case.model.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [2], [b"a", "ü".encode()]))
    case.model.graph.value_info.append(helper.make_tensor_value_info("gone", TensorProto.FLOAT, ["a", None, 3]))
    return case


@kind("weights-through-identity")
def weights_through_identity(rng) -> Case:
    """Tied weights, as exporters write them: Identity of an initialiser."""
    case = any_net(rng)
    for w in floats(case.model, 4)[:3]:
        value = drop(case.model, w.name)
        value.name = f"{w.name}_tied"
        case.model.graph.initializer.append(value)
        put(case.model, helper.make_node("Identity", [value.name], [w.name]))
    return case


@kind("weights-transposed")
def weights_transposed(rng) -> Case:
    """A dense layer as Transpose of the weight, MatMul and Add."""
    case = any_net(rng, among=(classifier, residual, signal))
    gemm = next(n for n in case.model.graph.node if n.op_type == "Gemm")
    x, w, b = gemm.input
    out = gemm.output[0]
    case.model.graph.node.remove(gemm)
    case.model.graph.node.extend([
        helper.make_node("Transpose", [w], ["odd_t"], perm=[1, 0]),
        helper.make_node("MatMul", [x, "odd_t"], ["odd_m"]),
        helper.make_node("Add", [b, "odd_m"], [out]),
    ])
    return case


@kind("weights-computed")
def weights_computed(rng) -> Case:
    """Weight standardisation: the kernel is normalised by nodes."""
    case = any_net(rng, among=PLAIN)
    conv = next(n for n in case.model.graph.node if n.op_type == "Conv")
    w = conv.input[1]
    axes = list(range(1, len(next(i for i in case.model.graph.initializer if i.name == w).dims)))
    put(
        case.model,
        helper.make_node("ReduceMean", [w], ["odd_mean"], axes=axes, keepdims=1),
        helper.make_node("Sub", [w, "odd_mean"], ["odd_centred"]),
        helper.make_node("ReduceL2", ["odd_centred"], ["odd_norm"], axes=axes, keepdims=1),
        helper.make_node("Div", ["odd_centred", "odd_norm"], ["odd_w"]),
    )
    conv.input[1] = "odd_w"
    return case


@kind("weights-int8")
def weights_int8(rng) -> Case:
    """8-bit weights, scaled by channel or as a whole, through DequantizeLinear; activations stay float."""
    case = any_net(rng, among=(*PLAIN, tokens, detector))
    by_channel = bool(rng.integers(2))
    for w in [w for w in floats(case.model, 8) if len(w.dims) >= 2 and readers(case.model, w.name)[0].op_type in ("Conv", "Gemm", "MatMul")]:
        array = numpy_helper.to_array(drop(case.model, w.name))
        axes = tuple(range(1, array.ndim)) if by_channel else None
        scale = (np.abs(array).max(axis=axes) / 127).astype(np.float32)
        wide = scale.reshape(-1, *[1] * (array.ndim - 1)) if by_channel else scale
        q = np.clip(np.round(array / wide), -127, 127).astype(np.int8)
        names = [add_weight(case.model, f"{w.name}_{k}", v) for k, v in (("q", q), ("scale", scale), ("zero", np.zeros_like(scale, np.int8)))]
        put(case.model, helper.make_node("DequantizeLinear", names, [w.name], axis=0))
    return case


@kind("weights-int4-blocks")
def weights_int4(rng) -> Case:
    """4-bit weights in blocks (operator set 21)."""
    case = any_net(rng, opset=21, ir=10, among=(classifier, residual))
    gemm = next(n for n in case.model.graph.node if n.op_type == "Gemm")
    array = numpy_helper.to_array(drop(case.model, gemm.input[1]))
    rows, cols = array.shape
    padded = np.zeros((rows, cols + cols % 2), np.float32)
    scale = np.abs(array).reshape(rows, cols).max(axis=1, keepdims=True).astype(np.float32) / 7
    q = np.clip(np.round(array / scale), -7, 7).astype(np.int64)
    del padded
    case.model.graph.initializer.append(helper.make_tensor("odd_q", TensorProto.INT4, q.shape, q.ravel().tolist()))
    add_weight(case.model, "odd_scale", scale)
    put(case.model, helper.make_node("DequantizeLinear", ["odd_q", "odd_scale"], [gemm.input[1]], axis=1, block_size=cols))
    return case


@kind("file-in-parts")
def file_in_parts(rng) -> Case:
    """Protobuf merges what is concatenated: weights in a message of their own, and fields that nobody knows."""
    case = any_net(rng)
    first, second = onnx.ModelProto(), onnx.ModelProto()
    first.CopyFrom(case.model)
    del first.graph.initializer[:]
    second.graph.initializer.extend(case.model.graph.initializer)
    unknown = b"\xfa\x3e\x03abc"  # field 1007, three bytes
    parts = [first.SerializeToString(), second.SerializeToString()]
    case.raw = unknown + b"".join(parts if rng.random() < 0.5 else parts[::-1]) + unknown
    return case
