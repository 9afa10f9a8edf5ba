/** @file Methods that read attention: worked out on paper, alike whatever attention is written as, and refused where there is none to read. */
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { methods } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { combiningOptions } from "../../src/methods/combined.ts";
import type { Session } from "../../src/onnx/runtime.ts";
import { apart, ask, expectClose, expectUserError, numbers, open, rows } from "../explain/ask.ts";
import { floats, ints, model, node } from "../models.ts";
import { gap, images } from "../nets.ts";
import { forms, vit } from "../vit.ts";

const ofAttention = methods.filter(({ readsAttentions }) => readsAttentions).map(({ name }) => name);

/**
 * One block, one head, no perceptron: patches t = [0, ln 2, ln 3, -ln 2] of a line of four, behind a class token of ln 2.
 *
 *   q = t / ln 2, k = v = t:   A[class, :] is in proportion to 2, 1, 2, 3, 1/2: over 17/2 in all
 *   tokens behind the block: z = t + A t;   y0 = z[class], y1 = -z[class]
 */
const [ln2, ln3] = [Math.log(2), Math.log(3)];
const line = [0, ln2, ln3, -ln2];
const small = model({
  opset: 13,
  free: ["x"],
  inputs: {
    x: [1, 1, 4],
    ...{ one: floats([1], [1, 1, 1]), class: floats([ln2], [1, 1, 1]), over: floats(1 / ln2), zero: ints(0) },
    ...{ head: floats([1, -1], [1, 2]) },
  },
  nodes: [
    node("Conv", "x one", "map", { kernel_shape: [1] }),
    node("Transpose", "map", "patches", { perm: [0, 2, 1] }),
    node("Concat", "class patches", "t", { axis: 1 }),
    node("Mul", "t over", "q"),
    node("Transpose", "t", "k", { perm: [0, 2, 1] }),
    node("MatMul", "q k", "scores"),
    node("Softmax", "scores", "A"),
    node("MatMul", "A t", "y"),
    node("Add", "t y", "z"),
    node("Gather", "z zero", "picked", { axis: 1 }),
    node("MatMul", "picked head", "logits"),
  ],
});
const on = async (method: MethodName, target: 0 | 1, options = {}) =>
  numbers(
    (
      await ask(
        small,
        { x: new ort.Tensor("float32", Float32Array.from(line), [1, 1, 4]) },
        { method, target, options },
      )
    ).maps,
  );
const close = (got: readonly number[], want: readonly number[]) => {
  expect(got.length).toBe(want.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(want[i] ?? Number.NaN, 6);
  });
};

describe("on paper: A[class, patches] = [2, 4, 6, 1] / 17", () => {
  const a = [2, 4, 6, 1].map((v) => v / 17);
  test("attention", async () => close(await on("attention", 0), a));
  test("attention-rollout: half of it goes past the block", async () =>
    close(
      await on("attention-rollout", 1),
      a.map((v) => v / 2),
    ));
  test("attention-rollout without the smallest 4 of 25 weights", async () => {
    // The rows of the patches are 2^t over their sums; the smallest weights lie in the row of -ln 2 and elsewhere.
    const values = [ln2, ...line];
    const all = values.map((q) => {
      const row = values.map((k) => Math.exp((q / ln2) * k));
      const sum = row.reduce((x, y) => x + y, 0);
      return row.map((v) => v / sum);
    });
    const least = all.flat().toSorted((x, y) => x - y)[4] ?? 0;
    const own = (all[0] ?? []).map((v) => (v >= least ? v : 0));
    const total = own.reduce((x, y) => x + y, 1);
    close(
      await on("attention-rollout", 0, { discard: 0.16 }),
      own.slice(1).map((v) => v / total),
    );
  });
  // dA[class, j] = t_j for class 0, and -t_j for class 1.
  const products = a.map((v, j) => v * (line[j] ?? 0));
  test("gradient-x-attention", async () => {
    close(
      await on("gradient-x-attention", 0),
      products.map((v) => Math.max(0, v)),
    );
    close(
      await on("gradient-x-attention", 1),
      products.map((v) => Math.max(0, -v)),
    );
    close(
      await on("gradient-x-attention", 1, { sign: "signed" }),
      products.map((v) => -v),
    );
  });
  test("chefer: of one block the same", async () =>
    close(
      await on("chefer", 0),
      products.map((v) => Math.max(0, v)),
    ));
  test("legrad: one of five queries, or each of them a fifth of the head", async () => {
    for (const score of ["head", "mean"]) {
      close(
        await on("legrad", 0, { score }),
        line.map((v) => Math.max(0, v) / 5),
      );
      close(
        await on("legrad", 1, { score }),
        line.map((v) => Math.max(0, -v) / 5),
      );
    }
  });
});

