"""Kinds: what a network ends in, and which outputs it has."""
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from case import Case, kind
from edit import add_weight, maker, output_as, put
from kinks import clear_of_kinks
from net import Net, picture
from nets import any_net, classifier, imports, regression, residual, signal, tokens, unet

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
PLAIN = (classifier, residual, signal)


def info(name: str, shape=None, type: int = FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


def ended(case: Case, *nodes, out: str, shape=("n", "k")) -> Case:
    """Nodes behind `logits`, whose last output takes the place of the model's."""
    case.model.graph.node.extend(nodes)
    output_as(case.model, "logits", info(out, shape))
    case.output = out
    return case


@kind("ends-in-softmax")
def ends_in_softmax(rng) -> Case:
    """Explained is the score in front; what is seeded is the output."""
    case = any_net(rng, among=PLAIN)
    op = str(rng.choice(["Softmax", "LogSoftmax", "Sigmoid"]))
    chain = [helper.make_node(op, ["logits"], ["p0"], **({} if op == "Sigmoid" else {"axis": int(rng.choice([1, -1]))}))]
    if rng.random() < 0.5:
        chain.append(helper.make_node("Identity", ["p0"], ["probabilities"]))
    else:
        chain[0].output[0] = "probabilities"
    return ended(case, *chain, out="probabilities")


@kind("ends-in-topk")
def ends_in_topk(rng) -> Case:
    """Ranks, not classes: behind a softmax, with the scores themselves among the outputs or not."""
    case = any_net(rng, among=PLAIN)
    k = add_weight(case.model, "odd_k", np.array([3]))
    case.model.graph.node.extend([helper.make_node("Softmax", ["logits"], ["p"], axis=1), helper.make_node("TopK", ["p", k], ["values", "indices"])])
    output_as(case.model, "logits", info("values", ["n", 3]))
    case.model.graph.output.append(info("indices", ["n", 3], INT64))
    case.output = "values"
    return case


@kind("ends-in-argmax")
def ends_in_argmax(rng) -> Case:
    """A label first, then the scores; both orders."""
    case = any_net(rng, among=PLAIN)
    case.model.graph.node.append(helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0))
    case.model.graph.output.insert(int(rng.integers(2)), info("label", ["n"], INT64))
    return case


@kind("ends-in-zipmap")
def ends_in_zipmap(rng) -> Case:
    """A sequence of maps beside the probabilities, as classifiers of scikit-learn have."""
    case = any_net(rng, among=PLAIN)
    graph = case.model.graph
    classes = case.model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    graph.node.extend([
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ZipMap", ["probabilities"], ["zipped"], domain="ai.onnx.ml", classlabels_int64s=list(range(classes))),
    ])
    value = helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
    zipped = helper.make_value_info("zipped", helper.make_sequence_type_proto(value))
    graph.output.insert(int(rng.integers(2)), zipped)
    output_as(case.model, "logits", info("probabilities", ["n", classes]))
    imports(case.model, "ai.onnx.ml", 1)
    case.output = "probabilities"
    return case


@kind("ends-scaled")
def ends_scaled(rng) -> Case:
    """Temperature and normalisation behind the last layer."""
    case = any_net(rng, among=PLAIN)
    scale = add_weight(case.model, "odd_scale", np.array(2.5, np.float32))
    case = ended(
        case,
        helper.make_node("Mul", ["logits", scale], ["scaled"]),
        helper.make_node("LpNormalization", ["scaled"], ["unit"], axis=-1, p=2),
        out="unit",
    )
    case.score = "unit"
    return case


@kind("ends-without-batch")
def ends_without_batch(rng) -> Case:
    """Scores of shape [classes]: only seeds can say what is asked."""
    case = classifier(rng, batch=1)
    clear_of_kinks(case)
    axis = add_weight(case.model, "odd_axis", np.array([0]))
    case = ended(case, helper.make_node("Squeeze", ["logits", axis], ["flat"]), out="flat", shape=["k"])
    case.score, case.axis = "flat", None
    return case


@kind("ends-as-one-value")
def ends_as_one_value(rng) -> Case:
    """A value of shape [n] or []."""
    case = clear_of_kinks(regression(rng))
    case.feeds = {k: v[:1] for k, v in case.feeds.items()}
    axes = add_weight(case.model, "odd_axes", np.array([1] if rng.random() < 0.5 else [0, 1]))
    clear_of_kinks(case)
    case = ended(case, helper.make_node("Squeeze", ["logits", axes], ["value"]), out="value", shape=None)
    case.score, case.axis = "value", None
    return case


