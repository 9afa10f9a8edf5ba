import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { receptiveField } from "../../src/explain/receptive-field.ts";
import { readModel } from "../../src/onnx/model.ts";
import { observe } from "../../src/onnx/observe.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { loadOperatorsOf } from "../../src/ops/index.ts";
import { floats, ints, model, node, type Sources } from "../models.ts";

const session = { intraOpNumThreads: 1, graphOptimizationLevel: "disabled", logSeverityLevel: 4 } as const;

interface Net {
  readonly nodes: readonly NodeProto[];
  readonly constants?: Sources;
  /** Of the signal; 64 unless told. */
  readonly length?: number;
  readonly input?: readonly number[];
}

const bytesOf = ({ nodes, constants = {}, length = 64, input = [1, 1, length] }: Net) =>
  model({ opset: 18, inputs: { x: input, ...constants }, nodes, outputs: ["y"] });

async function alignmentOf(net: Net, axes = [2]) {
  const read = readModel(bytesOf(net));
  await loadOperatorsOf(read.graph);
  return receptiveField(read, await observe(ort, read, {}, session), { name: "x", axes }, "y");
}

/** Which samples change which cell, as ONNX Runtime says: the middles of the cells that lie inside, by number. */
async function seen(net: Net): Promise<Map<number, number>> {
  const { length = 64 } = net;
  const run = await ort.InferenceSession.create(bytesOf(net), session);
  const at = async (hot: number) => {
    const data = new Float32Array(length).fill(1);
    if (hot >= 0) data[hot] = 2;
    return (await run.run({ x: new ort.Tensor("float32", data, [1, 1, length]) })).y.data as Float32Array;
  };
  const plain = await at(-1);
  const span = Array.from(plain, () => [length, 0]);
  for (let hot = 0; hot < length; hot++)
    (await at(hot)).forEach((value, cell) => {
      if (Math.abs(value - plain[cell]) > 1e-6) {
        span[cell][0] = Math.min(span[cell][0], hot);
        span[cell][1] = Math.max(span[cell][1], hot + 1);
      }
    });
  await run.release();
  // Those near the ends look on what is padded.
  const inside = [...span.entries()].slice(3, -3);
  return new Map(inside.map(([cell, [from, to]]) => [cell, (from + to) / 2]));
}

const w = (size: number) => floats(Array<number>(size).fill(1), [1, 1, size]);
const conv = (from: string, to: string, weights: string, attributes = {}) =>
  node("Conv", `${from} ${weights}`, to, attributes);
const three = { w: w(3), v: w(5), u: w(4) };

