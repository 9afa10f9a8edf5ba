"""Kinds: operators that few models have, and inputs that are not one picture."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from case import Case, kind
from edit import behind
from kinds_runtime import twinned
from kinds_shapes import headed
from kinks import clear_of_kinks
from net import Net, picture
from nets import any_net, classifier, regression, residual, two_pictures


def stem(rng, opset: int = 20, ir: int = 9, side: int = 6) -> tuple[Net, str]:
    net = Net(rng, opset, ir)
    return net, net.act(net.conv(net.input("x", ["n", 3, side, side]), 3, 4), "Tanh")


def closed(net: Net, h: str, note: str, side: int = 6) -> Case:
    case = headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, side, side))
    case.note = note
    return case


@kind("activations-rare")
def activations_rare(rng) -> Case:
    net, h = stem(rng)
    op = str(rng.choice(["Celu", "Selu", "HardSwish", "Mish", "Softsign", "Gelu", "Erf", "Swish", "Atan", "Sinh", "Cos"]))
    if op == "Swish":
        h = net.op("Mul", [h, net.op("Sigmoid", [h])])
    else:
        h = net.op(op, [h])
    return closed(net, h, op)


@kind("normalisations")
def normalisations(rng) -> Case:
    """Instance, group, layer, RMS by hand, local response, and mean and variance."""
    op = str(rng.choice(["InstanceNormalization", "GroupNormalization", "LayerNormalization", "LRN", "MeanVarianceNormalization", "rms"]))
    net, h = stem(rng, 21, 10)
    scale, bias = (net.weight(rng.uniform(0.5, 1.5, 4).astype(np.float32)) for _ in range(2))
    if op == "InstanceNormalization":
        h = net.op(op, [h, scale, bias])
    elif op == "GroupNormalization":
        h = net.op(op, [h, scale, bias], num_groups=2)
    elif op == "LayerNormalization":
        last = net.op(op, [net.op("Transpose", [h], perm=[0, 2, 3, 1]), scale, bias], axis=-1)
        h = net.op("Transpose", [last], perm=[0, 3, 1, 2])
    elif op == "LRN":
        h = net.op(op, [h], size=3, alpha=0.3)
    elif op == "MeanVarianceNormalization":
        h = net.op(op, [h], axes=[0, 2, 3])
    else:
        power = net.op("ReduceMean", [net.op("Mul", [h, h]), net.ints(1)], keepdims=1)
        h = net.op("Div", [h, net.op("Sqrt", [net.op("Add", [power, net.weight(np.float32(1e-3))])])])
    return closed(net, h, op)


@kind("gathers-and-scatters")
def gathers(rng) -> Case:
    net, h = stem(rng, 18, 8)
    form = int(rng.integers(6))
    if form == 0:
        h = net.op("GatherND", [net.op("Transpose", [h], perm=[1, 0, 2, 3]), net.weight(np.array([[2], [0], [1], [3]]))])
        h = net.op("Transpose", [h], perm=[1, 0, 2, 3])
    elif form == 1:
        h = net.op("GatherElements", [h, net.weight(rng.integers(0, 6, (1, 4, 6, 6)))], axis=3)
    elif form == 2:
        base = net.op("ConstantOfShape", [net.op("Shape", [h])], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.1]))
        h = net.op("ScatterElements", [base, net.weight(rng.permutation(6)[None, None, None].repeat(4, 1).repeat(6, 2)), h], axis=3)
    elif form == 3:
        rows = net.op("Transpose", [h], perm=[2, 1, 0, 3])
        h = net.op("Transpose", [net.op("ReverseSequence", [rows, net.ints(5, 3, 2, 6)])], perm=[2, 1, 0, 3])
    elif form == 4:
        h = net.op("CumSum", [h, net.weight(np.array(2))])
    else:
        h = net.op("Trilu", [h], upper=int(rng.integers(2)))
    return closed(net, h, f"form {form}")


@kind("products")
def products(rng) -> Case:
    """Einsum, Gemm with alpha, beta and transposes, batched matrix products with broadcasting."""
    net, h = stem(rng, 17, 8)
    form = int(rng.integers(3))
    if form == 0:
        h = net.op("Einsum", [h, net.normal(4, 4)], equation="nchw,cd->ndhw")
    elif form == 1:
        flat = net.op("Reshape", [h, net.ints(4, 36)])
        y = net.op("Gemm", [flat, net.normal(4, 4), net.normal(1, 4)], transA=1, transB=1, alpha=0.7, beta=1.9)
        h = net.op("Reshape", [net.op("Transpose", [y], perm=[1, 0]), net.ints(1, 4, 6, 6)])
    else:
        h = net.op("MatMul", [h, net.normal(1, 6, 6)])
    case = closed(net, h, f"form {form}")
    # Behind a product along the rows a column is no place of the picture any more: which layer is the default is the program's affair.
    case.by_default = form != 2
    return case


@kind("placements")
def placements(rng) -> Case:
    """GridSample, DepthToSpace, ConvTranspose of every form, DeformConv left out."""
    net, h = stem(rng, 20, 9)
    form = int(rng.integers(3))
    if form == 0:
        grid = net.weight(rng.uniform(-0.9, 0.9, (1, 5, 6, 2)).astype(np.float32))
        h = net.op("GridSample", [h, grid], mode=str(rng.choice(["linear", "cubic", "nearest"])), align_corners=int(rng.integers(2)))
    elif form == 1:
        h = net.op("DepthToSpace", [net.conv(h, 4, 16, 1)], blocksize=2, mode=str(rng.choice(["DCR", "CRD"])))
    else:
        more = [dict(output_padding=[1, 0]), dict(output_shape=[12, 11]), dict(dilations=[2, 1]), dict(group=2)][int(rng.integers(4))]
        w = net.normal(4, 2 if "group" in more else 4, 3, 3)
        h = net.op("ConvTranspose", [h, w], strides=[2, 2], **more)
    return closed(net, h, f"form {form}")


@kind("reductions")
def reductions(rng) -> Case:
    """The head's pooling by norms, sums of exponentials, TopK or maxima in place of the mean."""
    net, side = Net(rng, 18, 8), 5
    h = net.act(net.conv(net.input("x", ["n", 3, side, side]), 3, 4), "Tanh")
    a = net.act(net.conv(h, 4, 5), "Softplus", "features")
    op = str(rng.choice(["ReduceL2", "ReduceLogSumExp", "ReduceSumSquare", "ReduceLogSum", "GlobalLpPool", "ReduceSum"]))
    pooled = net.op(op, [a]) if op == "GlobalLpPool" else net.op(op, [a, net.ints(2, 3)], keepdims=0)
    if op == "GlobalLpPool":
        pooled = net.op("Flatten", [pooled])
    net.output(net.dense(pooled, 5, 4, "logits"), ["n", 4])
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features", note=op)


