"""Kinds that other tools of the ONNX world write: converters, slimmers, composers, inliners, and Keras' exporter."""
from __future__ import annotations

import os
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, parser, version_converter

from case import Case, kind
from find import last_grid
from kinds_control import function_on_path
from kinds_runtime import copied, quietly, twinned
from net import Net, picture
from nets import any_net, channels_last, classifier, detector, regression, residual, signal, tokens, two_pictures, unet, volume
from truth import Reject

PLAIN = (classifier, residual, unet, regression, signal, channels_last)


@kind("common-half", "onnxconverter-common.float16", ("onnxconverter_common",))
def common_half(rng) -> Case:
    from onnxconverter_common import float16

    case = any_net(rng, 13, 7, (classifier, residual, unet, two_pictures, regression))
    keep = bool(rng.integers(2))
    with quietly():
        model = float16.convert_float_to_float16(copied(case.model), keep_io_types=keep)
    case = twinned(case, model, 3e-2)
    if not keep:
        case.feeds = {k: v.astype(np.float16) for k, v in case.feeds.items()}
    case.note = f"keep_io_types={keep}"
    return case


@kind("common-mixed", "onnxconverter-common.auto_mixed_precision", ("onnxconverter_common",))
def common_mixed(rng) -> Case:
    from onnxconverter_common import auto_mixed_precision

    case = any_net(rng, 13, 7, (classifier, residual, regression))
    with quietly():
        model = auto_mixed_precision.auto_convert_mixed_precision(copied(case.model), case.feeds, rtol=0.05, atol=0.05, keep_io_types=True)
    return twinned(case, model, 3e-2)


@kind("common-trimmed", "onnxconverter-common.optimizer", ("onnxconverter_common",))
def common_trimmed(rng) -> Case:
    from onnxconverter_common import optimizer

    case = any_net(rng, 11, 6, (channels_last, residual, unet))
    with quietly():
        return twinned(case, optimizer.optimize_onnx_model(copied(case.model)))


@kind("slimmed", "onnxslim", ("onnxslim",))
def slimmed(rng) -> Case:
    import onnxslim

    case = any_net(rng, 13, 7, (*PLAIN, tokens, detector))
    with quietly():
        return twinned(case, onnxslim.slim(copied(case.model)))


@kind("slimmed-export", "torch.onnx.export, then onnxslim", ("onnxslim", "torch", "onnxscript"))
def slimmed_export(rng) -> Case:
    import onnxslim

    from kinds_torch import exported, headed, told

    net, word = headed(rng)
    x = picture(rng, 1, 3, 10, 10)
    model = exported(net, [x], ["x"], bool(rng.integers(2)))
    with quietly():
        model = onnxslim.slim(model)
    return told(model, {"x": x}, word)


@kind("version-converted", "onnx.version_converter")
def version_converted(rng) -> Case:
    """Up or down by some operator sets."""
    low, high = sorted(rng.choice(range(8, 19), 2, replace=False).tolist())
    start, end = (low, high) if rng.random() < 0.7 else (high, low)
    case = any_net(rng, start, 4 if start < 9 else 7, (classifier, residual, signal, regression))
    try:
        case.model = version_converter.convert_version(case.model, end)
    except RuntimeError as error:
        raise Reject(f"the converter has no way from {start} to {end}") from error
    case.note = f"{start} to {end}"
    return case


@kind("composed", "onnx.compose.merge_models")
def composed(rng) -> Case:
    """A model that prepares pictures in front of one that classifies them, with prefixes, operator sets alike."""
    case = any_net(rng, among=(classifier, residual, regression, unet))
    net = Net(rng)
    shape = ["n", *case.feeds["x"].shape[1:]]
    x = net.input("pixels", shape)
    mean = net.weight(rng.uniform(-0.3, 0.3, (1, shape[1], 1, 1)).astype(np.float32))
    net.output(net.op("Div", [net.op("Sub", [x, mean]), net.weight(np.array(0.8, np.float32))], "prepared"), shape)
    joined = compose.merge_models(
        compose.add_prefix(net.model(), "pre/"), compose.add_prefix(case.model, "net/"), io_map=[("pre/prepared", "net/x")],
    )
    case.model = joined
    case.feeds = {"pre/pixels": case.feeds["x"]}
    case.image = "pre/pixels"
    case.output, case.score, case.layer = (f"net/{t}" for t in (case.output, case.score, case.layer))
    return case