const nets: Record<string, Net> = {
  "strides and pads": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { strides: [2], pads: [1, 1] }),
      node("Relu", "a", "b"),
      conv("b", "y", "v", { strides: [2], pads: [2, 2] }),
    ],
  },
  "no pads": {
    constants: three,
    nodes: [conv("x", "a", "w", { strides: [2] }), conv("a", "y", "w", { strides: [2] })],
  },
  "pads of one side": {
    constants: three,
    nodes: [conv("x", "a", "w", { strides: [2], pads: [0, 1] }), conv("a", "y", "w", { strides: [2], pads: [0, 1] })],
  },
  dilations: { constants: three, nodes: [conv("x", "y", "w", { dilations: [3], pads: [2, 4], strides: [2] })] },
  "SAME_UPPER, even": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { auto_pad: "SAME_UPPER", strides: [2] }),
      conv("a", "y", "u", { auto_pad: "SAME_UPPER" }),
    ],
  },
  "SAME_LOWER, even": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { auto_pad: "SAME_LOWER", strides: [2] }),
      conv("a", "y", "u", { auto_pad: "SAME_LOWER" }),
    ],
  },
  "SAME_UPPER, odd": {
    length: 65,
    constants: three,
    nodes: [conv("x", "y", "w", { auto_pad: "SAME_UPPER", strides: [2] })],
  },
  VALID: { constants: three, nodes: [conv("x", "y", "u", { auto_pad: "VALID", strides: [3] })] },
  "pooling that rounds up": {
    length: 61,
    nodes: [node("MaxPool", "x", "y", { kernel_shape: [3], strides: [2], ceil_mode: 1 })],
  },
  "average pooling": { nodes: [node("AveragePool", "x", "y", { kernel_shape: [2], strides: [2] })] },
  "Pad and Slice": {
    constants: {
      ...three,
      pads: ints([0, 0, 3, 0, 0, 0]),
      starts: ints([1]),
      ends: ints([60]),
      axes: ints([2]),
      steps: ints([3]),
    },
    nodes: [node("Pad", "x pads", "a"), node("Slice", "a starts ends axes steps", "b"), conv("b", "y", "w")],
  },
  "Slice from the end": {
    constants: { starts: ints([-40]), ends: ints([-2]), axes: ints([-1]) },
    nodes: [node("Slice", "x starts ends axes", "y")],
  },
  "transposed convolution": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { strides: [4], pads: [1, 1] }),
      node("ConvTranspose", "a u", "y", { strides: [2], pads: [1, 1] }),
    ],
  },
  "transposed convolution with more on one side": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { strides: [4], pads: [1, 1] }),
      node("ConvTranspose", "a w", "y", { strides: [2], pads: [1, 0] }),
    ],
  },
  "Resize, half_pixel": {
    constants: { ...three, scales: floats([1, 1, 2]) },
    nodes: [conv("x", "a", "w", { strides: [4], pads: [1, 1] }), node("Resize", "a - scales", "y", { mode: "linear" })],
  },
  "Resize, asymmetric and nearest": {
    constants: { ...three, scales: floats([1, 1, 2]) },
    nodes: [
      conv("x", "a", "w", { strides: [4], pads: [1, 1] }),
      node("Resize", "a - scales", "y", {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    ],
  },
  "Resize, smaller": {
    constants: { ...three, scales: floats([1, 1, 0.5]) },
    nodes: [
      conv("x", "a", "w", { pads: [1, 1] }),
      node("Resize", "a - scales", "y", {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    ],
  },
  "paths that agree": {
    constants: { ...three, one: w(1) },
    nodes: [
      conv("x", "a", "w", { strides: [2], pads: [1, 1] }),
      conv("x", "b", "one", { strides: [2] }),
      node("Add", "a b", "y"),
    ],
  },
  "paths that disagree: the middle of all that is seen": {
    constants: { ...three, one: w(1) },
    nodes: [
      conv("x", "a", "w", { strides: [2], pads: [0, 1] }),
      conv("x", "b", "one", { strides: [2] }),
      node("Add", "a b", "y"),
    ],
  },
  "merged patches: slices side by side": {
    constants: {
      zero: ints([0]),
      uno: ints([1]),
      end: ints([64]),
      axes: ints([2]),
      two: ints([2]),
      w2: floats([1, 1, 1, 1], [1, 2, 2]),
    },
    nodes: [
      node("Slice", "x zero end axes two", "a"),
      node("Slice", "x uno end axes two", "b"),
      node("Concat", "a b", "c", { axis: 1 }),
      conv("c", "y", "w2", { strides: [2] }),
    ],
  },
  "a gate over all": {
    constants: three,
    nodes: [
      conv("x", "a", "w", { strides: [2], pads: [1, 1] }),
      node("GlobalAveragePool", "x", "p"),
      // Its place is nowhere; what it changes is too little to be seen here.
      node("Floor", "p", "g"),
      node("Mul", "a g", "y"),
    ],
  },
};

describe("centres of receptive fields are the middles of what changes a cell", () => {
  test.each(Object.entries(nets))("%s", async (_, net) => {
    const [{ start, step }] = await alignmentOf(net);
    const middles = [...(await seen(net))];
    expect(middles.length).toBeGreaterThan(5);
    // Of neighbours that see the same, in the mean.
    const offsets = middles.slice(0, middles.length & ~1).map(([cell, middle]) => middle - cell * step);
    expect(offsets.reduce((a, b) => a + b, 0) / offsets.length).toBeCloseTo(start, 6);
    for (const offset of offsets) expect(Math.abs(offset - start)).toBeLessThanOrEqual(Math.max(1, step));
  });
});

describe("axes", () => {
  const patch = floats(Array<number>(768).fill(0.01), [4, 3, 8, 8]);
  const picture = [1, 3, 32, 48];
  const strides = { strides: [8, 8] };

  test("of channels-last pictures", async () => {
    const net = {
      input: [1, 32, 48, 3],
      constants: { patch },
      nodes: [node("Transpose", "x", "t", { perm: [0, 3, 1, 2] }), conv("t", "y", "patch", strides)],
    };
    expect(await alignmentOf(net, [1, 2])).toEqual([
      { start: 4, step: 8 },
      { start: 4, step: 8 },
    ]);
  });

  test("of tokens behind a class token, past attention: the patch embedding's", async () => {
    const net = {
      input: picture,
      constants: {
        patch,
        rows: ints([1, 4, 24]),
        token: floats([0, 0, 0, 0], [1, 1, 4]),
        w4: floats(
          Array.from({ length: 16 }, (_, i) => i / 16),
          [4, 4],
        ),
      },
      nodes: [
        conv("x", "a", "patch", strides),
        node("Reshape", "a rows", "b"),
        node("Transpose", "b", "c", { perm: [0, 2, 1] }),
        node("Concat", "token c", "d", { axis: 1 }),
        node("MatMul", "d w4", "q"),
        node("Transpose", "q", "k", { perm: [0, 2, 1] }),
        node("MatMul", "q k", "s"),
        node("Softmax", "s", "p", { axis: -1 }),
        node("MatMul", "p q", "o"),
        node("Add", "d o", "y"),
      ],
    };
    expect(await alignmentOf(net, [2, 3])).toEqual([
      { start: 4, step: 8 },
      { start: 4, step: 8 },
    ]);
  });

  test("of a patch embedding that is no convolution", async () => {
    const net = {
      input: picture,
      constants: {
        split: ints([1, 3, 4, 8, 6, 8]),
        rows: ints([1, 24, 192]),
        w4: floats(Array<number>(768).fill(0.01), [192, 4]),
      },
      nodes: [
        node("Reshape", "x split", "a"),
        node("Transpose", "a", "b", { perm: [0, 2, 4, 1, 3, 5] }),
        node("Reshape", "b rows", "c"),
        node("MatMul", "c w4", "y"),
      ],
    };
    expect(await alignmentOf(net, [2, 3])).toEqual([
      { start: 4, step: 8 },
      { start: 4, step: 8 },
    ]);
  });

  test("behind windows that are put together again", async () => {
    const net = {
      input: picture,
      constants: { patch, windows: ints([1, 4, 2, 2, 3, 2]), rows: ints([1, 4, 4, 6]) },
      nodes: [
        conv("x", "a", "patch", strides),
        node("Reshape", "a windows", "b"),
        node("Relu", "b", "c"),
        node("Reshape", "c rows", "y"),
      ],
    };
    expect(await alignmentOf(net, [2, 3])).toEqual([
      { start: 4, step: 8 },
      { start: 4, step: 8 },
    ]);
  });

  test("a layer that looks everywhere is refused, and its node is named", async () => {
    const net = {
      input: picture,
      constants: { patch },
      nodes: [conv("x", "a", "patch", strides), node("Einsum", "a a", "y", { equation: "nchw,nchv->nchv" })],
    };
    await expect(alignmentOf(net, [2, 3])).rejects.toThrow(
      'invalid --align receptive-field: no receptive field can be computed for "y": Einsum node "y" looks everywhere, or its reach is not known; allowed are --align bilinear, or an earlier --layer',
    );
  });
});
