/** @file Heads that their shapes alone do not tell: places and numbers alike, and levels of anchors that nothing has decoded. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type LoadOptions, load } from "../../src/node/load.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { folder } from "../cli/run.ts";
import { floats, ints, model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const side = 64;
async function opened(inputs: Sources, nodes: NodeProto[], outputs: string[], options: LoadOptions = {}) {
  const file = path.join(folder(), "net.onnx");
  writeFileSync(file, model({ opset: 13, inputs: { x: [1, 3, side, side], ...inputs }, nodes, outputs }));
  const opened = await load(file, { task: "detection", session: { intraOpNumThreads: 1 }, ...options });
  onTestFinished(() => opened.release());
  return opened;
}

const strides = [8, 16, 32] as const;
/** Rows [1, numbers, 84] of the levels, each a convolution as large as its stride. */
const levels = (name: string, numbers: number) => ({
  inputs: Object.fromEntries(
    strides.map((s, i) => [`${name}w${s}`, weights([numbers, 3, s, s], i + numbers, 0.2 / s)]),
  ),
  nodes: [
    ...strides.flatMap((s) => [
      node("Conv", `x ${name}w${s}`, `${name}${s}`, { kernel_shape: [s, s], strides: [s, s] }),
      node("Reshape", `${name}${s} ${name}flat`, `${name}rows${s}`),
    ]),
    node("Concat", strides.map((s) => `${name}rows${s}`).join(" "), name, { axis: 2 }),
  ],
  flat: { [`${name}flat`]: ints([1, numbers, -1]) },
});

// At 64 pixels there are 64 + 16 + 4 places, as many as a box of 80 classes has numbers.
describe("places and numbers alike, [1, 84, 84]", () => {
  const boxes = levels("boxes", 4);
  const classes = levels("classes", 80);
  const apart = [
    ...boxes.nodes,
    ...classes.nodes,
    node("Sigmoid", "classes", "scores"),
    node("Concat", "boxes scores", "numbers", { axis: 1 }),
  ];
  const inputs = { ...boxes.inputs, ...boxes.flat, ...classes.inputs, ...classes.flat };

  test.each([
    ["as they are", node("Identity", "numbers", "output0"), 2],
    ["places first", node("Transpose", "numbers", "output0", { perm: [0, 2, 1] }), 1],
  ] as const)("%s: what was computed apart tells", async (_, last, axis) => {
    const { reading } = await opened(inputs, [...apart, last], ["output0"]);
    expect(reading.head?.layout).toMatchObject({ of: "places", axis, classes: 80 });
    expect(reading.warnings.map(({ code }) => code)).not.toContain("head-guessed");
  });

  test("from one convolution nothing tells, and it is said", async () => {
    const one = levels("numbers", 84);
    const nodes = [...one.nodes, node("Sigmoid", "numbers", "output0")];
    const { reading } = await opened({ ...one.inputs, ...one.flat }, nodes, ["output0"]);
    const because = 'both axes of "output0", [1,84,84], may count its places; axis 2 was assumed to';
    expect(reading.decisions).toContainEqual(expect.objectContaining({ what: "head", because, guess: true }));
    expect(reading.warnings).toContainEqual({
      code: "head-guessed",
      text: `How boxes are read was guessed: ${because}.`,
    });
  });
});

describe("levels of anchors, [1, 3, rows, columns, 5 + classes]", () => {
  const numbers = 7;
  const anchors = [
    [10, 13],
    [16, 30],
    [33, 23],
    [30, 61],
    [62, 45],
    [59, 119],
    [116, 90],
    [156, 198],
    [373, 326],
  ] as const;
  // Logits of all places are the bias alone: one box is given by its own place of a grid.
  const given = [0.3, -0.4, 0.2, -0.1, 3, -1, 2];
  const at = { level: 1, anchor: 2, row: 3, column: 1 };
  const nodes = (squashed: boolean) =>
    strides.flatMap((s) => [
      node("Conv", `x w${s}`, `conv${s}`, { kernel_shape: [s, s], strides: [s, s] }),
      node("Reshape", `conv${s} split${s}`, `apart${s}`),
      node("Transpose", `apart${s}`, `moved${s}`, { perm: [0, 1, 3, 4, 2] }),
      node("Add", `moved${s} given${s}`, squashed ? `raw${s}` : `level${s}`),
      ...(squashed ? [node("Sigmoid", `raw${s}`, `level${s}`)] : []),
    ]);
  const inputs = Object.fromEntries(
    strides.flatMap((s, level) => {
      const cells = side / s;
      const values = Array.from({ length: 3 * cells * cells }, (_, place) => {
        const own = level === at.level && place === (at.anchor * cells + at.row) * cells + at.column;
        return own ? given : [0, 0, 0, 0, -9, -9, -9];
      });
      return [
        [`w${s}`, weights([3 * numbers, 3, s, s], level, 1e-3)],
        [`split${s}`, ints([1, 3, numbers, cells, cells])],
        [`given${s}`, floats(values.flat(), [1, 3, cells, cells, numbers])],
      ] as const;
    }),
  );
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

  test.each([false, true])("decoded by YOLOv5's anchors; a sigmoid within: %s", async (squashed) => {
    const net = await opened(
      inputs,
      nodes(squashed),
      strides.map((s) => `level${s}`),
      { labels: ["cat", "dog"] },
    );
    expect(net.reading.head?.format).toContain("[n, anchors, rows, columns, 5 + classes]");
    expect(net.reading.warnings.map(({ text }) => text)).toContain(
      "How boxes are read was guessed: the file does not hold its anchors; those of YOLOv5's own files were assumed.",
    );
    const data = Float32Array.from({ length: 3 * side * side }, (_, i) => (i % 97) / 97);
    const sample = { data, dims: [1, 3, side, side] };
    const targets = ["box:0", "box:0.left", "box:0.bottom", "box:0.objectness"];
    const why = await net.explain(sample, { targets });
    const [found, ...more] = why.detections ?? [];
    expect(more).toEqual([]);
    expect(found).toMatchObject({ class: 1, label: "dog" });
    expect(found?.score).toBeCloseTo(sigmoid(3) * sigmoid(2), 1);
    const [aw, ah] = anchors[3 * at.level + at.anchor] as readonly [number, number];
    const [sx, sy, sw, sh] = given.map(sigmoid) as [number, number, number, number];
    const stride = strides[at.level] as number;
    const [x, y] = [(2 * sx - 0.5 + at.column) * stride, (2 * sy - 0.5 + at.row) * stride];
    const [w, h] = [(2 * sw) ** 2 * aw, (2 * sh) ** 2 * ah];
    const wanted = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    expect(found?.box.every((edge, i) => Math.abs(edge - (wanted[i] as number)) < 2)).toBe(true);
    expect(why.explanations.map(({ map }) => map.data.every(Number.isFinite))).toEqual([true, true, true, true]);
    // An edge's gradient is what the edge moves by: a step of the picture along it.
    const left = await net.explain(sample, { targets: ["box:0.left"], method: "gradient" });
    const pixels = left.explanations[0]?.pixels?.data ?? new Float32Array();
    const norm = Math.hypot(...pixels);
    const step = 0.5;
    const moved = await net.explain({
      data: data.map((v, i) => v + (step * (pixels[i] as number)) / norm),
      dims: sample.dims,
    });
    const rise = (moved.detections?.[0]?.box[0] as number) - (found?.box[0] as number);
    expect(rise / (step * norm)).toBeCloseTo(1, 2);
  });
});