@kind("inlined", "onnx.inliner")
def inlined(rng) -> Case:
    from onnx import inliner

    case = function_on_path(rng)
    case.model = inliner.inline_local_functions(case.model)
    return case


@kind("parsed", "onnx.parser")
def parsed(rng) -> Case:
    """Written as text, with a function, from scratch."""
    side = 5
    text = f"""
      <ir_version: 8, opset_import: ["" : 17, "odd" : 1]>
      odd_net (float[n, 2, {side}, {side}] x) => (float[n, 3] logits) {{
        c = Conv <pads = [1, 1, 1, 1]> (x, w)
        features = odd.gate (c)
        p = GlobalAveragePool (features)
        f = Flatten (p)
        logits = MatMul (f, v)
      }}
      <domain: "odd", opset_import: ["" : 17]>
      gate (a) => (b) {{ t = Tanh (a)
        s = Softplus (a)
        b = Mul (t, s) }}
    """
    model = parser.parse_model(text)
    for name, shape in (("w", (4, 2, 3, 3)), ("v", (4, 3))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(rng.normal(0, 0.7, shape).astype(np.float32), name))
    return Case(model, {"x": picture(rng, 1, 2, side, side)}, "x", "logits", "logits", "features")


@kind("dims-updated", "onnx.tools.update_model_dims")
def dims_updated(rng) -> Case:
    """Names, or -1, in place of sizes."""
    from onnx.tools import update_model_dims

    case = any_net(rng, among=(classifier, residual, unet, regression, signal))
    word = "batch" if rng.random() < 0.5 else -1
    inputs = {i.name: [word, *[d.dim_value or d.dim_param for d in i.type.tensor_type.shape.dim][1:]] for i in case.model.graph.input}
    outputs = {o.name: [word, *[d.dim_value or d.dim_param for d in o.type.tensor_type.shape.dim][1:]] for o in case.model.graph.output}
    case.model = update_model_dims.update_inputs_outputs_dims(case.model, inputs, outputs)
    return case


@kind("extracted", "onnx.utils.Extractor")
def extracted(rng) -> Case:
    """The part from the picture to the scores, of a model that goes on."""
    case = any_net(rng, among=PLAIN)
    model = copied(case.model)
    model.graph.node.append(helper.make_node("Tanh", ["logits"], ["more"]))
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, None))
    shaped = onnx.shape_inference.infer_shapes(model)
    case.model = onnx.utils.Extractor(shaped).extract_model(list(case.feeds), ["logits"])
    return case


@kind("shapes-inferred", "onnx.shape_inference")
def shapes_inferred(rng) -> Case:
    case = any_net(rng, among=(*PLAIN, volume, two_pictures, detector))
    case.model = onnx.shape_inference.infer_shapes(case.model, data_prop=True)
    return case


@kind("external-by-onnx", "onnx.save_model(save_as_external_data)")
def external_by_onnx(rng) -> Case:
    case = any_net(rng, among=PLAIN)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        onnx.save_model(copied(case.model), path, save_as_external_data=True, location="weights.bin", size_threshold=16)
        case.model = onnx.load(path, load_external_data=False)
        with open(os.path.join(folder, "weights.bin"), "rb") as file:
            case.files = {"weights.bin": file.read()}
    return case


@kind("script-functions", "onnxscript", ("onnxscript",))
def script_functions(rng) -> Case:
    """A model of onnxscript, whose helpers become functions of the file."""
    import onnx_ir
    import onnxscript  # noqa: F401

    case = function_on_path(rng)
    with quietly():
        case.model = onnx_ir.serde.serialize_model(onnx_ir.serde.deserialize_model(case.model))
    return case


@kind("script-optimised", "onnxscript.optimizer", ("onnxscript",))
def script_optimised(rng) -> Case:
    from onnxscript import optimizer

    case = any_net(rng, 18, 8, (classifier, residual, unet, tokens, two_pictures))
    with quietly():
        return twinned(case, optimizer.optimize(copied(case.model)))


