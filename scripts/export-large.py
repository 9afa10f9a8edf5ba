"""Write a classifier whose weights are more than 2 GB, in a file beside it: what no single ONNX file can hold.

A stem and a row of residual 1 x 1 convolutions, global average pooling and a linear layer, with random weights that are written
as they are drawn: this script never holds more than one of them.

    pip install -r scripts/requirements.txt
    python scripts/export-large.py DIRECTORY [--gigabytes 2.2]
    npm run build && node scripts/explain-large.mjs DIRECTORY/model.onnx
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

CHANNELS, CLASSES, SIDE = 6144, 10, 32


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--gigabytes", type=float, default=2.2)
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    initializers, nodes, offset = [], [], 0

    with open(given.directory / "model.weights", "wb") as file:

        def weight(name, shape):
            nonlocal offset
            fan = int(np.prod(shape[1:]))
            values = random.standard_normal(shape, dtype=np.float32) * np.float32(1 / np.sqrt(fan))
            file.write(values.tobytes())
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
            for key, value in {"location": "model.weights", "offset": offset, "length": values.nbytes}.items():
                tensor.external_data.add(key=key, value=str(value))
            initializers.append(tensor)
            offset += values.nbytes
            return name

        nodes.append(helper.make_node("Conv", ["input", weight("stem", (CHANNELS, 3, 4, 4))], ["x0"], strides=[4, 4]))
        block = 0
        while offset < given.gigabytes * 1e9:
            x, y = f"x{block}", f"x{block + 1}"
            nodes += [
                helper.make_node("Conv", [x, weight(f"w{block}", (CHANNELS, CHANNELS, 1, 1))], [f"c{block}"]),
                helper.make_node("Relu", [f"c{block}"], [f"r{block}"]),
                helper.make_node("Add", [x, f"r{block}"], [y]),
            ]
            block += 1
        nodes += [
            helper.make_node("Relu", [f"x{block}"], ["features"]),
            helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", weight("head", (CLASSES, CHANNELS))], ["logits"], transB=1),
        ]

    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])
    graph = helper.make_graph(nodes, "large", [picture], [logits], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), given.directory / "model.onnx")
    print(f"{given.directory / 'model.onnx'}: {block} blocks, {offset / 1e9:.2f} GB of weights")


if __name__ == "__main__":
    main()
