"""Kinds: operator sets, IR versions, and operators' older forms."""
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from case import Case, kind
from edit import behind, put
from kinds_shapes import headed
from net import Net
from nets import any_net, channels_last, classifier, imports, regression, residual, signal, unet, volume

PLAIN = (classifier, residual, unet, channels_last, regression, signal, volume)


def at(rng, low: int, high: int) -> Case:
    opset = int(rng.integers(low, high + 1))
    ir = {7: 3, 8: 3}.get(opset, int(rng.integers(4, 9)))
    case = any_net(rng, opset, ir, PLAIN)
    if ir == 3:
        for w in case.model.graph.initializer:
            case.model.graph.input.append(helper.make_tensor_value_info(w.name, w.data_type, w.dims))
    case.note = f"operator set {opset}, IR {ir}"
    return case


@kind("opset-7-8")
def opset_7(rng) -> Case:
    return at(rng, 7, 8)


@kind("opset-9-12")
def opset_9(rng) -> Case:
    return at(rng, 9, 12)


@kind("opset-newest")
def opset_newest(rng) -> Case:
    opset = int(rng.integers(21, 27))
    case = any_net(rng, opset, int(rng.integers(10, 13)), (classifier, residual, unet, regression))
    case.note = f"operator set {opset}"
    return case


@kind("imports-odd")
def imports_odd(rng) -> Case:
    """Domains that no node uses, the default one by its other name, or said twice."""
    case = any_net(rng)
    form = int(rng.integers(4))
    if form == 0:
        for domain, version in (("ai.onnx.ml", 3), ("com.microsoft", 1), ("nobody.knows", 7), ("ai.onnx.training", 1)):
            imports(case.model, domain, version)
    elif form == 1:
        case.model.opset_import[0].domain = "ai.onnx"
    elif form == 2:
        imports(case.model, "", case.model.opset_import[0].version)
    else:
        for node in case.model.graph.node:
            node.domain = "ai.onnx"
    case.note = f"form {form}"
    return case


@kind("mixed-domains")
def mixed_domains(rng) -> Case:
    """An operator of com.microsoft on the path."""
    net = Net(rng)
    h = net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4)
    form = str(rng.choice(["Gelu", "QuickGelu", "FastGelu", "BiasGelu", "FusedConv"]))
    if form == "FusedConv":
        h = net.op("FusedConv", [h, net.normal(4, 4, 3, 3)], domain="com.microsoft", activation="Tanh", pads=[1] * 4)
    elif form == "BiasGelu":
        flat = net.op("Transpose", [h], perm=[0, 2, 3, 1])
        flat = net.op("BiasGelu", [flat, net.weight(rng.normal(0, 1, 4).astype(np.float32))], domain="com.microsoft")
        h = net.op("Transpose", [flat], perm=[0, 3, 1, 2])
    else:
        h = net.op(form, [h], domain="com.microsoft")
    case = headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, 6, 6))
    imports(case.model, "com.microsoft", 1)
    case.note = form
    return case


@kind("old-forms")
def old_forms(rng) -> Case:
    """Clip, Pad, Slice, Split, Squeeze, Dropout and BatchNormalization with attributes, before operator set 10."""
    opset = int(rng.integers(7, 10))
    net = Net(rng, opset, 4)
    x = net.input("x", ["n", 3, 6, 6])
    h = net.op("Pad", [x], pads=[0, 0, 1, 0, 0, 0, 0, 1], mode=str(rng.choice(["constant", "reflect"])), value=0.3)
    h = net.op("Slice", [h], starts=[1, 0], ends=[7, 6], axes=[2, 3])
    h = net.act(net.conv(h, 3, 4), "Tanh")
    h = net.op("Clip", [h], min=-5.0, max=6.0)
    h = net.op("Dropout", [h], ratio=0.5)
    stats = [net.weight(rng.uniform(0.5, 1.5, 4).astype(np.float32)) for _ in range(4)]
    h = net.op("BatchNormalization", [h, *stats], epsilon=1e-3, momentum=0.99)
    net.nodes.append(helper.make_node("Split", [h], ["half_a", "half_b"], axis=1, split=[1, 3]))
    h = net.op("Concat", ["half_b", "half_a"], axis=1)
    case = headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, 6, 6))
    flatten = next(n for n in case.model.graph.node if n.op_type == "Flatten")
    flatten.op_type = "Squeeze"
    flatten.attribute.append(helper.make_attribute("axes", [2, 3]))
    return case


