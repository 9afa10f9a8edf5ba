"""The small nets that peculiarities are put on: classifiers, U-nets, tokens, channels last, two pictures, detectors, signals, volumes."""
from __future__ import annotations

import numpy as np
from onnx import helper

from case import Case
from kinks import clear_of_kinks
from net import Net, picture


def classifier(rng, opset=17, ir=8, side=None, act=None, batch=None, channels=3) -> Case:
    """Conv, act, Conv, act, mean over the grid, Gemm: the last activation is `features`, the scores are `logits`."""
    side, n = side or int(rng.integers(6, 9)), int(rng.integers(1, 3)) if batch is None else batch
    width, classes = int(rng.integers(4, 7)), int(rng.integers(3, 6))
    net = Net(rng, opset, ir)
    x = net.input("x", ["n", channels, side, side])
    h = net.act(net.conv(x, channels, width), act)
    if rng.random() < 0.5:
        h = net.op("AveragePool", [h], kernel_shape=[2, 2], strides=[2, 2])
    a = net.act(net.conv(h, width, width + 1), act, "features")
    logits = net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width + 1, classes, "logits")
    net.output(logits, ["n", classes])
    return Case(net.model(), {"x": picture(rng, n, channels, side, side)}, "x", "logits", "logits", "features")


def residual(rng, opset=17, ir=8) -> Case:
    """With batch normalisation and a skip connection; `features` follows the addition."""
    net, side, width, classes = Net(rng, opset, ir), 6, 4, 4
    x = net.input("x", ["n", 3, side, side])
    stem = net.act(net.conv(x, 3, width, strides=[1, 1]))
    h = net.conv(stem, width, width)
    stats = [net.weight(rng.uniform(0.5, 1.5, width).astype(np.float32)) for _ in range(4)]
    h = net.op("BatchNormalization", [h, stats[0], stats[1], stats[2], stats[3]], epsilon=1e-5)
    a = net.act(net.op("Add", [h, stem]), None, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, classes, "logits"), ["n", classes])
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features")


def unet(rng, opset=17, ir=8) -> Case:
    """Down, bottleneck (`features`), up, concatenated with the skip; scores on a grid."""
    net, side, classes = Net(rng, opset, ir), 8, 3
    x = net.input("x", ["n", 2, side, side])
    skip = net.act(net.conv(x, 2, 4))
    down = net.op("AveragePool", [skip], kernel_shape=[2, 2], strides=[2, 2])
    a = net.act(net.conv(down, 4, 5), "Tanh", "features")
    up = net.op("ConvTranspose", [a, net.normal(5, 4, 2, 2)], kernel_shape=[2, 2], strides=[2, 2])
    joined = net.op("Concat", [up, skip], axis=1)
    h = net.act(net.conv(joined, 8, 4))
    bias = net.weight(rng.normal(0, 0.2, classes).astype(np.float32))
    net.output(net.op("Conv", [h, net.normal(classes, 4, 1, 1), bias], "logits", kernel_shape=[1, 1]), ["n", classes, side, side])
    return Case(net.model(), {"x": picture(rng, 1, 2, side, side)}, "x", "logits", "logits", "features")


