"""Kinds: how sizes are declared and computed, and forms of convolution, pooling and resizing."""
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from case import Case, kind
from edit import add_weight, put, replace
from kinks import clear_of_kinks
from net import Net, picture
from nets import any_net, channels_last, classifier, detector, input_info, regression, residual, signal, two_pictures, unet, volume

FREE = (classifier, residual, unet, channels_last, two_pictures, regression, signal, volume)
ODD_DIMS = ["batch_size", "N*2", "None", "?", "", "unk__0", "n n", "__proto__", "-1", "größe", "x"]


def declared(case: Case, of) -> Case:
    """Every input's dimensions as `of(index, size)` says: a number, a name or None."""
    for name in case.feeds:
        info = input_info(case.model, name)
        sizes = [of(i, d) for i, d in enumerate(case.feeds[name].shape)]
        info.CopyFrom(helper.make_tensor_value_info(name, info.type.tensor_type.elem_type, sizes))
    return case


@kind("batch-minus-one")
def batch_minus_one(rng) -> Case:
    return declared(any_net(rng, among=FREE), lambda i, d: -1 if i == 0 else d)


@kind("sizes-minus-one")
def sizes_minus_one(rng) -> Case:
    return declared(any_net(rng, among=(classifier, residual, signal, regression)), lambda i, d: -1 if i != 1 else d)


@kind("sizes-free")
def sizes_free(rng) -> Case:
    """Names of every sort for the sizes; one name may stand for two of them."""
    odd = list(rng.permutation(ODD_DIMS))
    case = any_net(rng, among=(classifier, residual, unet, regression, signal))
    case = declared(case, lambda i, d: d if i == 1 else (odd[0] if rng.random() < 0.2 else odd[i]))
    sizes: dict[str, set[int]] = {}
    for dim, size in zip(input_info(case.model, "x").type.tensor_type.shape.dim, case.feeds["x"].shape):
        if dim.dim_param:
            sizes.setdefault(dim.dim_param, set()).add(size)
    if any(len(of) > 1 for of in sizes.values()):
        case.may_refuse = "one name stands for two sizes"
    return case


@kind("sizes-unnamed")
def sizes_unnamed(rng) -> Case:
    """Dimensions that have neither a name nor a number."""
    return declared(any_net(rng, among=(classifier, residual, unet, signal)), lambda i, d: d if i == 1 else None)


@kind("input-no-shape")
def input_no_shape(rng) -> Case:
    case = any_net(rng, among=FREE)
    for name in case.feeds:
        input_info(case.model, name).type.tensor_type.ClearField("shape")
    if rng.random() < 0.6:
        case.options = {"inputShapes": {name: list(value.shape) for name, value in case.feeds.items()}}
    else:
        case.may_refuse = "nobody says how large the input is"
    return case


@kind("outputs-undeclared")
def outputs_undeclared(rng) -> Case:
    """Outputs without shape, or of a wrong symbolic one."""
    case = any_net(rng)
    for info in case.model.graph.output:
        if rng.random() < 0.5:
            info.type.tensor_type.ClearField("shape")
        else:
            rank = len(info.type.tensor_type.shape.dim)
            info.CopyFrom(helper.make_tensor_value_info(info.name, TensorProto.FLOAT, [f"d{i}" for i in range(rank)]))
    return case


@kind("batch-fixed")
def batch_fixed(rng) -> Case:
    """A batch of two or three, written as a number."""
    case = classifier(rng, batch=int(rng.integers(2, 4)))
    return declared(clear_of_kinks(case), lambda i, d: d)


@kind("no-batch")
def no_batch(rng) -> Case:
    """A picture [3, h, w], to which the model adds the batch."""
    case = any_net(rng, among=(classifier, residual, unet))
    for name, value in list(case.feeds.items()):
        case.feeds[name] = value[:1].reshape(value.shape[1:])
        input_info(case.model, name).CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape[1:]))
        for node in case.model.graph.node:
            node.input[:] = [f"{name}_batched" if i == name else i for i in node.input]
        put(case.model, helper.make_node("Unsqueeze", [name, add_weight(case.model, "odd_axis", np.array([0]))], [f"{name}_batched"]))
    return case