@kind("flattened-head")
def flattened_head(rng) -> Case:
    """No pooling at all: the grid is flattened into the dense layer, as VGG does."""
    net, side = Net(rng), 5
    h = net.act(net.conv(net.input("x", ["n", 3, side, side]), 3, 4), "Tanh")
    a = net.act(net.conv(h, 4, 4), None, "features")
    hidden = net.act(net.dense(net.op("Flatten", [a]), 4 * side * side, 6), "Tanh")
    net.output(net.dense(hidden, 6, 4, "logits"), ["n", 4])
    return clear_of_kinks(Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features"))


@kind("fully-convolutional")
def fully_convolutional(rng) -> Case:
    """A 1 x 1 convolution gives the classes, and the mean of their maps is the score."""
    net, side = Net(rng), 6
    h = net.act(net.conv(net.input("x", ["n", 3, side, side]), 3, 4), "Tanh")
    a = net.act(net.conv(h, 4, 5), "Softplus", "features")
    maps = net.conv(a, 5, 4, 1)
    net.output(net.op("Flatten", [net.op("GlobalAveragePool", [maps])], "logits"), ["n", 4])
    # Which of the two is the last activation is a matter of taste: the maps of classes have no activation.
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features", by_default=False)


@kind("words-beside")
def words_beside(rng) -> Case:
    """Token ids beside the picture, embedded by Gather; both orders of inputs."""
    case = any_net(rng, among=(classifier, residual))
    graph = case.model.graph
    last = graph.node[-1]
    last.output[0] = "odd_picture_scores"
    classes = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    net = Net(rng)
    net.count = 900
    table, mix = net.normal(7, 3), net.normal(3, classes)
    graph.initializer.extend(net.weights)
    graph.node.extend([
        helper.make_node("Gather", [table, "ids"], ["odd_words"]),
        helper.make_node("ReduceMean", ["odd_words"], ["odd_text"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["odd_text", mix], ["odd_text_scores"]),
        helper.make_node("Mul", ["odd_picture_scores", "odd_text_scores"], ["logits"]),
    ])
    n = case.feeds["x"].shape[0]
    graph.input.insert(int(rng.integers(2)), helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "length"]))
    case.feeds["ids"] = rng.integers(0, 7, (n, 4)).astype(np.int64)
    return case


