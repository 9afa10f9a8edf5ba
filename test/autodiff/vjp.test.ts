import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type VjpOptions, vjp } from "../../src/autodiff/vjp.ts";
import { UserError } from "../../src/errors.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { floats, model, node, oneNode, tensor } from "../models.ts";
import { session } from "../ops/rules.ts";

const numbers = (found: ort.Tensor): number[] => Array.from(found.data as Float32Array, (g) => g + 0);
const run = (bytes: Uint8Array, options: Omit<VjpOptions, "session">) => vjp(ort, bytes, { ...options, session });

// z = x^2, y = 3 z + x: x and z have gradients by hand, x is read twice.
const fork = model({
  opset: 13,
  inputs: { x: [3], three: floats(3) },
  nodes: [node("Mul", "x x", "z"), node("Mul", "z three", "w"), node("Add", "w x", "y")],
});
const x = tensor([1, -2, 0.5]);

describe("graphs by hand", () => {
  test("a tensor with two readers, twice by the same node", async () => {
    const { outputs, gradients } = await run(fork, { feeds: { x }, seeds: { y: tensor([1, 1, 10]) }, wrt: ["x"] });
    expect(numbers(outputs.y)).toEqual([4, 10, 1.25]);
    expect(numbers(gradients.x)).toEqual([7, -11, 40]); // seed (6 x + 1)
  });

  test("inner tensors, and one that is seeded itself", async () => {
    const seeds = { y: tensor([1, 1, 10]) };
    const { gradients } = await run(fork, { feeds: { x }, seeds, wrt: ["z", "w", "y", "x"] });
    expect(Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, numbers(g)]))).toEqual({
      z: [3, 3, 30],
      w: [1, 1, 10],
      y: [1, 1, 10],
      x: [7, -11, 40],
    });
  });

  test("several seeds add up, inner ones too", async () => {
    const seeds = { y: tensor([1, 1, 10]), z: tensor([2, 0, 0]) };
    const { gradients } = await run(fork, { feeds: { x }, seeds, wrt: ["x", "z"] });
    expect(numbers(gradients.x)).toEqual([11, -11, 40]); // + 2 * 2 x
    expect(numbers(gradients.z)).toEqual([5, 3, 30]);
  });

  test("an initialiser", async () => {
    const { gradients } = await run(fork, { feeds: { x }, seeds: { y: tensor([1, 1, 1]) }, wrt: ["three"] });
    expect(gradients.three.dims).toEqual([]);
    expect(numbers(gradients.three)).toEqual([5.25]); // sum of x^2
  });

  test("a residual block: y = relu(x) + x", async () => {
    const bytes = model({ opset: 13, inputs: { x: [3] }, nodes: [node("Relu", "x", "r"), node("Add", "r x", "y")] });
    const { gradients } = await run(bytes, { feeds: { x }, seeds: { y: tensor([1, 2, 3]) }, wrt: ["x", "r"] });
    expect(numbers(gradients.x)).toEqual([2, 2, 6]);
    expect(numbers(gradients.r)).toEqual([1, 2, 3]);
  });

  test("an output that another node reads on", async () => {
    const bytes = model({
      opset: 13,
      inputs: { x: [3] },
      nodes: [node("Mul", "x x", "a"), node("Neg", "a", "b")],
      outputs: ["a", "b"],
    });
    const { gradients } = await run(bytes, {
      feeds: { x },
      seeds: { a: tensor([1, 1, 1]), b: tensor([0, 0, 1]) },
      wrt: ["x"],
    });
    expect(numbers(gradients.x)).toEqual([2, -4, 0]);
  });

  test("a node of which one output alone is seeded", async () => {
    const bytes = oneNode("Split", {
      opset: 11,
      inputs: { x: [4] },
      attributes: { axis: 0, split: [1, 3] },
      outputs: 2,
    });
    const { gradients } = await run(bytes, {
      feeds: { x: tensor([1, 2, 3, 4]) },
      seeds: { y1: tensor([5, 6, 7]) },
      wrt: ["x"],
    });
    expect(numbers(gradients.x)).toEqual([0, 5, 6, 7]);
  });

  test("half precision: float32 seeds and gradients", async () => {
    const nodes = [node("Cast", "x", "h", { to: DataType.FLOAT16 }), node("Mul", "h h", "y")];
    const bytes = model({ opset: 13, inputs: { x: [3] }, nodes });
    const { outputs, gradients } = await run(bytes, { feeds: { x }, seeds: { y: tensor([1, 1, 1]) }, wrt: ["h", "x"] });
    expect(outputs.y.type).toBe("float16");
    expect([gradients.h.type, gradients.x.type]).toEqual(["float32", "float32"]);
    expect(numbers(gradients.h)).toEqual([2, -4, 1]);
    expect(numbers(gradients.x)).toEqual([2, -4, 1]);
  });

  test("a free batch takes any size", async () => {
    const bytes = oneNode("Gemm", { opset: 13, inputs: { x: [1, 2], w: floats([1, 2, 3, 4], [2, 2]) }, free: ["x"] });
    for (const n of [1, 4]) {
      const all = tensor(Array(2 * n).fill(1), [n, 2]);
      const { gradients } = await run(bytes, { feeds: { x: all }, seeds: { y: all }, wrt: ["x"] });
      expect(gradients.x.dims).toEqual([n, 2]);
      expect(numbers(gradients.x)).toEqual(Array(n).fill([3, 7]).flat());
    }
  });

  test("names that ours could be mistaken for", async () => {
    const bytes = model({
      opset: 13,
      inputs: { x: [3] },
      nodes: [node("Exp", "x", "grad/0"), node("Mul", "grad/0 x", "grad/1")],
    });
    const { gradients } = await run(bytes, { feeds: { x }, seeds: { "grad/1": tensor([1, 1, 1]) }, wrt: ["x"] });
    for (const [i, g] of numbers(gradients.x).entries())
      expect(g).toBeCloseTo(Math.exp(x.data[i] as number) * (1 + (x.data[i] as number)), 5);
  });

  test("a model whose initialisers are inputs too (IR version 3)", async () => {
    for (const opset of [7, 9]) {
      const inputs = { x: [1, 2], w: floats([1, 2, 3, 4], [2, 2]), b: floats([0, 0]) };
      const bytes = oneNode("Gemm", { opset, inputs, ir: 3 });
      const one = tensor([1, 1], [1, 2]);
      const { outputs, gradients } = await run(bytes, { feeds: { x: one }, seeds: { y: one }, wrt: ["x", "b"] });
      expect([numbers(outputs.y), numbers(gradients.x), numbers(gradients.b)]).toEqual([
        [4, 6],
        [3, 7],
        [1, 1],
      ]);
    }
  });
});

