/**
 * @file What a gradient is where arithmetic alone would say infinity or 0 / 0: 0 where a function is finite and its slope is not, and
 * nothing that is not a number from where nothing flows.
 */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { type AttributeValue, float, type NodeProto } from "../../src/onnx/proto.ts";
import { floats, ints, model, node, type Sources, tensor } from "../models.ts";
import { session } from "./rules.ts";

const infinity = Number.POSITIVE_INFINITY;

/** The gradients of the sum of y, or of <seed, y>. */
async function gradients(
  inputs: Record<string, number[]>,
  dims: number[],
  nodes: NodeProto[],
  { opset = 13, seed, others = {} }: { opset?: number; seed?: number[]; others?: Sources } = {},
) {
  const shaped = Object.entries(inputs).map(([name, values]) => [name, values.length > 1 ? dims : []] as const);
  const bytes = model({ opset, inputs: { ...Object.fromEntries(shaped), ...others }, nodes });
  const feeds = Object.fromEntries(shaped.map(([name, dims]) => [name, tensor(inputs[name], [...dims])]));
  const runner = await ort.InferenceSession.create(bytes, session);
  const { y } = await runner.run(feeds);
  await runner.release();
  const seeds = { y: tensor(seed ?? Array(y.data.length).fill(1), [...y.dims]) };
  const found = await vjp(ort, bytes, { feeds, seeds, wrt: Object.keys(inputs), session });
  return Object.fromEntries(Object.entries(found.gradients).map(([name, g]) => [name, [...(g.data as Float32Array)]]));
}

const x = [0, 0, 0, 4];
interface Case {
  readonly of: readonly number[];
  readonly gives: readonly number[];
  readonly also?: Readonly<Record<string, AttributeValue>>;
}
const cases: readonly (readonly [string, Case])[] = [
  ["Sqrt", { of: x, gives: [0, 0, 0, 0.25] }],
  ["Asin", { of: [1, -1, 0, 0], gives: [0, 0, 1, 1] }],
  ["Acos", { of: [1, -1, 0, 0], gives: [0, 0, -1, -1] }],
  ["Acosh", { of: [1, 1, Math.SQRT2, 1], gives: [0, 0, 1, 0] }],
  ["ReduceL2", { of: [0, 0, 3, 4], gives: [0, 0, 0.6, 0.8], also: { axes: [1] } }],
  ["ReduceL2", { of: [0, 0, 1e-18, 0], gives: [0, 0, 1, 0], also: { axes: [1] } }],
  ["ReduceL1", { of: x, gives: [0, 0, 0, 1], also: { axes: [1] } }],
  ["LpNormalization", { of: [0, 0, 0, 2], gives: [0, 0, 0.5, 0] }],
  ["LpNormalization", { of: [0, 0, 0, 2], gives: [0, 0, 0.5, 0], also: { p: 1 } }],
  ["Abs", { of: x, gives: [0, 0, 0, 1] }],
];

describe("finite values with an infinite slope get 0", () => {
  test.each(cases)("%s: %j", async (opType, { of, gives, also }) => {
    const { x } = await gradients({ x: [...of] }, [2, 2], [node(opType, "x", "y", also)]);
    for (const [i, want] of gives.entries()) expect(x[i]).toBeCloseTo(want, 5);
  });

  test.each([
    [0.5, [0, 0, 0, 0.25]],
    [0, [0, 0, 0, 0]],
    [1, [1, 1, 1, 1]],
    [1.5, [0, 0, 0, 3]],
  ])("Pow by %d, constant and computed", async (n, wanted) => {
    const made = [node("Pow", "x n", "y")];
    expect((await gradients({ x }, [2, 2], made, { others: { n: floats(n) } })).x).toEqual(wanted);
    const found = await gradients({ x, n: [n] }, [2, 2], made);
    for (const [i, want] of wanted.entries()) expect(found.x[i]).toBeCloseTo(want, 5);
    expect(found.n[0]).toBeCloseTo(4 ** n * Math.log(4), 4);
  });

  test.each([1, 2, 3])("LpPool and GlobalLpPool of zeros, p = %d", async (p) => {
    const dims = [1, 1, 2, 2];
    for (const made of [node("LpPool", "x", "y", { p, kernel_shape: [2, 2] }), node("GlobalLpPool", "x", "y", { p })]) {
      expect((await gradients({ x: [0, 0, 0, 0] }, dims, [made])).x).toEqual([0, 0, 0, 0]);
      expect((await gradients({ x: [0, 0, 0, 1e-25] }, dims, [made])).x.every(Number.isFinite)).toBe(true);
    }
  });

  test("a norm written out has the gradient of a norm", async () => {
    const nodes = [node("Mul", "x x", "s"), node("ReduceSum", "s axes", "t"), node("Sqrt", "t", "y")];
    const others = { axes: ints([1]) };
    expect((await gradients({ x: [0, 0, 0, 4] }, [2, 2], nodes, { others })).x).toEqual([0, 0, 0, 1]);
  });

  test("a normalisation of what does not vary is finite", async () => {
    const others = { scale: floats([1, 1]), bias: floats([0, 0]) };
    for (const [made, opset] of [
      [node("LayerNormalization", "x scale bias", "y"), 17],
      [node("InstanceNormalization", "x scale bias", "y", { epsilon: float(1e-5) }), 13],
    ] as const) {
      const dims = made.opType === "LayerNormalization" ? [2, 2] : [1, 2, 2];
      const found = await gradients({ x: [3, 3, 5, 5] }, dims, [made], { opset, others, seed: [1, 2, 3, 4] });
      expect(found.x.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("a row that is minus infinity throughout", () => {
  const masked = [1, 2, -infinity, -infinity];
  /** Softmax, then zeros for what is not a number: attention in which a query may see nothing. */
  const nodes = [node("Softmax", "x", "p"), node("IsNaN", "p", "none"), node("Where", "none zero p", "y")];

  test("Softmax gives it nothing", async () => {
    const p = 1 / (1 + Math.E);
    for (const opset of [9, 12, 13]) {
      const options = { opset, others: { zero: floats(0) }, seed: [1, 0, 1, 0] };
      const { x } = await gradients({ x: masked }, [2, 2], nodes, options);
      for (const [i, want] of [p * (1 - p), -p * (1 - p), 0, 0].entries()) expect(x[i]).toBeCloseTo(want, 5);
    }
  });

  test("LogSoftmax and ReduceLogSumExp give it what is a number", async () => {
    const logarithms = [node("LogSoftmax", "x", "y")];
    const apart = await gradients({ x: masked }, [2, 2], logarithms, { seed: [1, 0, 0, 0] });
    expect(apart.x.slice(2)).toEqual([0, 0]);
    const { x } = await gradients({ x: masked }, [2, 2], [node("ReduceLogSumExp", "x", "y", { axes: [1] })]);
    expect(x.slice(2)).toEqual([0, 0]);
    expect(x[0] + x[1]).toBeCloseTo(1, 5);
  });
});

test("a Clip whose bounds are crossed is its upper bound", async () => {
  const found = await gradients({ x: [-3, 0, 1.5, 9], low: [2], high: [1] }, [2, 2], [node("Clip", "x low high", "y")]);
  expect(found).toEqual({ x: [0, 0, 0, 0], low: [0], high: [4] });
  const straight = await gradients(
    { x: [-3, 0, 1.5, 9], low: [-1], high: [2] },
    [2, 2],
    [node("Clip", "x low high", "y")],
  );
  expect(straight).toEqual({ x: [0, 1, 1, 0], low: [1], high: [1] });
});
