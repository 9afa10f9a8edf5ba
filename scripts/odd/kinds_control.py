"""Kinds: control flow, functions, sequences and optional values on the path from picture to scores."""
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from case import Case, kind
from edit import add_weight, maker, put, readers
from kinds_shapes import headed
from net import Net, picture
from nets import any_net, classifier, imports, regression, residual, signal, two_pictures, unet

FLOAT = TensorProto.FLOAT
PLAIN = (classifier, residual, unet, regression, signal)


def info(name: str, shape=None, type: int = FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


@kind("if-on-path")
def if_on_path(rng) -> Case:
    """An If that depends on the picture; both branches read a tensor of the outer graph."""
    net = Net(rng)
    h = net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4)
    total = net.op("ReduceSum", [net.op("Abs", ["x"])], keepdims=0)
    yes = net.op("Greater", [total, net.weight(np.float32(-1 if rng.random() < 0.5 else 1e6))])
    branches = [helper.make_graph([helper.make_node(op, [h], [out])], out, [], [info(out)]) for op, out in (("Tanh", "t"), ("Softplus", "e"))]
    h = net.op("If", [yes], then_branch=branches[0], else_branch=branches[1])
    return headed(net, net.conv(h, 4, 4), 4, "Sigmoid", (1, 3, 6, 6))


@kind("if-dead-branch")
def if_dead_branch(rng) -> Case:
    """torch.jit.script's squeeze: a branch that runs for another batch, and whose rank does not fit what follows."""
    case = any_net(rng, among=(classifier, residual))
    layer = case.layer
    shape = ["odd_shape", "odd_last", "odd_is"]
    five = add_weight(case.model, "odd_five", np.array(5))
    axis = add_weight(case.model, "odd_axis", np.array([0]))
    dead = helper.make_graph([helper.make_node("Squeeze", [layer, axis], ["odd_s"])], "dead", [], [info("odd_s")])
    live = helper.make_graph([helper.make_node("Identity", [layer], ["odd_i"])], "live", [], [info("odd_i")])
    for node in readers(case.model, layer):
        node.input[:] = ["odd_out" if i == layer else i for i in node.input]
    where = list(case.model.graph.node).index(maker(case.model, layer)) + 1
    first = add_weight(case.model, "odd_first", np.array(0))
    put(
        case.model,
        helper.make_node("Shape", [layer], [shape[0]]),
        helper.make_node("Gather", [shape[0], first], [shape[1]]),
        helper.make_node("Equal", [shape[1], five], [shape[2]]),
        helper.make_node("If", [shape[2]], ["odd_out"], then_branch=dead, else_branch=live),
        at=where,
    )
    return case