def tokens(rng, opset=17, ir=8, prefix=None) -> Case:
    """Patches, a class token or none, one attention block, the mean over the tokens or the class token."""
    net, side, width, patch, classes = Net(rng, opset, ir), 8, 6, 4, 4
    prefix = int(rng.integers(0, 2)) if prefix is None else prefix
    x = net.input("x", [1, 3, side, side])
    embedded = net.op("Conv", [x, net.normal(width, 3, patch, patch)], kernel_shape=[patch, patch], strides=[patch, patch])
    places = (side // patch) ** 2
    flat = net.op("Transpose", [net.op("Reshape", [embedded, net.ints(1, width, places)])], perm=[0, 2, 1])
    if prefix:
        flat = net.op("Concat", [net.weight(rng.normal(0, 1, (1, 1, width)).astype(np.float32)), flat], axis=1)
    t = net.op("Add", [flat, net.weight(rng.normal(0, 0.3, (1, places + prefix, width)).astype(np.float32))])
    a = normalised(net, t, width, "features")
    split, count = net.ints(1, places + prefix, 2, width // 2), places + prefix
    q, k, v = (net.op("Reshape", [net.op("MatMul", [a, net.normal(width, width, scale=0.5)]), split]) for _ in range(3))
    q, k, v = (net.op("Transpose", [t_], perm=perm) for t_, perm in ((q, [0, 2, 1, 3]), (k, [0, 2, 3, 1]), (v, [0, 2, 1, 3])))
    mixed = net.op("MatMul", [net.op("Softmax", [net.op("MatMul", [q, k])], axis=3), v])
    mixed = net.op("Reshape", [net.op("Transpose", [mixed], perm=[0, 2, 1, 3]), net.ints(1, count, width)])
    h = net.op("Add", [net.op("MatMul", [mixed, net.normal(width, width, scale=0.5)]), t])
    if prefix:
        pooled = net.op("Gather", [h, net.weight(np.array(0, np.int64))], axis=1)
    else:
        pooled = net.op("ReduceMean", [h, net.ints(1)], keepdims=0) if opset >= 18 else net.op("ReduceMean", [h], axes=[1], keepdims=0)
    net.output(net.dense(pooled, width, classes, "logits"), [1, classes])
    grid = {"grid": [side // patch] * 2, "prefix": prefix}
    # Where the tokens are averaged, what follows the attention is a layer too, and the default is the program's own affair.
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "logits", "logits", "features", grid, by_default=bool(prefix))


def normalised(net: Net, t: str, width: int, out: str) -> str:
    """A layer normalisation, written out below operator set 17."""
    scale, bias = (net.weight(net.rng.uniform(0.5, 1.5, width).astype(np.float32)) for _ in range(2))
    if net.opset >= 17:
        return net.op("LayerNormalization", [t, scale, bias], out, axis=-1)
    mean = net.op("ReduceMean", [t], axes=[-1], keepdims=1)
    d = net.op("Sub", [t, mean])
    two, epsilon = net.weight(np.float32(2)), net.weight(np.float32(1e-5))
    variance = net.op("ReduceMean", [net.op("Pow", [d, two])], axes=[-1], keepdims=1)
    unit = net.op("Div", [d, net.op("Sqrt", [net.op("Add", [variance, epsilon])])])
    return net.op("Add", [net.op("Mul", [unit, scale]), bias], out)


def channels_last(rng, opset=17, ir=8) -> Case:
    """[n, h, w, bands] with a Transpose before the convolutions; the number of bands is any, 3 to 13."""
    bands, h, w = int(rng.choice([2, 3, 5, 6, 13])), 6, int(rng.choice([5, 7]))
    net, width, classes = Net(rng, opset, ir), 4, 3
    x = net.input("x", ["n", h, w, bands])
    first = net.op("Transpose", [x], perm=[0, 3, 1, 2])
    a = net.act(net.conv(net.act(net.conv(first, bands, width)), width, width), None, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, classes, "logits"), ["n", classes])
    return Case(net.model(), {"x": picture(rng, 1, h, w, bands)}, "x", "logits", "logits", "features")


def two_pictures(rng, opset=17, ir=8, head=None) -> Case:
    """One trunk for two pictures; the head sees their difference, product or both side by side. Explained is the first."""
    net, side, width, classes = Net(rng, opset, ir), 6, 4, 3
    head = head or str(rng.choice(["Sub", "Mul", "Concat"]))
    w1, w2 = net.normal(width, 3, 3, 3), net.normal(width, width, 3, 3)
    vectors = []
    for name in ("x", "other"):
        h = net.act(net.op("Conv", [net.input(name, ["n", 3, side, side]), w1], pads=[1] * 4), "Tanh")
        h = net.op("Conv", [h, w2], pads=[1] * 4)
        a = net.act(h, "Softplus", "features" if name == "x" else "features_other")
        vectors.append(net.op("Flatten", [net.op("GlobalAveragePool", [a])]))
    joined = net.op("Concat", vectors, axis=1) if head == "Concat" else net.op(head, vectors)
    net.output(net.dense(joined, width * (2 if head == "Concat" else 1), classes, "logits"), ["n", classes])
    feeds = {name: picture(rng, 1, 3, side, side) for name in ("x", "other")}
    return Case(net.model(), feeds, "x", "logits", "logits", "features", note=head)


def detector(rng, opset=17, ir=8) -> Case:
    """One grid of anchors; four box coordinates and the classes' scores in one output [n, 4 + classes, anchors]."""
    net, side, width, classes = Net(rng, opset, ir), 8, 5, 3
    x = net.input("x", [1, 3, side, side])
    h = net.act(net.conv(x, 3, width, strides=[2, 2]))
    a = net.act(net.conv(h, width, width), "Softplus", "features")
    boxes, scores = (net.op("Reshape", [net.conv(a, width, k, 1), net.ints(1, k, -1)]) for k in (4, classes))
    net.output(net.op("Concat", [boxes, net.op("Sigmoid", [scores])], "output0", axis=1), [1, 4 + classes, (side // 2) ** 2])
    return Case(net.model(), {"x": picture(rng, 1, 3, side, side)}, "x", "output0", "output0", "features", axis=None)


def regression(rng, opset=17, ir=8) -> Case:
    """One value."""
    net, side, width = Net(rng, opset, ir), 7, 5
    x = net.input("x", ["n", 3, side, side])
    a = net.act(net.conv(net.act(net.conv(x, 3, width, strides=[2, 2])), width, width), None, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, 1, "logits"), ["n", 1])
    return Case(net.model(), {"x": picture(rng, 2, 3, side, side)}, "x", "logits", "logits", "features")


def signal(rng, opset=17, ir=8) -> Case:
    """One-dimensional convolutions."""
    net, length, width, classes = Net(rng, opset, ir), 16, 4, 3
    x = net.input("x", ["n", 2, length])
    h = net.act(net.op("Conv", [x, net.normal(width, 2, 5)], pads=[2, 2], strides=[2]))
    a = net.act(net.op("Conv", [h, net.normal(width, width, 3)], pads=[1, 1]), None, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, classes, "logits"), ["n", classes])
    return Case(net.model(), {"x": picture(rng, 1, 2, length)}, "x", "logits", "logits", "features", "NCL")


def volume(rng, opset=17, ir=8) -> Case:
    """Three-dimensional convolutions."""
    net, side, width, classes = Net(rng, opset, ir), 4, 3, 3
    x = net.input("x", ["n", 1, side, side, side])
    h = net.act(net.op("Conv", [x, net.normal(width, 1, 3, 3, 3)], pads=[1] * 6))
    a = net.act(net.op("Conv", [h, net.normal(width, width, 3, 3, 3)], pads=[1] * 6), None, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, classes, "logits"), ["n", classes])
    return Case(net.model(), {"x": picture(rng, 1, 1, side, side, side)}, "x", "logits", "logits", "features", "NCDHW")


NETS = (classifier, residual, unet, tokens, channels_last, two_pictures, detector, regression, signal, volume)


def any_net(rng, opset=17, ir=8, among=NETS) -> Case:
    return clear_of_kinks(among[int(rng.integers(len(among)))](rng, opset, ir))


def input_info(model, name: str):
    return next(i for i in model.graph.input if i.name == name)


def imports(model, domain: str, version: int) -> None:
    model.opset_import.append(helper.make_opsetid(domain, version))