@kind("frames")
def frames(rng) -> Case:
    """[n, T, 3, h, w]: frames folded into the batch, their features averaged. The layer is asked by its name."""
    net, t, side = Net(rng), 2, 4
    x = net.input("x", [1, t, 3, side, side])  # small, for the mean over frames and places leaves small gradients
    flat = net.op("Reshape", [x, net.ints(t, 3, side, side)])
    h = net.act(net.conv(flat, 3, 4), "Tanh")
    pooled = net.op("Reshape", [net.op("GlobalAveragePool", [net.act(net.conv(h, 4, 4), "Softplus")]), net.ints(1, t, 4)])
    logits = net.dense(net.op("ReduceMean", [pooled], axes=[1], keepdims=0), 4, 3, "logits")
    net.output(logits, [1, 3])
    # The map at a layer whose batch is the frames is the program's to lay out: only the gradients are compared.
    return Case(net.model(), {"x": picture(rng, 1, t, 3, side, side)}, "x", logits, logits, h, by_default=False, maps=False)


@kind("second-picture")
def second_picture(rng) -> Case:
    """Gradients at the second of two pictures, and at a layer of its branch."""
    case = clear_of_kinks(two_pictures(rng))
    case.image, case.layer = "other", "features_other"
    case.options = {"explainInput": "other"}
    return case


@kind("float8-activations")
def float8_activations(rng) -> Case:
    """An activation through float8 and back; what rounding changes is allowed for."""
    case = any_net(rng, 19, 9, (classifier, residual, regression))
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    model.graph.initializer.extend([
        helper.make_tensor("odd_scale", TensorProto.FLOAT, [], [0.02]),
        helper.make_tensor("odd_zero", TensorProto.FLOAT8E4M3FN, [], [0.0]),
    ])
    behind(model, case.layer, ("QuantizeLinear", {"inputs": ["odd_scale", "odd_zero"]}), ("DequantizeLinear", {"inputs": ["odd_scale", "odd_zero"]}))
    return twinned(case, model, 0.15)


@kind("unet-nested")
def unet_nested(rng) -> Case:
    """A small U inside the decoder of a larger one: the bottleneck of the whole is the default."""
    net, side = Net(rng), 12
    x = net.input("x", ["n", 2, side, side])
    half = dict(kernel_shape=[2, 2], strides=[2, 2])
    skip = net.act(net.conv(x, 2, 3), "Tanh")
    deep = net.act(net.conv(net.op("AveragePool", [net.act(net.conv(net.op("AveragePool", [skip], **half), 3, 4), "Tanh")], kernel_shape=[3, 3], strides=[3, 3]), 4, 5), "Softplus", "features")
    up = net.op("ConvTranspose", [deep, net.normal(5, 4, 3, 3)], kernel_shape=[3, 3], strides=[3, 3])
    inner = net.act(net.conv(net.op("AveragePool", [up], **half), 4, 4), "Tanh")
    joined = net.op("Concat", [net.op("ConvTranspose", [inner, net.normal(4, 3, 2, 2)], **half), up], axis=1)
    h = net.op("ConvTranspose", [net.act(net.conv(joined, 7, 4), "Tanh"), net.normal(4, 3, 2, 2)], **half)
    h = net.act(net.conv(net.op("Concat", [h, skip], axis=1), 6, 4), "Tanh")
    net.output(net.op("Conv", [h, net.normal(3, 4, 1, 1)], "logits"), ["n", 3, side, side])
    return Case(net.model(), {"x": picture(rng, 1, 2, side, side)}, "x", "logits", "logits", "features")


