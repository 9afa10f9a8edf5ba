"""How every model that was trained here becomes files: weights are float16 with a Cast, biases float32, and the sums of all files."""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
#: Weights with at least so many elements are stored in half precision.
HALF = 256


def write_onnx(path, module, inputs, outputs, free, layer=None):
    """Exports, names the last rectified map `layer` and halves the weights. `free` names dimensions by input or output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        module.eval(), tuple(inputs.values()), path, input_names=list(inputs), output_names=outputs, dynamic_axes=free,
        opset_version=OPSET, dynamo=False,
    )
    model = onnx.load(path)
    graph = model.graph
    if layer:
        name_last_rectified_map(graph, layer)
    halve(graph)
    graph.name = path.stem
    for node in graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        reference = module(*inputs.values())
    reference = reference if isinstance(reference, tuple) else (reference,)
    got = session.run(outputs, {name: value.numpy() for name, value in inputs.items()})
    worst = max(np.abs(a - b.numpy()).max() / max(1, np.abs(b.numpy()).max()) for a, b in zip(got, reference))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, differs from PyTorch by {worst:.1e}")


def name_last_rectified_map(graph, name):
    """The rectified output of the last convolution over two dimensions becomes `name`, which is what users choose layers by."""
    seen, found = set(), None
    flat = lambda node: any(a.name == "kernel_shape" and len(a.ints) == 1 for a in node.attribute)
    for node in graph.node:
        if node.op_type == "Conv" and not flat(node) or (node.op_type in ("Mul", "Add") and seen & set(node.input)):
            seen.update(node.output)
        if node.op_type == "Relu" and node.input[0] in seen:
            found = node.output[0]
    for node in graph.node:
        for names in (node.input, node.output):
            for i, value in enumerate(names):
                if value == found:
                    names[i] = name


def halve(graph):
    """Large float32 weights become float16 initialisers, each followed by a Cast."""
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < HALF or np.abs(values).max() > 6e4:
            continue
        half = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], name=f"{tensor.name}.cast", to=TensorProto.FLOAT))
        tensor.CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_sums(directory):
    """SHA256SUMS of everything that was made here."""
    made = sorted(p for p in directory.rglob("*") if p.suffix in (".onnx", ".json"))
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(directory)}\n" for p in made]
    (directory / "SHA256SUMS").write_text("".join(lines))
