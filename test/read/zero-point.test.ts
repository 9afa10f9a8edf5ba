/** @file The activations of a quantised layer count from its zero point: the map is that of the numbers that its steps stand for. */
import * as ort from "onnxruntime-node";
import { test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { expectClose, numbers, open } from "../explain/ask.ts";
import { model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const float = (value: number) => ({ type: DataType.FLOAT, dims: [], values: [value] });
const steps = (values: number[], dims: number[], type = DataType.INT8) => ({ type, dims, values });
const into = [node("QuantizeLinear", "x s z", "xq")];
const conv = node("QLinearConv", "xq s z w sw zw sy zy", "conv", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
const ending = [
  node("DequantizeLinear", "features sy zy", "reals"),
  node("Conv", "reals v", "next", { kernel_shape: [1, 1] }),
  node("GlobalAveragePool", "next", "pooled"),
  node("Flatten", "pooled", "flat"),
  node("Gemm", "flat fw", "logits", { transB: 1 }),
];
const kinds = {
  "as it was made": node("Identity", "conv", "features"),
  pooled: node("MaxPool", "conv", "features", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
};

test.each([
  [DataType.INT8, -128],
  [DataType.INT8, 0],
  [DataType.INT8, 23],
  [DataType.UINT8, 0],
  [DataType.UINT8, 131],
])("type %i, zero point %i", async (type, zero) => {
  const sources: Sources = {
    s: float(0.03),
    z: steps([type === DataType.INT8 ? 0 : 128], [], type),
    w: steps(
      [...randomNormal(4)(4 * 3 * 9)].map((v) => Math.round(30 * v)),
      [4, 3, 3, 3],
    ),
    sw: float(0.004),
    zw: steps([0], []),
    sy: float(0.05),
    zy: steps([zero], [], type),
    v: weights([3, 4, 1, 1], 7, 0.5),
    fw: weights([5, 3], 8, 1),
  };
  const x = new ort.Tensor("float32", Float32Array.from(randomNormal(9)(3 * 6 * 7)), [1, 3, 6, 7]);
  for (const last of Object.values(kinds)) {
    const inputs = { x: [1, 3, 6, 7], ...sources };
    const explainer = await open(model({ opset: 13, inputs, nodes: [...into, conv, last, ...ending] }));
    try {
      for (const method of ["grad-cam", "hires-cam"] as const) {
        for (const target of [0, 1, 2]) {
          const counted = await explainer.explain({ x }, { target, method, layer: "conv" });
          const real = await explainer.explain({ x }, { target, method, layer: "reals" });
          if (last.opType === "Identity") expectClose(numbers(counted.maps), numbers(real.maps));
          const features = await explainer.explain({ x }, { target, method, layer: "features" });
          expectClose(numbers(features.maps), numbers(real.maps));
        }
      }
    } finally {
      await explainer.release();
    }
  }
});
