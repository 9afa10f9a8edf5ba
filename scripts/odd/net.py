"""A builder of small graphs: nodes, weights and names, at any operator set."""
from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMOOTH = ("Sigmoid", "Tanh", "Softplus")
RECTIFIERS = ("Relu", "LeakyRelu", "Elu")


class Net:
    """Collects nodes; every method returns the name of what it made."""

    def __init__(self, rng: np.random.Generator, opset: int = 17, ir: int = 8):
        self.rng, self.opset, self.ir = rng, opset, ir
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.count = 0

    def name(self, word: str) -> str:
        self.count += 1
        return f"{word}_{self.count}"

    def op(self, op: str, inputs, out: str | None = None, domain: str = "", outs: int = 1, **attributes) -> str:
        names = [out or self.name(op.lower())] + [self.name("more") for _ in range(outs - 1)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"n_{names[0]}", domain=domain, **attributes))
        return names[0]

    def weight(self, value, word: str = "w") -> str:
        name = self.name(word)
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def ints(self, *values: int) -> str:
        return self.weight(np.array(values, np.int64), "ints")

    def normal(self, *shape: int, scale: float | None = None) -> str:
        fan = int(np.prod(shape[1:])) or 1
        return self.weight(self.rng.normal(0, scale or 1.6 * fan**-0.5, shape).astype(np.float32))

    def input(self, name: str, shape, type: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, type, shape))
        return name

    def output(self, name: str, shape=None, type: int = TensorProto.FLOAT) -> str:
        self.outputs.append(helper.make_tensor_value_info(name, type, shape))
        return name

    def conv(self, x: str, cin: int, cout: int, k: int = 3, **attributes) -> str:
        attributes = {"pads": [k // 2] * 4, **attributes} if "auto_pad" not in attributes else attributes
        group = attributes.get("group", 1)
        bias = self.weight(self.rng.normal(0, 0.3, cout).astype(np.float32), "b")
        return self.op("Conv", [x, self.normal(cout, cin // group, k, k), bias], kernel_shape=[k, k], **attributes)

    def act(self, x: str, op: str | None = None, out: str | None = None) -> str:
        return self.op(op or str(self.rng.choice(SMOOTH + RECTIFIERS)), [x], out)

    def dense(self, x: str, cin: int, cout: int, out: str | None = None) -> str:
        bias = self.weight(self.rng.normal(0, 0.2, cout).astype(np.float32), "b")
        return self.op("Gemm", [x, self.normal(cout, cin), bias], out, transB=1)

    def model(self, **more) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "net", self.inputs, self.outputs, self.weights)
        imports = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, v) for d, v in more.get("domains", {}).items()]
        return helper.make_model(graph, opset_imports=imports, ir_version=self.ir, producer_name="")


def picture(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 1, shape).astype(np.float32)


def names_of(model: onnx.ModelProto) -> list[str]:
    return [name for node in model.graph.node for name in node.output]