describe("attention as files have it gives the same maps", async () => {
  const plain = await open(vit());
  const questions = ofAttention.flatMap((method) => [1, 2].map((n) => ({ n, method, target: { each: [1, 4] } })));
  const wanted = await Promise.all(questions.map(({ n, ...asked }) => plain.explain(images(n), asked)));
  await plain.release();
  test.each(Object.keys(forms))("%s", async (form) => {
    const explainer = await open(vit({ form }));
    onTestFinished(() => explainer.release());
    for (const [i, { n, ...asked }] of questions.entries()) {
      const { maps } = await explainer.explain(images(n), asked);
      expect(maps.dims).toEqual([2 * n, 4, 4]);
      expect(apart(numbers(maps), numbers(wanted[i]?.maps)), asked.method).toBeLessThan(1e-5);
    }
  });
});

test.each(ofAttention)("%s: what is said of a picture and a class depends on no other", async (method) => {
  const explainer = await open(vit());
  onTestFinished(() => explainer.release());
  const both = rows((await explainer.explain(images(2), { method, target: { each: [0, 3] } })).maps);
  const pixels = images(2).x?.data as Float32Array;
  for (const [i, c] of [
    [0, 0],
    [0, 3],
    [1, 0],
    [1, 3],
  ] as const) {
    const alone = {
      x: new ort.Tensor("float32", pixels.slice(192 * i, 192 * (i + 1)), [1, 3, 8, 8]),
    };
    expectClose(numbers((await explainer.explain(alone, { method, target: c })).maps), both[2 * i + (c ? 1 : 0)] ?? []);
  }
});

test.each(ofAttention)("%s: a batch that is fixed, and a target of seeds", async (method) => {
  const { maps } = await ask(vit(), images(2), { method, target: 2 });
  expectClose(numbers((await ask(vit({ free: [] }), images(2), { method, target: 2 })).maps), numbers(maps));
  const seed = new ort.Tensor("float32", Float32Array.of(0, 0, 1, 0, 0, 0, 0, 1, 0, 0), [2, 5]);
  expectClose(
    numbers((await ask(vit(), images(2), { method, target: { seeds: { logits: seed } } })).maps),
    numbers(maps),
  );
});

test.each(ofAttention)("%s: one run answers about all blocks and classes", async (method) => {
  const explainer = await open(vit({ blocks: 3 }));
  onTestFinished(() => explainer.release());
  const each = [0, 1, 2, 3, 4];
  const options = { method, target: { each }, options: method === "gradient-x-attention" ? { blocks: "all" } : {} };
  await explainer.explain(images(1), options);
  const run = vi.spyOn((ort.InferenceSession as unknown as { prototype: Session }).prototype, "run");
  onTestFinished(() => run.mockRestore());
  const { maps } = await explainer.explain(images(1), options);
  expect(run).toHaveBeenCalledTimes(1);
  for (const target of each)
    expectClose(numbers((await explainer.explain(images(1), { ...options, target })).maps), rows(maps)[target] ?? []);
});

test("what is combined of layers and channels is not theirs, but their mean over views of the image is", () => {
  for (const method of methods.filter(({ readsAttentions }) => readsAttentions))
    expect(combiningOptions(method).map(({ name }) => name)).toEqual(["augment"]);
});

describe("is refused in one line, before anything runs,", () => {
  test.each(ofAttention)("%s of a network without attention", (method) =>
    expectUserError(
      ask(gap(), images(), { method, target: 1 }),
      "invalid-option",
      /^UserError: invalid method: .*the model has none between the picture and its scores; take .*$/,
    ),
  );
  test("a block that there is not", () =>
    expectUserError(
      ask(vit(), images(), { method: "attention", target: 0, options: { block: 2 } }),
      "invalid-option",
      /^UserError: invalid option block of attention: 2; the model has 2 blocks: allowed are -2 to 1$/,
    ));
  test.each([
    ["attention", { block: 0.5 }],
    ["attention", { heads: "median" }],
    ["attention-rollout", { discard: 1 }],
    ["attention-rollout", { blocks: 0 }],
    ["chefer", { blocks: "some" }],
    ["legrad", { score: "class" }],
  ] as const)("an option of %s that is out of range: %o", (method, options) =>
    expectUserError(
      ask(vit(), images(), { method, target: 0, options }),
      "invalid-option",
      /^UserError: invalid option [^\n]*allowed[^\n]*$/,
    ),
  );
});
