"""What a generated file is checked by: the model, its feeds, what is asked of it, and the float twin its truth comes from."""
from __future__ import annotations

import base64
import json
import pathlib
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import onnx

DTYPES = {
    "float32": np.float32, "float16": np.float16, "float64": np.float64, "int64": np.int64, "int32": np.int32,
    "uint8": np.uint8, "int8": np.int8, "bool": np.bool_,
}


@dataclass
class Case:
    """One odd file. Names are tensors' names; `layer` and `score` are those of `twin` where that names them otherwise."""

    model: onnx.ModelProto
    feeds: dict[str, np.ndarray]
    image: str
    """The output that is seeded, and the scores before any softmax, which may be an inner tensor."""
    output: str
    score: str
    """The tensor that the map lies on, and how its axes are read: NCHW, NHWC, NCL, NCDHW, or tokens of {grid, prefix}."""
    layer: str
    layout: str | dict = "NCHW"
    """The axis of classes of the scores; None where only seeds can be asked."""
    axis: int | None = 1
    """A float model of the same function, from which the derivatives are taken; the file itself by default."""
    twin: onnx.ModelProto | None = None
    twin_layer: str | None = None
    twin_score: str | None = None
    """Largest difference allowed, over the largest magnitude."""
    tolerance: float = 6e-3
    """The gradient at the input is not asked for where the picture is of an integer type."""
    at_input: bool = True
    """Nor that at the layer where it has another unit than the twin's."""
    at_layer: bool = True
    """Where the file has no derivative that is right: why. Then only a refusal will do."""
    refuse: str | None = None
    """Where a right answer is hard to have, and a refusal will do as well: why."""
    may_refuse: str | None = None
    """Whether the layer may be left to the program: not where only the author can know it."""
    by_default: bool = True
    """Whether maps are asked for at all."""
    maps: bool = True
    """Bytes of the file where they are not the model's plain serialisation, and files beside it."""
    raw: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    note: str = ""


@dataclass
class Kind:
    name: str
    tool: str
    needs: tuple[str, ...]
    make: Callable[[np.random.Generator], Case]


KINDS: dict[str, Kind] = {}


def kind(name: str, tool: str = "our helper", needs: tuple[str, ...] = ()):
    """Registers a function that makes a file from a random generator."""

    def register(make: Callable[[np.random.Generator], Case]):
        if name in KINDS:
            raise ValueError(f"two kinds are called {name}")
        KINDS[name] = Kind(name, tool, needs, make)
        return make

    return register


def encode(array: np.ndarray) -> dict:
    dtype = next(name for name, t in DTYPES.items() if np.dtype(t) == array.dtype)
    return {"type": dtype, "dims": list(array.shape), "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def write(folder: pathlib.Path, kind: Kind, case: Case, truth: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.raw if case.raw is not None else case.model.SerializeToString())
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    told = {
        "kind": kind.name, "tool": kind.tool, "note": case.note, "image": case.image, "output": case.output,
        "layer": case.layer, "tolerance": case.tolerance, "byDefault": case.by_default, "refuse": case.refuse, "mayRefuse": case.may_refuse, "options": case.options,
        "feeds": {name: encode(value) for name, value in case.feeds.items()},
        **truth,
    }
    (folder / "case.json").write_text(json.dumps(told) + "\n")
