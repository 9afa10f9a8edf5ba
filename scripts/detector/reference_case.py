"""One reference case of test/detect/references/: a small detector as a file, what it finds, and gradients by autograd."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

SIDE = 64
LEAST, DOUBLE, MOST = 0.25, 0.7, 300
#: The standard deviation of class logits.
LIVELY = 1.5
#: Detections whose score is nearer to the threshold than this would make a case that rounding decides.
MARGIN = 1e-3
#: Of a gradient, every so many values are kept: of all channels, rows and columns some, as no side is a multiple.
EVERY = 3
OPSETS = {False: 17, True: 18}


@dataclass
class Found:
    """What a library's own post-processing gives, best first: boxes [n, 4] (x0 y0 x1 y1), scores [n], classes [n]."""

    boxes: torch.Tensor
    scores: torch.Tensor
    classes: torch.Tensor


@dataclass
class Case:
    """`inputs`, in the module's order; `picture` names the one that holds the picture and how its values were prepared.

    `questions` are scalars of the first detection as functions of the picture's input; their gradients are taken by it.
    """

    name: str
    head: str
    module: nn.Module
    inputs: dict[str, torch.Tensor]
    picture: dict
    outputs: list[str]
    found: Found
    questions: dict[str, Callable[[torch.Tensor], torch.Tensor]]
    extent: tuple[int, int] = (SIDE, SIDE)
    free: dict = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    beside: dict[str, dict] = field(default_factory=dict)
    names: tuple[str, ...] = ("cat", "dog", "cup")
    #: PyTorch's exporters (`dynamo`) that can write it: each is checked, and the files of those in `keeps` are kept.
    exporters: tuple[bool, ...] = (False, True)
    keeps: tuple[bool, ...] = (False, True)
    #: Inner names, which are most of a large graph with few weights, are made short.
    brief: bool = False
    #: How far the gradient may be from central differences, as a part of it.
    exact: float = 1e-4