@kind("script-rewritten", "onnxscript.rewriter", ("onnxscript",))
def script_rewritten(rng) -> Case:
    from onnxscript import rewriter

    case = any_net(rng, 18, 8, (classifier, residual, unet, channels_last))
    with quietly():
        return twinned(case, rewriter.rewrite(copied(case.model)))


@kind("keras", "Keras' exporter (Model.export, backend torch)", ("keras", "torch", "onnxscript"))
def keras_export(rng) -> Case:
    """Channels last, as Keras has them."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    from kinds_torch import without_places

    keras.utils.set_random_seed(int(rng.integers(1 << 30)))
    act = str(rng.choice(["silu", "tanh", "gelu", "softplus", "elu"]))
    layers = keras.layers
    x = inputs = keras.Input((8, 8, 3), batch_size=1)
    x = layers.Activation(act)(layers.Conv2D(4, 3, padding=str(rng.choice(["same", "valid"])), strides=int(rng.integers(1, 3)))(x))
    if rng.random() < 0.5:
        x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Activation(act)(layers.BatchNormalization()(layers.Conv2D(5, 1)(x)))
    x = layers.Dense(4)(layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x)))
    net = keras.Model(inputs, x)
    for weight in net.weights:
        if len(weight.shape) > 1:
            weight.assign(weight * 1.6)
    net(np.zeros((1, 8, 8, 3), np.float32))
    with tempfile.TemporaryDirectory() as folder, quietly():
        path = os.path.join(folder, "model.onnx")
        net.export(path, format="onnx", verbose=False)
        model = without_places(onnx.load(path))
    name, output = model.graph.input[0].name, model.graph.output[0].name
    layer = last_grid(model)
    layout = "NCHW" if grid_first(model, layer, 5) else "NHWC"
    return Case(model, {name: picture(rng, 1, 8, 8, 3)}, name, output, output, layer, layout, note=act)


def grid_first(model: onnx.ModelProto, tensor: str, channels: int) -> bool:
    """Whether a tensor's channels come first, as its shape tells."""
    from truth import observed, opened

    session = opened(observed(model, [tensor]), {})
    feeds = {i.name: np.zeros([d if isinstance(d, int) else 1 for d in i.shape], np.float32) for i in session.get_inputs()}
    return session.run([tensor], feeds)[0].shape[1] == channels


@kind("tf2onnx", "tf2onnx", ("tensorflow", "tf2onnx"))
def by_tf2onnx(rng) -> Case:
    """A Keras model on TensorFlow: Transposes around each convolution, or merged into few."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    import tf2onnx

    tf.random.set_seed(int(rng.integers(1 << 30)))
    w1, w2, w3 = (rng.normal(0, s, shape).astype(np.float32) for s, shape in ((0.4, (3, 3, 3, 4)), (0.4, (3, 3, 4, 5)), (0.8, (5, 4))))
    act = [tf.nn.silu, tf.tanh, tf.nn.softplus, tf.nn.elu][int(rng.integers(4))]
    padding = str(rng.choice(["SAME", "VALID"]))
    free = bool(rng.integers(2))

    @tf.function(input_signature=[tf.TensorSpec([None if free else 1, 8, 8, 3], tf.float32, "x")])
    def net(x):
        h = act(tf.nn.conv2d(x, w1, int(rng.integers(1, 3)), padding))
        a = act(tf.nn.conv2d(h, w2, 1, "SAME"))
        return tf.linalg.matmul(tf.reduce_mean(a, [1, 2]), w3)

    with quietly():
        opset = int(rng.choice([11, 13, 15, 17]))
        model, _ = tf2onnx.convert.from_function(net, input_signature=net.input_signature, opset=opset)
    name, output = model.graph.input[0].name, model.graph.output[0].name
    layer = last_grid(model)
    layout = "NCHW" if grid_first(model, layer, 5) else "NHWC"
    return Case(model, {name: picture(rng, 1, 8, 8, 3)}, name, output, output, layer, layout, note=f"{padding}, operator set {opset}")
