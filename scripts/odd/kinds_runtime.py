"""Kinds that ONNX Runtime's own tools write: its optimiser, quantisers, half-precision converter and fusions for transformers."""
from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

from case import Case, kind
from find import last_grid
from kinks import clear_of_kinks
from net import names_of
from nets import any_net, channels_last, classifier, regression, residual, signal, tokens, two_pictures, unet, volume
from truth import Reject, observed, opened

PLAIN = (classifier, residual, unet, regression, signal, channels_last)


@contextlib.contextmanager
def quietly():
    logging.disable(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def optimised(model: onnx.ModelProto, level: str) -> onnx.ModelProto:
    """What InferenceSession writes to optimized_model_filepath."""
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = os.path.join(folder, "out.onnx")
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def twinned(case: Case, model: onnx.ModelProto, tolerance: float | None = None) -> Case:
    """The tool's file, with the truth from the file that the tool was given; the layer may have gone."""
    case.twin, case.twin_layer, case.twin_score = case.model, case.layer, case.score
    case.model = model
    case.tolerance = tolerance or case.tolerance
    made = {o for node in model.graph.node for o in node.output}
    if case.layer not in made:
        case.layer = last_grid(model)
        case.at_layer = False  # it may be of whole numbers, whose gradient is in their own unit
    if case.score not in made:
        case.score = case.output
    return case


@kind("runtime-basic", "optimized_model_filepath, level basic")
def runtime_basic(rng) -> Case:
    case = any_net(rng)
    return twinned(case, optimised(case.model, "BASIC"))


@kind("runtime-extended", "optimized_model_filepath, level extended")
def runtime_extended(rng) -> Case:
    """Fused operators of com.microsoft."""
    case = any_net(rng, among=(classifier, residual, unet, tokens, two_pictures))
    return twinned(case, optimised(case.model, "EXTENDED"))


@kind("runtime-all", "optimized_model_filepath, level all")
def runtime_all(rng) -> Case:
    """The layout of this processor: nchwc operators where there are any."""
    case = any_net(rng, among=(classifier, residual, unet))
    case.may_refuse = "the file is for one processor alone"
    return twinned(case, optimised(case.model, "ALL"))


class Samples:
    """Calibration on pictures of more contrast than the case's, which then saturates nowhere: there a gradient is a matter of taste."""

    def __init__(self, case: Case, rng, count: int = 8):
        self.left = [{k: (1.4 * v + rng.normal(0, 0.3, v.shape)).astype(v.dtype) for k, v in case.feeds.items()} for _ in range(count)]

    def get_next(self):
        return self.left.pop() if self.left else None


def quantised(case: Case, rng, form: str, **more) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(Samples, CalibrationDataReader):
        pass

    with tempfile.TemporaryDirectory() as folder, quietly():
        given, out = os.path.join(folder, "in.onnx"), os.path.join(folder, "out.onnx")
        onnx.save(case.model, given)
        # 7 bits of a weight, so that no processor's products saturate.
        quantize_static(
            given, out, Reader(case, rng), quant_format=getattr(QuantFormat, form), activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, reduce_range=True, **more,
        )
        return onnx.load(out)


ZEROS = {"QuantizeLinear": 2, "QLinearConv": 7, "QLinearConcat": 1}


def saturated(twin: onnx.ModelProto, model: onnx.ModelProto, feeds) -> bool:
    """Whether a tensor is at the end of its range, other than where its rectifier puts it in the twin too: there a gradient is a matter of taste."""
    nodes = [n for n in model.graph.node if n.op_type.startswith(("QuantizeLinear", "QLinear", "QGemm"))]
    constant = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
    names = [n.output[0] for n in nodes]
    floats = names_of(twin)
    exact = dict(zip(floats, opened(observed(twin, floats), {}).run(floats, feeds)))
    # A quantiser may give the rectifier's range to what is rectified.
    exact |= {node.input[0]: exact[node.output[0]] for node in twin.graph.node if node.op_type == "Relu"}

    def rectified(node) -> bool:
        name = (node.input if node.op_type == "QuantizeLinear" else node.output)[0]
        value = exact.get(name.removesuffix("_QuantizeLinear_Input").removesuffix("_quantized"))
        return value is not None and (value >= 0).all()

    for node, value in zip(nodes, opened(observed(model, names), {}).run(names, feeds)):
        zero = constant[node.input[ZEROS.get(node.op_type, len(node.input) - 1)]]
        low, high = np.iinfo(value.dtype).min, np.iinfo(value.dtype).max
        if (value == high).any() or ((zero != low or not rectified(node)) and (value == low).any()):
            return True
    return False


def straight_through(case: Case, model: onnx.ModelProto) -> Case:
    """The twin has the quantised file's weights; what rounding of activations changes is allowed for."""
    if saturated(case.model, model, case.feeds):
        raise Reject("a quantised tensor is at the end of its range")
    case = twinned(case, model, 0.15)
    # The quantiser takes a rectifier for the end of the range: then what stood behind it is the tensor dequantised.
    behind = f"{case.layer}_DequantizeLinear_Output"
    if any(behind in node.output for node in model.graph.node):
        case.layer = behind
    return case


@kind("quantised-qdq", "onnxruntime.quantization, QDQ")
def quantised_qdq(rng) -> Case:
    case = clear_of_kinks([classifier, residual, unet][int(rng.integers(3))](rng, 13, 7))
    return straight_through(case, quantised(case, rng, "QDQ", per_channel=bool(rng.integers(2))))


@kind("quantised-operators", "onnxruntime.quantization, QOperator")
def quantised_operators(rng) -> Case:
    """QLinearConv and QGemm: no derivative rule is known for all of them."""
    case = clear_of_kinks(classifier(rng, 13, 7))
    return straight_through(case, quantised(case, rng, "QOperator"))


@kind("quantised-dynamic", "onnxruntime.quantization, dynamic")
def quantised_dynamic(rng) -> Case:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    case = clear_of_kinks([classifier, tokens, regression][int(rng.integers(3))](rng, 13, 7))
    with tempfile.TemporaryDirectory() as folder, quietly():
        out = os.path.join(folder, "out.onnx")
        types = ["MatMul", "Gemm"] if rng.random() < 0.7 else None
        quantize_dynamic(case.model, out, weight_type=QuantType.QInt8, op_types_to_quantize=types, reduce_range=True)
        return straight_through(case, onnx.load(out))


@kind("quantised-matmul-bits", "onnxruntime.quantization, MatMulNBits")
def quantised_matmul_bits(rng) -> Case:
    """4 or 8 bits in blocks, com.microsoft.MatMulNBits or DequantizeLinear."""
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    case = wide_dense(rng)
    bits = int(rng.choice([4, 8]))
    form = QuantFormat.QOperator if bits == 8 or rng.random() < 0.6 else QuantFormat.QDQ
    with quietly():
        config = DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=bool(rng.integers(2)), bits=bits, quant_format=form)
        quantizer = MatMulNBitsQuantizer(copied(case.model), algo_config=config)
        quantizer.process()
    case = twinned(case, quantizer.model.model, 6e-3)
    case.twin, case.twin_layer, case.twin_score = None, None, None
    case.note = f"{bits} bits, {form.name}"
    return case