@kind("softmax-old")
def softmax_old(rng) -> Case:
    """Softmax below operator set 13 flattens what follows its axis."""
    net = Net(rng, int(rng.integers(8, 13)), 6)
    h = net.conv(net.input("x", ["n", 3, 4, 4]), 3, 4)
    gate = net.op("Softmax", [h], axis=int(rng.integers(1, 3)))
    h = net.op("Mul", [h, gate])
    return headed(net, net.conv(h, 4, 4), 4, "Sigmoid", (1, 3, 4, 4))


@kind("dropout-on-path")
def dropout_on_path(rng) -> Case:
    """Dropout of inference behind the last activation: its mask as an output, its ratio as an input or left out."""
    case = any_net(rng, 13, 7, (classifier, residual, unet, regression))
    graph = case.model.graph
    ratio = helper.make_tensor("odd_ratio", TensorProto.FLOAT, [], [0.5])
    graph.initializer.append(ratio)
    out = behind(case.model, case.layer, ("Dropout", {"inputs": ["odd_ratio"] if rng.random() < 0.5 else []}))
    if rng.random() < 0.5:
        next(n for n in graph.node if out in n.output).output.append("odd_mask")
    return case


@kind("training-mode")
def training_mode(rng) -> Case:
    """Dropout that drops, or a normalisation by the batch: no map is right."""
    case = any_net(rng, 14, 7, (classifier, residual))
    if any(n.op_type == "BatchNormalization" for n in case.model.graph.node):
        node = next(n for n in case.model.graph.node if n.op_type == "BatchNormalization")
        node.attribute.append(helper.make_attribute("training_mode", 1))
        node.output.extend(["odd_mean", "odd_variance"])
        # A layer in front of it: behind it the map of that one run is right.
        case.layer = next(n for n in case.model.graph.node if n.op_type == "Conv").output[0]
        case.refuse = "batch normalisation in training mode"
        return case
    for name, value, t in (("odd_ratio", 0.5, TensorProto.FLOAT), ("odd_train", True, TensorProto.BOOL)):
        case.model.graph.initializer.append(helper.make_tensor(name, t, [], [value]))
    behind(case.model, case.layer, ("Dropout", {"inputs": ["odd_ratio", "odd_train"]}))
    case.refuse = "a Dropout that drops"
    return case


@kind("layer-behind-casts")
def layer_behind_casts(rng) -> Case:
    """Identity, Dropout and Casts to half and back behind the last activation, as mixed precision leaves them."""
    case = any_net(rng, 15, 8, (classifier, residual, unet, regression, signal))
    chain: list[tuple[str, dict]] = [("Identity", {}), ("Dropout", {}), ("Identity", {})]
    wide = TensorProto.DOUBLE if rng.random() < 0.5 else TensorProto.FLOAT
    chain = [chain[i] for i in rng.permutation(3)[: int(rng.integers(1, 4))]]
    behind(case.model, case.layer, *chain, ("Cast", {"to": wide}), ("Cast", {"to": TensorProto.FLOAT}))
    return case


@kind("constants-on-path")
def constants_on_path(rng) -> Case:
    """The picture is normalised inside, by constants of shape [1, 3, 1, 1]."""
    case = any_net(rng, among=(classifier, residual))
    for node in case.model.graph.node:
        node.input[:] = ["odd_normal" if i == "x" else i for i in node.input]
    mean = helper.make_tensor("m", TensorProto.FLOAT, [1, 3, 1, 1], [0.4, 0.5, 0.6])
    put(
        case.model,
        helper.make_node("Constant", [], ["odd_mean"], value=mean),
        helper.make_node("Constant", [], ["odd_std"], value_float=0.7),
        helper.make_node("Sub", ["x", "odd_mean"], ["odd_centred"]),
        helper.make_node("Div", ["odd_centred", "odd_std"], ["odd_normal"]),
    )
    return case
