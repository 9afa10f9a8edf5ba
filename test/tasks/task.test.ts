/** @file Detectors are no classifiers, depth is no text, and an embedding has no probabilities. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { openExplainer } from "../../src/index.ts";
import { DataType, type NodeProto } from "../../src/onnx/proto.ts";
import { Classifier } from "../../src/tasks/classify/classification.ts";
import { readingOf } from "../../src/tasks/reading.ts";
import { type Attributes, model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const integers = (...values: number[]) => ({ type: DataType.INT64, dims: [values.length], values });
const one = (type: DataType, value: number) => ({ type, dims: [1], values: [value] });
const grid: readonly NodeProto[] = [
  node("Conv", "x w", "conv", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  node("Relu", "conv", "features"),
];
const head = (of: string, rows: number): [readonly NodeProto[], Sources] => [
  [
    node("Conv", `features ${of}_w`, `${of}_map`, { kernel_shape: [1, 1] }),
    node("Reshape", `${of}_map ${of}_s`, `${of}_rows`),
    node("Transpose", `${of}_rows`, of, { perm: [0, 2, 1] } as Attributes),
  ],
  { [`${of}_w`]: weights([rows, 4, 1, 1], rows, 1), [`${of}_s`]: integers(0, rows, -1) },
];
const [boxes, boxesBy] = head("places", 4);
const [classes, classesBy] = head("kinds", 6);
const own: Sources = { w: weights([4, 3, 3, 3], 1, 0.3), ...boxesBy, ...classesBy };

const nets: Readonly<Record<string, readonly [nodes: readonly NodeProto[], sources: Sources, outputs: string[]]>> = {
  "boxes of several pictures by NonMaxSuppression": [
    [
      ...grid,
      ...boxes,
      ...classes,
      node("Transpose", "kinds", "scores_first", { perm: [0, 2, 1] }),
      node("NonMaxSuppression", "places scores_first most", "chosen"),
      node("Slice", "chosen two three axis", "third"),
      node("Squeeze", "third axis", "rows"),
      node("Squeeze", "places zero", "alone"),
      node("Gather", "alone rows", "boxes"),
    ],
    { most: integers(3), two: integers(2), three: integers(3), axis: integers(1), zero: integers(0) },
    ["boxes"],
  ],
  "anchors in the order of their scores": [
    [
      ...grid,
      ...boxes,
      ...classes,
      node("ReduceMax", "kinds", "best", { axes: [2], keepdims: 0 }),
      node("TopK", "best ten", "scores order", { axis: 1 }),
      node("Unsqueeze", "order last", "column"),
      node("Expand", "column wide", "index"),
      node("GatherElements", "places index", "boxes", { axis: 1 }),
    ],
    { ten: integers(10), last: integers(2), wide: integers(1, 10, 4) },
    ["scores", "boxes"],
  ],
};

async function opened(nodes: readonly NodeProto[], sources: Sources, outputs: string[]) {
  const used = new Set(nodes.flatMap(({ input }) => input));
  const inputs = Object.fromEntries(Object.entries({ ...own, ...sources }).filter(([name]) => used.has(name)));
  const bytes = model({ opset: 13, inputs: { x: [1, 3, 16, 20], ...inputs }, nodes, outputs });
  return openExplainer(ort, bytes, { session: { intraOpNumThreads: 1 } });
}

test.each(Object.entries(nets))("%s are refused as classes", async (_, net) => {
  const explainer = await opened(...net);
  const reading = readingOf(explainer, { name: "net" });
  expect(reading).toMatchObject({ task: "detection", questions: [] });
  expect(() => new Classifier(ort, explainer, reading)).toThrow(/looks like a detection model's/);
  await explainer.release();
});

test("[n, h, w] holds a value for each place", async () => {
  const nodes = [
    ...grid,
    node("Conv", "features one_w", "wide", { kernel_shape: [1, 1] }),
    node("Squeeze", "wide channel", "predicted_depth"),
  ];
  const explainer = await opened(nodes, { one_w: weights([1, 4, 1, 1], 3, 1), channel: one(DataType.INT64, 1) }, [
    "predicted_depth",
  ]);
  const { task, probability } = readingOf(explainer, { name: "net" });
  expect([task, probability]).toEqual(["depth", "none"]);
  expect(explainer.score.axes).toEqual({ batch: 0, grid: [1, 2] });
  await explainer.release();
});

test.each(["pooler_output", "embedding"])("%s has no probabilities", async (name) => {
  const nodes = [
    ...grid,
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat fw", name, { transB: 1 }),
  ];
  const explainer = await opened(nodes, { fw: weights([32, 4], 5, 1) }, [name]);
  expect(readingOf(explainer, { name: "net" })).toMatchObject({ task: "embedding", probability: "none" });
  await explainer.release();
});
