/** @file A grid is one in whatever steps it goes, and the places of a window are none: pictures dealt out by Reshape and Transpose. */
import { describe, expect, test } from "vitest";
import { open } from "../explain/ask.ts";
import { model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const shape = (...values: number[]) => ({ type: 7, dims: [values.length], values });
const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const classes = [
  node("GlobalAveragePool", "features", "pooled"),
  node("Flatten", "pooled", "flat"),
  node("Gemm", "flat fw", "logits", { transB: 1 }),
];

/** Four neighbours become channels. */
const packed = [
  node("Reshape", "x sixes", "six"),
  node("Transpose", "six", "turned", { perm: [0, 3, 5, 1, 2, 4] }),
  node("Reshape", "turned fours", "t"),
  node("Conv", "t w", "conv", same),
  node("Relu", "conv", "features"),
  ...classes,
];
const packedBy: Sources = {
  sixes: shape(-1, 3, 6, 2, 8, 2),
  fours: shape(-1, 12, 6, 8),
  w: weights([5, 12, 3, 3], 1, 0.2),
  fw: weights([4, 5], 2, 1),
};

/** Channels become four neighbours. */
const shuffled = [
  node("Conv", "x w", "first", same),
  node("Relu", "first", "coarse"),
  node("Conv", "coarse v", "more", same),
  node("Reshape", "more sixes", "six"),
  node("Transpose", "six", "turned", { perm: [0, 1, 4, 2, 5, 3] }),
  node("Reshape", "turned fours", "fine"),
  node("Conv", "fine u", "conv", same),
  node("Relu", "conv", "features"),
  ...classes,
];
const shuffledBy: Sources = {
  w: weights([5, 3, 3, 3], 1, 0.2),
  v: weights([16, 5, 3, 3], 5, 0.2),
  u: weights([5, 4, 3, 3], 6, 0.2),
  sixes: shape(-1, 4, 2, 2, 12, 16),
  fours: shape(-1, 4, 24, 32),
  fw: weights([4, 5], 2, 1),
};

/** A layer of tokens in each window of 4 by 4, then merged by twos. */
const windowed = [
  node("Conv", "x w", "stem", same),
  node("Transpose", "stem", "last", { perm: [0, 2, 3, 1] }),
  node("Reshape", "last windows", "six"),
  node("Transpose", "six", "sorted", { perm: [0, 1, 3, 2, 4, 5] }),
  node("Reshape", "sorted tokens", "inside"),
  node("MatMul", "inside m", "mixed"),
  node("Relu", "mixed", "active"),
  node("MatMul", "active p", "projected"),
  node("Reshape", "projected back", "apart"),
  node("Transpose", "apart", "together", { perm: [0, 1, 3, 2, 4, 5] }),
  node("Reshape", "together whole", "grid"),
  node("Add", "grid last", "residual"),
  node("Reshape", "residual pairs", "paired"),
  node("Transpose", "paired", "merging", { perm: [0, 1, 3, 2, 4, 5] }),
  node("Reshape", "merging merged", "halves"),
  node("MatMul", "halves r", "reduced"),
  node("Relu", "reduced", "features"),
  node("ReduceMean", "features", "pooled", { axes: [1, 2], keepdims: 0 }),
  node("Gemm", "pooled fw", "logits", { transB: 1 }),
];
const windowedBy: Sources = {
  w: weights([6, 3, 3, 3], 1, 0.2),
  windows: shape(-1, 3, 4, 4, 4, 6),
  tokens: shape(-1, 16, 6),
  m: weights([6, 6], 2, 0.4),
  p: weights([6, 6], 3, 0.4),
  back: shape(-1, 3, 4, 4, 4, 6),
  whole: shape(-1, 12, 16, 6),
  pairs: shape(-1, 6, 2, 8, 2, 6),
  merged: shape(-1, 6, 8, 24),
  r: weights([24, 5], 4, 0.4),
  fw: weights([4, 5], 5, 1),
};

const nets = {
  "neighbours packed into channels": [packed, packedBy, [6, 8], ["features"]],
  "channels shuffled into neighbours": [shuffled, shuffledBy, [24, 32], ["features", "more", "coarse"]],
  "windows of tokens": [windowed, windowedBy, [6, 8], ["features", "residual", "stem"]],
} as const;

describe.each(Object.entries(nets))("%s", (_, [nodes, sources, grid, layers]) => {
  test.each([true, false])("any number of pictures: %s", async (free) => {
    const inputs = { x: [2, 3, 12, 16], ...sources };
    const bytes = model({ opset: 13, inputs, nodes, free: free ? ["x"] : [] });
    const explainer = await open(bytes);
    try {
      expect(explainer.layers[0]).toMatchObject({ name: "features", grid });
      expect(explainer.layers.map(({ name }) => name)).toEqual(layers);
    } finally {
      await explainer.release();
    }
  });
});