def wide_dense(rng) -> Case:
    """A classifier whose head is two matrix products of 32 and 16."""
    from net import Net, picture

    net = Net(rng)
    h = net.act(net.conv(net.input("x", ["n", 3, 6, 6]), 3, 32), "Tanh")
    a = net.act(net.op("Conv", [h, net.normal(32, 32, 1, 1)]), "Tanh", "features")
    rows = net.op("Flatten", [net.op("GlobalAveragePool", [a])])
    rows = net.op("Tanh", [net.op("MatMul", [rows, net.normal(32, 32)])])
    net.output(net.op("MatMul", [rows, net.normal(32, 16)], "logits"), ["n", 16])
    return Case(net.model(), {"x": picture(rng, 1, 3, 6, 6)}, "x", "logits", "logits", "features")


@kind("runtime-half", "onnxruntime.transformers.float16")
def runtime_half(rng) -> Case:
    """ONNX Runtime's converter, which leaves nodes out of order."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    case = any_net(rng, among=(classifier, residual, unet, two_pictures, regression))
    keep = bool(rng.integers(2))
    with quietly():
        blocked = ["Sigmoid"] if rng.random() < 0.4 else None
        model = convert_float_to_float16(copied(case.model), keep_io_types=keep, op_block_list=blocked)
    case = twinned(case, model, 3e-2)
    if not keep:
        case.feeds = {k: v.astype(np.float16) for k, v in case.feeds.items()}
    case.note = f"keep_io_types={keep}"
    return case


@kind("runtime-fused", "onnxruntime.transformers.optimizer", ("torch", "onnxscript"))
def runtime_fused(rng) -> Case:
    """Attention, SkipLayerNormalization, BiasGelu of com.microsoft, from a small vision transformer."""
    from onnxruntime.transformers import optimizer

    from kinds_torch import transformer

    model, feeds, layer = transformer(rng)
    score = model.graph.output[0].name
    case = Case(model, feeds, "x", score, score, layer, {"grid": [2, 2], "prefix": 1}, by_default=False)
    with tempfile.TemporaryDirectory() as folder, quietly():
        path = os.path.join(folder, "in.onnx")
        onnx.save(case.model, path)
        kind_of = str(rng.choice(["vit", "bert"]))
        fused = optimizer.optimize_model(path, kind_of, num_heads=2, hidden_size=8, opt_level=int(rng.integers(2)))
    model = fused.model
    if layer not in {o for n in model.graph.node for o in n.output}:
        raise Reject("the layer was fused away")
    case.note = ", ".join(sorted({n.op_type for n in model.graph.node if n.domain}))
    return twinned(case, model)


@kind("runtime-format", "onnxruntime's .ort format")
def runtime_format(rng) -> Case:
    """No ONNX at all: it has to be refused in words that say so."""
    case = any_net(rng, among=(classifier, residual))
    options = ort.SessionOptions()
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = os.path.join(folder, "out.ort")
        options.add_session_config_entry("session.save_model_format", "ORT")
        ort.InferenceSession(case.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        with open(options.optimized_model_filepath, "rb") as file:
            case.raw = file.read()
    case.refuse = "ONNX Runtime's own format"
    return case


@kind("runtime-shapes", "onnxruntime.tools.symbolic_shape_infer")
def runtime_shapes(rng) -> Case:
    """Shapes of all inner tensors, with names that the tool makes up."""
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    case = any_net(rng, 13, 7, (classifier, residual, unet, regression, signal, volume))
    with quietly():
        case.model = SymbolicShapeInference.infer_shapes(case.model, auto_merge=True, guess_output_rank=True)
    return case


@kind("runtime-fixed", "onnxruntime.tools.make_dynamic_shape_fixed")
def runtime_fixed(rng) -> Case:
    from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_dim_param_fixed

    case = any_net(rng, 13, 7, (classifier, residual, unet, regression, signal))
    with quietly():
        make_dim_param_fixed(case.model.graph, "n", case.feeds["x"].shape[0])
        fix_output_shapes(case.model)
    return case


@kind("runtime-preprocessed", "onnxruntime.quantization.quant_pre_process")
def runtime_preprocessed(rng) -> Case:
    from onnxruntime.quantization.shape_inference import quant_pre_process

    case = any_net(rng, 13, 7, (classifier, residual, unet, regression))
    with tempfile.TemporaryDirectory() as folder, quietly():
        out = os.path.join(folder, "out.onnx")
        quant_pre_process(case.model, out)
        return twinned(case, onnx.load(out))

