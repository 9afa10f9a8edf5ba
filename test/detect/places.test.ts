/**
 * @file Maps of boxes on a network worked out by hand: three levels, each of which sees squares of its own size and colour and nothing
 * else, and a picture with two equal squares.
 */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { floats, ints, model, node } from "../models.ts";

const side = 64;
const strides = [8, 16, 32] as const;

/** Level i is the mean of colour i over cells of its stride; a cell's score is 8 times its own, and a little of its neighbours'. */
function squares(): Uint8Array {
  const cells = strides.map((stride) => side / stride);
  const level = (stride: number, i: number) => [
    node("AveragePool", "x", `mean${i}`, { kernel_shape: [stride, stride], strides: [stride, stride] }),
    node("Conv", `mean${i} colour${i}`, `seen${i}`),
    node("Relu", `seen${i}`, `level${i}`),
    node("Conv", `level${i} around bias`, `score${i}`, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node("Conv", `level${i} nothing`, `edges${i}`),
    node("Reshape", `score${i} one`, `scores${i}`),
    node("Reshape", `edges${i} four`, `boxes${i}`),
  ];
  const colour = (i: number) =>
    floats(
      [0, 1, 2].map((c) => (c === i ? 1 : 0)),
      [1, 3, 1, 1],
    );
  // Centre and size of each cell.
  const places = strides.flatMap((stride, i) =>
    Array.from({ length: (cells[i] ?? 0) ** 2 }, (_, k) => {
      const [row, column] = [Math.floor(k / (cells[i] ?? 1)), k % (cells[i] ?? 1)];
      return [(column + 0.5) * stride, (row + 0.5) * stride, stride, stride];
    }),
  );
  const around = [0.05, 0.05, 0.05, 0.05, 8, 0.05, 0.05, 0.05, 0.05];
  return model({
    opset: 13,
    free: ["x"],
    inputs: {
      x: [1, 3, side, side],
      ...Object.fromEntries(strides.map((_, i) => [`colour${i}`, colour(i)])),
      around: floats(around, [1, 1, 3, 3]),
      bias: floats([-4], [1]),
      nothing: floats([0, 0, 0, 0], [4, 1, 1, 1]),
      one: ints([0, 1, -1]),
      four: ints([0, 4, -1]),
      places: floats(
        [0, 1, 2, 3].flatMap((of) => places.map((place) => place[of] ?? 0)),
        [1, 4, places.length],
      ),
    },
    nodes: [
      ...strides.flatMap(level),
      node("Concat", "scores0 scores1 scores2", "logits", { axis: 2 }),
      node("Sigmoid", "logits", "scores"),
      node("Concat", "boxes0 boxes1 boxes2", "moved", { axis: 2 }),
      node("Add", "moved places", "boxes"),
      node("Concat", "boxes scores", "output", { axis: 1 }),
    ],
  });
}

/** Squares of a level's colour and size, by their cell. */
function painted(...drawn: readonly (readonly [level: 0 | 1 | 2, row: number, column: number])[]) {
  const data = new Float32Array(3 * side * side);
  for (const [level, row, column] of drawn)
    for (let y = 0; y < strides[level]; y++) {
      const from = level * side * side + (row * strides[level] + y) * side + column * strides[level];
      data.fill(1, from, from + strides[level]);
    }
  return { x: new ort.Tensor("float32", data, [1, 3, side, side]) };
}

async function explained(feeds: ReturnType<typeof painted>, method: MethodName) {
  const runtime = ort as unknown as Runtime;
  await using explainer = await openExplainer(runtime, squares());
  const input = { width: side, height: side };
  const { model: read, sized } = explainer;
  const head = recogniseHead({ model: read, tensors: sized, input, labels: ["square"], config: undefined })?.head;
  if (!head) throw new Error("not recognised");
  const found = await new Finder(runtime, explainer, head).find(feeds, input, {});
  const answers = await found.pass.explain(
    found.candidates.map((one) => found.score(one)),
    { method },
  );
  return found.candidates.map(({ box }, i) => ({ box, ...answers[i] }));
}

const boxOf = (level: 0 | 1 | 2, row: number, column: number) =>
  [column, row, column + 1, row + 1].map((v) => v * strides[level]);

describe.each<MethodName>(["hires-cam", "layer-cam", "odam", "grad-cam"])("%s", (method) => {
  test.each([0, 1, 2] as const)("a square of level %d is explained there, on its own cell", async (level) => {
    const [one, ...others] = await explained(painted([level, 1, 0]), method);
    expect(others).toEqual([]);
    expect(one?.box).toEqual(boxOf(level, 1, 0));
    expect(one?.layer).toBe(`level${level}`);
    const width = side / strides[level];
    expect(one?.map?.dims).toEqual([width, width]);
    const data = one?.map?.data ?? [];
    expect(data[width]).toBeGreaterThan(0);
    expect([...data].filter((v) => v > 0).length).toBe(1);
  });
});

describe("two equal squares", () => {
  const cells = [
    [1, 1],
    [5, 6],
  ] as const;
  const feeds = painted([0, 1, 1], [0, 5, 6]);
  const shares = async (method: MethodName) => {
    const both = await explained(feeds, method);
    expect(both.map(({ box }) => box)).toEqual(cells.map(([row, column]) => boxOf(0, row, column)));
    return both.map(({ map }, i) => {
      const all = [...(map?.data ?? [])].reduce((a, b) => a + b);
      const [row = 0, column = 0] = cells[i] ?? [];
      return (map?.data[row * 8 + column] ?? 0) / all;
    });
  };
  test.each<MethodName>(["hires-cam", "layer-cam", "odam"])(
    "%s of a box lies on its own square alone",
    async (method) => expect(await shares(method)).toEqual([1, 1]),
  );
  test("grad-cam, whose weights are a mean, lies on both alike", async () => {
    for (const share of await shares("grad-cam")) expect(share).toBeCloseTo(0.5, 6);
  });
});