@kind("loop-on-path")
def loop_on_path(rng) -> Case:
    """The same convolution a few times over, in a Loop with a constant count."""
    net = Net(rng)
    h = net.act(net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4), "Tanh")
    w = net.normal(4, 4, 3, 3)
    body = helper.make_graph(
        [
            helper.make_node("Conv", ["h_in", w], ["c"], pads=[1] * 4),
            helper.make_node("Tanh", ["c"], ["h_out"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "body",
        [info("i", [], TensorProto.INT64), info("go_in", [], TensorProto.BOOL), info("h_in", [1, 4, 6, 6])],
        [info("go_out", [], TensorProto.BOOL), info("h_out", [1, 4, 6, 6])],
    )
    count = net.weight(np.array(int(rng.integers(1, 4)), np.int64))
    yes = net.weight(np.array(True)) if rng.random() < 0.5 else ""
    h = net.op("Loop", [count, yes, h], body=body)
    return headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, 6, 6))


@kind("scan-on-path")
def scan_on_path(rng) -> Case:
    """A running state down the rows of the grid, by Scan."""
    net = Net(rng)
    h = net.act(net.conv(net.input("x", [1, 3, 5, 5]), 3, 4), "Tanh")
    rows = net.op("Transpose", [h], perm=[2, 0, 1, 3])
    body = helper.make_graph(
        [
            helper.make_node("Add", ["s_in", "row"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["s_out"]),
            helper.make_node("Identity", ["s_out"], ["y"]),
        ],
        "body", [info("s_in", [1, 4, 5]), info("row", [1, 4, 5])], [info("s_out", [1, 4, 5]), info("y", [1, 4, 5])],
    )
    start = net.weight(np.zeros((1, 4, 5), np.float32))
    net.op("Scan", [start, rows], body=body, num_scan_inputs=1, outs=2)
    back = net.op("Transpose", [net.nodes[-1].output[1]], perm=[1, 2, 0, 3])
    return headed(net, net.conv(back, 4, 4), 4, "Softplus", (1, 3, 5, 5))


def function_of(name: str, nodes, inputs, outputs, opset: int, attributes=()):
    return helper.make_function("odd.local", name, inputs, outputs, nodes, [helper.make_opsetid("", opset)], list(attributes))


@kind("function-on-path")
def function_on_path(rng) -> Case:
    """Activations as functions of the model, some with an attribute, some that call another function."""
    net = Net(rng, 17, 8)
    h = net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4)
    form = int(rng.integers(3))
    h = net.op("Swish", [h], domain="odd.local", **({"beta": 1.3} if form == 1 else {}))
    h = net.conv(h, 4, 4)
    case = headed(net, h, 4, "Tanh", (1, 3, 6, 6))
    gate = helper.make_node("Sigmoid", ["x"], ["s"])
    nodes, attributes = [gate, helper.make_node("Mul", ["x", "s"], ["y"])], []
    if form == 1:
        scaled = helper.make_node("Constant", [], ["b"])
        scaled.attribute.add(name="value_float", ref_attr_name="beta", type=1)
        nodes = [scaled, helper.make_node("Mul", ["x", "b"], ["bx"]), helper.make_node("Sigmoid", ["bx"], ["s"]), nodes[1]]
        attributes = ["beta"]
    if form == 2:
        inner = function_of("Gate", [gate], ["x"], ["s"], 17)
        nodes[0] = helper.make_node("Gate", ["x"], ["s"], domain="odd.local")
        case.model.functions.append(inner)
    made = function_of("Swish", nodes, ["x"], ["y"], 17, attributes)
    if form == 2:
        made.opset_import.append(helper.make_opsetid("odd.local", 1))
    case.model.functions.append(made)
    imports(case.model, "odd.local", 1)
    case.note = ("plain", "with an attribute", "nested")[form]
    return case


@kind("function-is-the-head")
def function_is_the_head(rng) -> Case:
    """All behind the last activation in one function, as a compiler's front end leaves it; its weights are arguments."""
    case = any_net(rng, among=(classifier, residual, regression, signal))
    graph = case.model.graph
    nodes = list(graph.node)
    at = nodes.index(maker(case.model, case.layer)) + 1
    inside, made = nodes[at:], {o for node in nodes[at:] for o in node.output}
    arguments = [i for i in dict.fromkeys(i for node in inside for i in node.input) if i not in made]
    case.model.functions.append(function_of("Head", inside, arguments, ["logits"], 17))
    del graph.node[at:]
    graph.node.append(helper.make_node("Head", arguments, ["logits"], domain="odd.local"))
    imports(case.model, "odd.local", 1)
    return case


@kind("function-unused")
def function_unused(rng) -> Case:
    """A function that nothing calls, and one by the name of an operator in another domain."""
    case = any_net(rng)
    case.model.functions.append(function_of("Conv", [helper.make_node("Relu", ["x"], ["y"])], ["x"], ["y"], 17))
    imports(case.model, "odd.local", 1)
    return case


@kind("sequence-on-path")
def sequence_on_path(rng) -> Case:
    """A split into a sequence, and the parts joined again."""
    net = Net(rng)
    h = net.act(net.conv(net.input("x", ["n", 3, 6, 6]), 3, 4), "Tanh")
    parts = net.op("SplitToSequence", [h], axis=1, keepdims=1)
    if rng.random() < 0.5:
        h = net.op("ConcatFromSequence", [parts], axis=1)
    else:
        picks = [net.op("SequenceAt", [parts, net.weight(np.array(i, np.int64))]) for i in (3, 1, 0, 2)]
        h = net.op("Concat", picks, axis=1)
    case = headed(net, net.conv(h, 4, 4), 4, "Softplus", (1, 3, 6, 6))
    case.may_refuse = "sequences of tensors"
    return case


@kind("inputs-left-out")
def inputs_left_out(rng) -> Case:
    """Optional inputs as empty names, in the middle and at the end."""
    net = Net(rng)
    h = net.op("Conv", [net.input("x", ["n", 3, 6, 6]), net.normal(4, 3, 3, 3), ""], pads=[1] * 4)
    h = net.op("Clip", [h, "", net.weight(np.float32(50))])
    h = net.op("Clip", [net.act(h, "Tanh"), net.weight(np.float32(-50)), ""])
    h = net.op("Dropout", [h, "", ""])
    return headed(net, net.op("Conv", [h, net.normal(4, 4, 1, 1), ""]), 4, "Softplus", (1, 3, 6, 6))


@kind("outputs-left-out")
def outputs_left_out(rng) -> Case:
    """Outputs that nobody asks for, as empty names or unread: TopK, Dropout, LSTM."""
    net = Net(rng)
    a = net.act(net.conv(net.input("x", [1, 3, 5, 5]), 3, 4), "Tanh", "features")
    rows = net.op("Transpose", [net.op("Reshape", [a, net.ints(1, 4, 25)])], perm=[2, 0, 1])
    kernel, recurrent = net.weight(rng.normal(0, 0.5, (1, 12, 4)).astype(np.float32)), net.weight(rng.normal(0, 0.5, (1, 12, 3)).astype(np.float32))
    net.nodes.append(helper.make_node("LSTM", [rows, kernel, recurrent], ["", "last", ""], hidden_size=3))
    net.output(net.dense(net.op("Squeeze", ["last", net.ints(0)]), 3, 4, "logits"), [1, 4])
    return Case(net.model(), {"x": picture(rng, 1, 3, 5, 5)}, "x", "logits", "logits", "features", by_default=False)


@kind("branch-unused")
def branch_unused(rng) -> Case:
    """A part of the graph that ends nowhere, with operators that have no gradient."""
    case = any_net(rng)
    layer = case.layer
    case.model.graph.node.extend([
        helper.make_node("NonZero", [layer], ["odd_where"]),
        helper.make_node("Unique", [layer], ["odd_unique"]),
        helper.make_node("Cast", ["odd_where"], ["odd_floats"], to=FLOAT),
    ])
    return case


@kind("inputs-unused")
def inputs_unused(rng) -> Case:
    """Inputs that nothing reads, and scalars beside the picture, first and last."""
    case = any_net(rng, among=(classifier, residual, unet, two_pictures))
    graph = case.model.graph
    graph.input.insert(0, info("odd_mode", [1], TensorProto.INT64))
    graph.input.append(info("odd_threshold", []))
    case.feeds["odd_mode"] = np.array([3], np.int64)
    case.feeds["odd_threshold"] = np.array(0.5, np.float32)
    return case


@kind("input-overridable")
def input_overridable(rng) -> Case:
    """An input with a default value, that is not fed: temperature."""
    case = any_net(rng, among=(classifier, residual, regression))
    last = maker(case.model, "logits")
    last.output[0] = "odd_raw"
    case.model.graph.node.append(helper.make_node("Div", ["odd_raw", "temperature"], ["logits"]))
    case.model.graph.initializer.append(numpy_helper.from_array(np.array([1.7], np.float32), "temperature"))
    case.model.graph.input.append(info("temperature", [1]))
    return case


@kind("flag-picks-branch")
def flag_picks_branch(rng) -> Case:
    """A boolean input decides, by Where or by If, which half of the network counts."""
    net = Net(rng)
    x = net.input("x", ["n", 3, 6, 6])
    net.input("flag", [], TensorProto.BOOL)
    h = net.conv(x, 3, 4)
    left, right = net.act(h, "Tanh"), net.act(h, "Softplus")
    if rng.random() < 0.5:
        h = net.op("Where", ["flag", left, right])
    else:
        branches = [helper.make_graph([helper.make_node("Identity", [t], [o])], o, [], [info(o)]) for t, o in ((left, "l"), (right, "r"))]
        h = net.op("If", ["flag"], then_branch=branches[0], else_branch=branches[1])
    case = headed(net, net.conv(h, 4, 4), 4, "Sigmoid", (1, 3, 6, 6))
    case.feeds["flag"] = np.array(bool(rng.integers(2)))
    return case