describe("a mistake of the caller", () => {
  const seeds = { y: tensor([1, 1, 1]) };
  const float64 = new ort.Tensor("float64", Float64Array.of(1, 1, 1), [3]);
  test.each<[string, Omit<VjpOptions, "session">, string, string[]]>([
    ["an unknown tensor", { feeds: { x }, seeds, wrt: ["nothing"] }, "unknown-name", ["nothing", "x"]],
    ["an unknown seed", { feeds: { x }, seeds: { nothing: x }, wrt: ["x"] }, "unknown-name", ["nothing"]],
    ["an unknown input", { feeds: { x, extra: x }, seeds, wrt: ["x"] }, "unknown-name", ["extra", "x"]],
    ["a missing input", { feeds: {}, seeds, wrt: ["x"] }, "invalid-input", ["missing", '"x"']],
    [
      "an input of another shape",
      { feeds: { x: tensor([1, 2]) }, seeds, wrt: ["x"] },
      "invalid-input",
      ['"x"', "[2]", "[3]"],
    ],
    [
      "a seed of another shape",
      { feeds: { x }, seeds: { y: tensor([1]) }, wrt: ["x"] },
      "invalid-input",
      ['"y"', "[1]", "[3]"],
    ],
    [
      "a seed of another type",
      { feeds: { x }, seeds: { y: float64 }, wrt: ["x"] },
      "invalid-input",
      ["float64", "float"],
    ],
    ["a tensor behind the seed", { feeds: { x }, seeds: { z: x }, wrt: ["y"] }, "no-path", ['"y"', "z"]],
  ])("%s", async (_, options, code, words) => {
    const error = await run(fork, options).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code });
    for (const word of words) expect((error as Error).message).toContain(word);
  });

  test.each<[string, Uint8Array]>([
    ["no bytes", new Uint8Array()],
    ["other bytes", Uint8Array.from({ length: 100 }, (_, i) => i)],
    ["half a model", fork.subarray(0, fork.length / 2)],
  ])("%s", async (_, bytes) => {
    const error = await run(bytes, { feeds: { x }, seeds, wrt: ["x"] }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "invalid-model" });
  });
});