@kind("shape-computed")
def shape_computed(rng) -> Case:
    """Flatten as older exporters of PyTorch write it: Shape, Gather, Unsqueeze, Concat, Reshape."""
    case = any_net(rng, among=(classifier, residual, regression, signal, volume))
    flatten = next(n for n in case.model.graph.node if n.op_type == "Flatten")
    zero, axes, rest = (add_weight(case.model, f"odd_{i}", np.array(v)) for i, v in enumerate((0, [0], [-1])))
    x, y = flatten.input[0], flatten.output[0]
    replace(
        case.model, flatten,
        helper.make_node("Shape", [x], ["odd_shape"]),
        helper.make_node("Gather", ["odd_shape", zero], ["odd_n"], axis=0),
        helper.make_node("Unsqueeze", ["odd_n", axes], ["odd_n1"]),
        helper.make_node("Concat", ["odd_n1", rest], ["odd_to"], axis=0),
        helper.make_node("Reshape", [x, "odd_to"], [y]),
    )
    return case


@kind("shape-arithmetic")
def shape_arithmetic(rng) -> Case:
    """The mean over the grid as a sum, divided by a product of sizes that Shape gives."""
    case = any_net(rng, among=(classifier, residual, regression))
    pool = next(n for n in case.model.graph.node if n.op_type == "GlobalAveragePool")
    a, y = pool.input[0], pool.output[0]
    axes, two, four = (add_weight(case.model, f"odd_{i}", np.array(v)) for i, v in enumerate(([2, 3], [2], [4])))
    replace(
        case.model, pool,
        helper.make_node("Shape", [a], ["odd_shape"]),
        helper.make_node("Slice", ["odd_shape", two, four], ["odd_sizes"]),
        helper.make_node("ReduceProd", ["odd_sizes"], ["odd_places"], keepdims=0),
        helper.make_node("Cast", ["odd_places"], ["odd_number"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", [a, axes], ["odd_sum"], keepdims=1),
        helper.make_node("Div", ["odd_sum", "odd_number"], [y]),
    )
    return case


def headed(net: Net, h: str, width: int, act: str | None = None, x=(1, 3, 8, 8)) -> Case:
    """Activation, mean, dense head; for a net whose body is the peculiarity."""
    a = net.act(h, act, "features")
    net.output(net.dense(net.op("Flatten", [net.op("GlobalAveragePool", [a])]), width, 4, "logits"), ["n", 4])
    return clear_of_kinks(Case(net.model(), {"x": picture(net.rng, *x)}, "x", "logits", "logits", "features"))


@kind("conv-auto-pad")
def conv_auto_pad(rng) -> Case:
    net, side = Net(rng), int(rng.integers(7, 9))
    h = net.input("x", ["n", 3, side, side])
    cin = 3
    for _ in range(2):
        pad = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        h = net.act(net.conv(h, cin, 4, int(rng.choice([2, 3])), auto_pad=pad, strides=[int(rng.integers(1, 3))] * 2), "Tanh")
        cin = 4
    return headed(net, net.conv(h, 4, 4, 1), 4, x=(1, 3, side, side))


@kind("conv-forms")
def conv_forms(rng) -> Case:
    """Dilations, groups, depthwise, uneven strides and pads, kernels of 1 x 3."""
    net = Net(rng)
    h = net.act(net.conv(net.input("x", ["n", 3, 8, 7]), 3, 4), "Tanh")
    form = int(rng.integers(5))
    if form == 0:
        h = net.conv(h, 4, 4, dilations=[2, 2], pads=[2, 2, 2, 2])
    elif form == 1:
        h = net.conv(h, 4, 6, group=2)
        h = net.conv(h, 6, 4, 1)
    elif form == 2:
        h = net.conv(h, 4, 4, group=4, strides=[2, 1])
    elif form == 3:
        h = net.op("Conv", [h, net.normal(4, 4, 1, 3)], pads=[0, 1, 0, 1])
    else:
        h = net.conv(h, 4, 4, pads=[0, 2, 1, 0], strides=[1, 2], dilations=[1, 2])
    return headed(net, h, 4, "Softplus", (1, 3, 8, 7))


@kind("pool-forms")
def pool_forms(rng) -> Case:
    """Pools with ceil_mode, padding that counts or not, dilations, overlap, and LpPool."""
    net = Net(rng, 19, 9)
    h = net.act(net.conv(net.input("x", ["n", 3, 9, 9]), 3, 4), "Tanh")
    op = str(rng.choice(["AveragePool", "MaxPool", "LpPool"]))
    form = dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=int(rng.integers(2)))
    if op == "AveragePool":
        form["count_include_pad"] = int(rng.integers(2))
    if rng.random() < 0.3:
        form.update(dilations=[2, 2], kernel_shape=[2, 2])
    if op == "LpPool":
        h = net.op("Add", [h, net.weight(np.float32(2))])
    h = net.op(op, [h], **form)
    return headed(net, net.conv(h, 4, 4), 4, "Sigmoid", (1, 3, 9, 9))


@kind("resize-forms")
def resize_forms(rng) -> Case:
    """Every mode and way to place coordinates, by scales or by sizes, roi left out or empty."""
    net = Net(rng)
    h = net.act(net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4), "Tanh")
    mode = str(rng.choice(["nearest", "linear", "cubic"]))
    place = str(rng.choice(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]))
    form = dict(mode=mode, coordinate_transformation_mode=place)
    if mode == "nearest":
        form["nearest_mode"] = str(rng.choice(["floor", "round_prefer_floor", "ceil"]))
    roi = "" if rng.random() < 0.5 else net.weight(np.zeros(0, np.float32))
    by_scales = rng.random() < 0.5
    if by_scales:
        h = net.op("Resize", [h, roi, net.weight(np.array([1, 1, 2, 1.5], np.float32))], **form)
    else:
        h = net.op("Resize", [h, roi, "", net.ints(1, 4, 4, 9)], **form)
    case = headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, 6, 6))
    if not by_scales:
        case.may_refuse = "sizes that say one picture, of a batch that is free"
    return case