@kind("grid-channels-last")
def grid_channels_last(rng) -> Case:
    """Scores [n, h, w, classes]."""
    case = any_net(rng, among=(unet,))
    case = ended(case, helper.make_node("Transpose", ["logits"], ["grid"], perm=[0, 2, 3, 1]), out="grid", shape=["n", 8, 8, 3])
    case.score, case.axis = "grid", 3
    return case


@kind("grid-softmax")
def grid_softmax(rng) -> Case:
    """Segmentation that ends in a softmax over the classes, and in ArgMax beside."""
    case = any_net(rng, 13, 7, (unet,))
    case.model.graph.node.append(helper.make_node("ArgMax", ["logits"], ["classes"], axis=1))
    case.model.graph.output.append(info("classes", None, INT64))
    return ended(case, helper.make_node("Softmax", ["logits"], ["p"], axis=1), out="p", shape=["n", 3, 8, 8])


@kind("sequence-of-scores")
def sequence_of_scores(rng) -> Case:
    """[n, T, classes], columns of a picture, as text recognisers end."""
    net = Net(rng)
    x = net.input("x", ["n", 1, 6, 12])
    h = net.act(net.conv(x, 1, 4, strides=[2, 2]), "Tanh")
    a = net.act(net.conv(h, 4, 4), "Softplus", "features")
    rows = net.op("Transpose", [net.op("Squeeze", [net.op("ReduceMean", [a], axes=[2], keepdims=1), net.ints(2)])], perm=[0, 2, 1])
    scores = net.op("MatMul", [rows, net.normal(4, 5, scale=0.7)], "logits")
    net.output(net.op("LogSoftmax", [scores], "log_probabilities", axis=2), ["n", 6, 5])
    case = Case(net.model(), {"x": picture(rng, 1, 1, 6, 12)}, "x", "log_probabilities", "logits", "features", axis=None)
    return case


@kind("outputs-many")
def outputs_many(rng) -> Case:
    """Features, a constant, the picture itself, integers and the scores, in any order; the scores are named."""
    case = any_net(rng, among=(classifier, residual, signal, regression))
    graph = case.model.graph
    add_weight(case.model, "odd_constant", np.array([1.5, 2.5], np.float32))
    put(case.model, helper.make_node("Identity", ["odd_constant"], ["constant"]), helper.make_node("Shape", ["x"], ["sizes"]))
    graph.output.extend([info(case.layer), info("constant", [2]), info("sizes", None, INT64)])
    if rng.random() < 0.5:
        graph.node.append(helper.make_node("Identity", ["x"], ["same"]))
        graph.output.append(info("same"))
    order = list(rng.permutation(len(graph.output)))
    infos = [graph.output[i] for i in order]
    copies = []
    for one in infos:
        copy = type(one)()
        copy.CopyFrom(one)
        copies.append(copy)
    del graph.output[:]
    graph.output.extend(copies)
    case.options = {"output": "logits"}
    return case


@kind("constant-first")
def constant_first(rng) -> Case:
    """A constant as the first output, of the shape of scores."""
    case = any_net(rng, among=PLAIN)
    add_weight(case.model, "odd_anchors", np.ones((1, 7), np.float32))
    case.model.graph.node.append(helper.make_node("Identity", ["odd_anchors"], ["anchors"]))
    case.model.graph.output.insert(0, info("anchors", [1, 7]))
    return case


@kind("two-heads")
def two_heads(rng) -> Case:
    """An auxiliary head on an earlier activation, listed first; the one that is asked is named."""
    net = Net(rng)
    early = net.act(net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4), "Tanh")
    a = net.act(net.conv(early, 4, 5), "Softplus", "features")
    for name, h, width in (("auxiliary", early, 4), ("logits", a, 5)):
        net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [h])]), width, 4, name), ["n", 4])
    case = Case(net.model(), {"x": picture(rng, 1, 3, 6, 6)}, "x", "logits", "logits", "features", options={"output": "logits"})
    return case


@kind("embedding-and-scores")
def embedding_and_scores(rng) -> Case:
    """The pooled features as a second output, in front of the head."""
    case = any_net(rng, among=(classifier, residual, tokens))
    pooled = maker(case.model, "logits").input[0]
    case.model.graph.output.append(info(pooled))
    return case