def painting() -> np.ndarray:
    """The picture of all cases, [1, 3, 64, 64] of 0 to 255: coarse blocks under noise."""
    random = np.random.default_rng(18)
    blocks = random.integers(0, 200, (1, 3, SIDE // 8, SIDE // 8)).repeat(8, 2).repeat(8, 3)
    return (blocks + random.integers(0, 56, (1, 3, SIDE, SIDE))).astype(np.uint8)


def prepared(scale=1 / 255, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), batch=True):
    """The picture as a network takes it, (value * scale - mean) / std by channel, and those numbers as case.json has them."""
    channels = lambda values: np.array(values, np.float32).reshape(1, 3, 1, 1)
    pixels = (painting().astype(np.float32) * np.float32(scale) - channels(mean)) / channels(std)
    tensor = torch.from_numpy(pixels if batch else pixels[0]).requires_grad_()
    return tensor, {"scale": scale, "mean": list(mean), "std": list(std), "batch": batch}


def draw(module: nn.Module, seed: int) -> nn.Module:
    """Normal weights that keep the size of what passes, since those of a new network make scores alike."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        wide = parameter[0].numel() if parameter.dim() > 1 else 0
        size = (1.6 / wide) ** 0.5 if wide else 0.1
        # Scales of normalisations stay near 1.
        middle = 1.0 if parameter.dim() == 1 and name.endswith("weight") else 0.0
        with torch.no_grad():
            parameter.copy_(middle + size * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def roomy(scores_at, count: int) -> float:
    """The shift at which about `count` of the scores are above the threshold and none is near it; scores_at gives [m, n] of shifts [m]."""
    shifts = torch.linspace(-12, 12, 1201)
    with torch.no_grad():
        scores = scores_at(shifts)
    fits = ((scores > LEAST).sum(1) - count).abs() <= max(2, count // 4)
    return float(shifts[((scores - LEAST).abs().amin(1) * fits).argmax()])


def export(case: Case, dynamo: bool) -> onnx.ModelProto:
    """The file that an exporter of PyTorch writes, without its talk and without where it ran."""
    written = io.BytesIO()
    logging.disable(logging.WARNING)
    inputs = tuple(value.detach() for value in case.inputs.values())
    free = {"dynamic_axes": case.free} if case.free and not dynamo else {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(
            case.module, inputs, written, input_names=list(case.inputs), output_names=case.outputs, dynamo=dynamo,
            opset_version=OPSETS[dynamo], **free,
        )
    model = onnx.load_from_string(written.getvalue())
    for graph in [model.graph, *(function for function in model.functions)]:
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
        del graph.value_info[:]
        del graph.metadata_props[:]
    del model.metadata_props[:]
    if case.brief:
        shorten(model.graph, {value.name: value.name for value in [*model.graph.input, *model.graph.output]})
    for key, value in case.metadata.items():
        model.metadata_props.add(key=key, value=value)
    return model


def shorten(graph: onnx.GraphProto, known: dict[str, str]):
    """Short names for all that is inside of a graph, and of the graphs in its nodes."""
    short = lambda name: known.setdefault(name, f"t{len(known)}") if name else ""
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for value in [*graph.input, *graph.output]:
        value.name = short(value.name)
    for i, node in enumerate(graph.node):
        node.name = f"{node.op_type}{i}"
        for names in (node.input, node.output):
            names[:] = [short(name) for name in names]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                shorten(attribute.g, known)


def check(case: Case, data: bytes) -> float:
    """The largest difference between the file in ONNX Runtime and the module in PyTorch, relative to each output's largest value."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    got = session.run(case.outputs, {name: value.detach().numpy() for name, value in case.inputs.items()})
    with torch.no_grad():
        expected = case.module(*(value.detach() for value in case.inputs.values()))
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    for name, a, b in zip(case.outputs, got, expected):
        if a.shape != tuple(b.shape):
            raise SystemExit(f"{case.name}: {name} has shape {a.shape} in the file, {tuple(b.shape)} in PyTorch")
    return max(float(np.abs(a - b.numpy()).max() / max(1, np.abs(b.numpy()).max())) if a.size else 0.0 for a, b in zip(got, expected))


@contextlib.contextmanager
def as_in_files(module: nn.Module):
    """Two things that autograd does otherwise than the function asks for, which is what a file holds.

    Networks detach tensors, for the sake of their training alone. And the gradient of BatchNorm2d in evaluation is wrong on a CPU
    where what comes back is not contiguous (PyTorch 2.15.0).
    """
    detach = torch.Tensor.detach
    torch.Tensor.detach = lambda tensor: tensor
    even = lambda layer, inputs, output: output.register_hook(lambda gradient: gradient.contiguous()) and None
    hooks = [layer.register_forward_hook(even) for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    try:
        yield
    finally:
        torch.Tensor.detach = detach
        for hook in hooks:
            hook.remove()


def gradient_of(case: Case, question: str) -> tuple[float, torch.Tensor]:
    """The scalar that a question asks for and its gradient, which central differences in double precision must agree with."""
    picture, ask = case.inputs[case.picture["input"]], case.questions[question]
    case.module.float()
    with as_in_files(case.module):
        value = ask(picture)
        (gradient,) = torch.autograd.grad(value, picture)
    case.module.double()
    direction, at = (gradient / gradient.norm()).double(), picture.detach().double()
    step = 1e-5 * at.abs().amax()
    with torch.no_grad():
        slope = (ask(at + step * direction) - ask(at - step * direction)) / (2 * step)
    error = abs(slope.item() / gradient.norm().item() - 1)
    if not error < case.exact:
        raise SystemExit(f"{case.name}: the gradient of {question} differs from differences by {error:.1e}")
    return value.item(), gradient


def in_lines(told: dict) -> str:
    """JSON with a line for each key, and for each item of a list of objects."""
    rows = lambda value: "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    listed = lambda value: isinstance(value, list) and value and isinstance(value[0], dict)
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {rows(value) if listed(value) else json.dumps(value)}" for key, value in told.items()) + "\n}"


def write_case(directory: Path, case: Case):
    """Writes DIRECTORY/NAME, or says why the case is none."""
    scores = case.found.scores
    if not 2 <= len(scores) or (scores < LEAST + MARGIN).any() or (scores.diff() > 0).any():
        raise SystemExit(f"{case.name}: not a case, scores {[round(float(s), 4) for s in scores]}")
    folder = directory / case.name
    folder.mkdir(parents=True, exist_ok=True)
    files, sizes = [], []
    case.module.eval()
    for dynamo in case.exporters:
        data = export(case, dynamo).SerializeToString(deterministic=True)
        error = check(case, data)
        if error > 1e-4:
            raise SystemExit(f"{case.name}: the file differs from PyTorch by {error:.1e} (dynamo={dynamo})")
        sizes.append(f"{len(data) / 1e3:.0f} kB ({error:.0e}){'' if dynamo in case.keeps else ' not kept'}")
        if dynamo in case.keeps:
            files.append({"file": "model-dynamo.onnx" if dynamo else "model.onnx", "differs": float(f"{error:.1e}")})
            (folder / files[-1]["file"]).write_bytes(data)
    gradients = []
    picture = case.picture["input"]
    for question in case.questions:
        value, gradient = gradient_of(case, question)
        unit = float(gradient.abs().max())
        file = "gradient.npy" if question == "box:0" else f"gradient-{question.split('.')[1]}.npy"
        np.save(folder / file, (gradient / unit).flatten()[::EVERY].numpy().astype(np.float16))
        gradients.append({"question": question, "value": value, "file": file, "every": EVERY, "unit": unit})
    fixed = {
        name: {"type": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "data": value.flatten().tolist()}
        for name, value in case.inputs.items() if name != picture
    }
    detections = [
        {"class": int(kind), "score": float(score), "box": [round(float(edge), 4) for edge in box]}
        for box, score, kind in zip(case.found.boxes, scores, case.found.classes)
    ]
    told = {
        "head": case.head, "models": files, "picture": case.picture, "feeds": fixed, "names": list(case.names),
        "width": case.extent[0], "height": case.extent[1], "detections": detections, "gradients": gradients,
    }
    (folder / "case.json").write_text(in_lines(told) + "\n")
    for file, content in case.beside.items():
        (folder / file).write_text(json.dumps(content, indent=2) + "\n")
    print(f"{case.name}: {', '.join(sizes)}, {len(detections)} detections, best {float(scores[0]):.3f}", flush=True)