@kind("upsample-old")
def upsample_old(rng) -> Case:
    """Upsample (operator sets 7 to 9) and Resize of 10."""
    opset = int(rng.integers(7, 11))
    net = Net(rng, opset, 4)
    h = net.act(net.conv(net.input("x", ["n", 3, 5, 5]), 3, 4), "Tanh")
    scales = [1.0, 1.0, 2.0, 2.0]
    mode = "nearest" if rng.random() < 0.5 else "linear"
    if opset < 9:
        h = net.op("Upsample", [h], scales=scales, mode=mode)
    else:
        h = net.op("Upsample" if opset == 9 else "Resize", [h, net.weight(np.array(scales, np.float32))], mode=mode)
    return headed(net, net.conv(h, 4, 4), 4, "Tanh", (1, 3, 5, 5))


@kind("axes-negative")
def axes_negative(rng) -> Case:
    net = Net(rng, 18, 8)
    x = net.input("x", [2, 3, 6, 6])
    left, right = net.act(net.conv(x, 3, 2), "Tanh"), net.act(net.conv(x, 3, 2), "Sigmoid")
    a = net.act(net.conv(net.op("Concat", [left, right], axis=-3), 4, 4), "Softplus", "features")
    gate = net.op("Softmax", [net.op("ReduceMean", [a, net.ints(-1, -2)], keepdims=1)], axis=-3)
    pooled = net.op("ReduceMean", [net.op("Mul", [a, gate]), net.ints(-1, -2)], keepdims=0)
    net.output(net.dense(net.op("Squeeze", [net.op("Unsqueeze", [pooled, net.ints(-1)]), net.ints(-1)]), 4, 3, "logits"), [2, 3])
    return Case(net.model(), {"x": picture(rng, 2, 3, 6, 6)}, "x", "logits", "logits", "features", by_default=False)


@kind("moved-about")
def moved_about(rng) -> Case:
    """Slices with negative steps, Pad by reflection, Gather, Split and space-to-depth in front of the convolutions."""
    net = Net(rng)
    x = net.input("x", ["n", 3, 8, 8])
    h = net.op("Slice", [x, net.ints(-1), net.ints(-9), net.ints(3), net.ints(-1)])
    h = net.op("Pad", [h, net.ints(0, 0, 1, 1, 0, 0, 1, 1)], mode=str(rng.choice(["reflect", "edge"])))
    h = net.op("Gather", [h, net.ints(2, 0, 1)], axis=1)
    h = net.op("SpaceToDepth", [net.op("Slice", [h, net.ints(0, 0), net.ints(8, 8), net.ints(2, 3)])], blocksize=2)
    return headed(net, net.conv(h, 12, 4), 4, "Softplus", (1, 3, 8, 8))


@kind("detector-floats")
def detector_floats(rng) -> Case:
    """Boxes and scores as two outputs, boxes first."""
    case = clear_of_kinks(detector(rng))
    sigmoid = next(n for n in case.model.graph.node if n.op_type == "Sigmoid" and n.output[0] != "features")
    case.model.graph.output.append(helper.make_tensor_value_info(sigmoid.output[0], TensorProto.FLOAT, None))
    case.output = case.score = sigmoid.output[0]
    case.score = sigmoid.input[0]
    case.options = {"output": sigmoid.output[0]}
    return case