@kind("pyramid")
def pyramid(rng) -> Case:
    """A feature pyramid whose levels are added, pooled together and classified; the layer is named."""
    net, side = Net(rng), 8
    low = net.act(net.conv(net.input("x", ["n", 3, side, side]), 3, 4), "Tanh")
    high = net.act(net.conv(low, 4, 4, strides=[2, 2]), "Softplus", "features")
    raised = net.op("Resize", [high, "", net.weight(np.array([1, 1, 2, 2], np.float32))], mode="nearest")
    summed = net.act(net.conv(net.op("Add", [raised, net.conv(low, 4, 4, 1)]), 4, 4), "Sigmoid")
    pools = [net.op("Flatten", [net.op("GlobalAveragePool", [t])]) for t in (summed, high)]
    net.output(net.dense(net.op("Concat", pools, axis=1), 8, 4, "logits"), ["n", 4])
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features", by_default=False)


@kind("ends-in-nms")
def ends_in_nms(rng) -> Case:
    """Boxes that NonMaxSuppression picks: a number of rows that only the run knows."""
    net, side, places = Net(rng), 8, 16
    h = net.act(net.conv(net.input("x", [1, 3, side, side]), 3, 4, strides=[2, 2]), "Tanh")
    a = net.act(net.conv(h, 4, 5), "Softplus", "features")
    boxes = net.op("Reshape", [net.conv(a, 5, 4, 1), net.ints(1, 4, places)])
    boxes = net.op("Transpose", [boxes], perm=[0, 2, 1])
    scores = net.op("Sigmoid", [net.op("Reshape", [net.conv(a, 5, 2, 1), net.ints(1, 2, places)])])
    limits = [net.ints(5), net.weight(np.array([0.5], np.float32)), net.weight(np.array([0.1], np.float32))]
    picked = net.op("NonMaxSuppression", [boxes, scores, *limits])
    net.output(net.op("GatherND", [scores, picked], "picked_scores"), ["m"])
    net.output(picked, ["m", 3], TensorProto.INT64)
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "picked_scores", "picked_scores", "features", axis=None, by_default=False)


@kind("loop-collects")
def loop_collects(rng) -> Case:
    """A Loop that collects rows, as many times as a shape says."""
    net, h = stem(rng, 17, 8)
    rows = net.op("Transpose", [h], perm=[2, 0, 1, 3])
    count = net.op("Squeeze", [net.op("Slice", [net.op("Shape", [rows]), net.ints(0), net.ints(1)]), net.ints(0)])

    def info(name, shape, type=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, type, shape)

    body = helper.make_graph(
        [
            helper.make_node("Gather", [rows, "i"], ["row"], axis=0),
            helper.make_node("Tanh", ["row"], ["collected"]),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "body", [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL)], [info("go_on", [], TensorProto.BOOL), info("collected", None)],
    )
    h = net.op("Transpose", [net.op("Loop", [count, ""], body=body)], perm=[1, 2, 0, 3])
    case = closed(net, h, "")
    case.may_refuse = "a Loop whose count only the run knows"
    return case


@kind("places-computed")
def places_computed(rng) -> Case:
    """Coordinates that are computed by Range, Expand and Concat from the shape, and appended as channels."""
    net, h = stem(rng, 17, 8)
    shape = net.op("Shape", [h])
    width = net.op("Gather", [shape, net.weight(np.array(-1))])
    columns = net.op("Range", [net.weight(np.array(0)), width, net.weight(np.array(1))])
    columns = net.op("Div", [net.op("Cast", [columns], to=TensorProto.FLOAT), net.weight(np.float32(6))])
    head = net.op("Slice", [shape, net.ints(0), net.ints(1)])
    tail = net.op("Slice", [shape, net.ints(2), net.ints(4)])
    grid = net.op("Expand", [columns, net.op("Concat", [head, net.ints(1), tail], axis=0)])
    h = net.op("Mul", [net.op("Concat", [h, grid], axis=1), net.weight(np.float32(0.9))])
    return closed(net, net.conv(h, 5, 4), "")
