"""Writes the ONNX project's own backend node tests, as the PyPI package onnx makes them, into a folder outside of the repository.

    python scripts/backend-node-tests.py FOLDER

One folder a case: model.onnx, and inputs.json with the tensors of its first data set. Inputs of whole numbers, and the scales of Resize, become
initializers, as they are in real models. Cases with inputs that are no tensors, or not finite, are left out.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

folder = pathlib.Path(sys.argv[1])
written = 0
for case in collect_testcases(None):
    if case.kind != "node" or not case.data_sets:
        continue
    graph = case.model.graph
    given = list(zip(list(graph.input), case.data_sets[0][0]))
    tensors = all(isinstance(v, (np.ndarray, np.generic)) and v.dtype.kind in "fiub" for _, v in given)
    if not tensors or len(given) != len(graph.input) or not all(np.isfinite(v).all() for _, v in given):
        continue
    inputs = {}
    for info, value in given:
        array = np.asarray(value)
        if array.dtype.kind == "f" and info.name not in ("scales", "roi"):
            inputs[info.name] = {"type": str(array.dtype), "dims": array.shape, "values": array.ravel().tolist()}
        else:
            graph.initializer.append(numpy_helper.from_array(array, info.name))
            graph.input.remove(info)
    target = folder / case.name
    target.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, target / "model.onnx")
    (target / "inputs.json").write_text(json.dumps(inputs))
    written += 1
print(f"onnx {onnx.__version__}: {written} cases in {folder}")
