import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { rankOf, type Value } from "../../src/onnx/build.ts";
import { range } from "../../src/onnx/dims.ts";
import { type Call, elementwise, type Rule } from "../../src/ops/op.ts";
import { type Attributes, oneNode, randomFeeds, type Sources } from "../models.ts";
import { errors, session } from "../ops/rules.ts";

/** The largest error, over some directions, of a rule that takes the place of an operator's own: in one direction it may be small by chance. */
async function errorOf(
  opType: string,
  rule: Rule,
  inputs: Sources,
  attributes: Attributes,
  linear: boolean,
): Promise<number> {
  const bytes = oneNode(opType, { opset: 13, inputs, attributes });
  const rules = new Map([[opType, rule]]);
  const directions = range(4).map((seed) =>
    checkVjp(ort, bytes, { feeds: randomFeeds(inputs), rules, linear, session, seed }),
  );
  return Math.max(...(await Promise.all(directions)).flat().map(({ error }) => error));
}
const tanh = (factor: number) =>
  elementwise(({ build, y: [y] }) => build.sub(1, build.mul(build.mul(y, y), factor))).vjp as Rule;
const x = { x: [2, 3, 4, 4] };

describe("central differences", () => {
  test.each([1, 1.1, 2, 0])("1 - %f y^2 for tanh", async (factor) => {
    const error = await errorOf("Tanh", tanh(factor), x, {}, false);
    if (factor === 1) expect(error).toBeLessThan(1e-3);
    else expect(error).toBeGreaterThan(Math.abs(factor - 1) / 5);
  });

  test("a forgotten rule: dx = dy", async () => {
    expect(await errorOf("Tanh", ({ dy: [dy] }) => [dy], x, {}, false)).toBeGreaterThan(0.1);
  });

  test("a gradient that is too small, or none", async () => {
    expect(await errorOf("Tanh", ({ build, dy: [dy] }) => [build.mul(dy, 1e-9)], x, {}, false)).toBeGreaterThan(0.1);
    expect(await errorOf("Tanh", ({ build, x: [v] }) => [build.zerosLike(v)], x, {}, false)).toBeGreaterThan(0.1);
  });
});

describe("the adjoint identity", () => {
  const kernel = { x: [2, 3, 6, 5], w: [3, 3, 3, 3] };
  const same = { pads: [1, 1, 1, 1] };
  const unflipped: Rule = ({ build, x: [v, w], dy: [dy] }) => [
    build.op("Conv", [dy, build.transpose(w, [1, 0, 2, 3])], { pads: [1, 1, 1, 1] }, dy.type, v.dims),
  ];

  test("a kernel that is not flipped", async () => {
    const onlyInput: Rule = (c: Call) => [...unflipped(c), null];
    const bytes = oneNode("Conv", { opset: 13, inputs: kernel, attributes: same });
    const rules = new Map([["Conv", onlyInput]]);
    const [{ error }] = await checkVjp(ort, bytes, {
      feeds: randomFeeds(kernel),
      wrt: ["x"],
      rules,
      linear: true,
      session,
    });
    expect(error).toBeGreaterThan(0.1);
  });

  test("a permutation that is not inverted", async () => {
    // On a cube a wrong permutation has the right shape.
    const forward: Rule = ({ build, attributes, x: [v], dy: [dy] }) => [
      build.transpose(dy, attributes.ints("perm") ?? range(rankOf(v)).reverse()),
    ];
    expect(await errorOf("Transpose", forward, { x: [4, 4, 4] }, { perm: [1, 2, 0] }, true)).toBeGreaterThan(0.1);
  });

  test.each([0.001, 0.01, 0.1])("off by a factor of 1 + %f", async (off) => {
    const scaled: Rule = ({ build, dy: [dy] }) => [build.mul(dy, 1 + off), build.mul(dy, 1 + off)];
    expect(await errorOf("Add", scaled, { a: [4, 4], b: [4, 4] }, {}, true)).toBeGreaterThan(off / 2);
  });

  test("a shift of one pixel", async () => {
    const shifted: Rule = ({ build, dy: [dy] }) => [build.pad(dy, [0, 0, 1, 0], [0, 0, -1, 0])];
    expect(await errorOf("Identity", shifted, x, {}, true)).toBeGreaterThan(0.1);
  });
});

describe("what a check takes", () => {
  test("all float32 inputs, unless some are named", async () => {
    const inputs = { a: [3], b: [3] };
    const bytes = oneNode("Mul", { opset: 13, inputs });
    const feeds = randomFeeds(inputs);
    expect((await checkVjp(ort, bytes, { feeds, session })).map(({ input }) => input)).toEqual(["a", "b"]);
    expect((await checkVjp(ort, bytes, { feeds, wrt: ["b"], session })).map(({ input }) => input)).toEqual(["b"]);
  });

  test("the same seed gives the same check", async () => {
    const bytes = oneNode("Tanh", { opset: 13, inputs: x });
    const options = { feeds: randomFeeds(x), session };
    const [first, second, other] = [
      await checkVjp(ort, bytes, { ...options, seed: 1 }),
      await checkVjp(ort, bytes, { ...options, seed: 1 }),
      await checkVjp(ort, bytes, { ...options, seed: 2 }),
    ];
    expect(first).toEqual(second);
    expect(first).not.toEqual(other);
  });
});

describe("what a check says of a rule that is wrong", () => {
  const bytes = oneNode("Tanh", { opset: 13, inputs: x });
  const checked = async (rule: Rule) =>
    (await checkVjp(ort, bytes, { feeds: randomFeeds(x), rules: new Map([["Tanh", rule]]), session }))[0];
  const scaled =
    (factor: number): Rule =>
    (c) => [c.build.mul(tanh(1)(c)[0] as Value, factor)];

  test.each([
    [1, "agree"],
    [2, "agree"],
    [0.5, "agree"],
    [-1, "differ"],
  ])("off by a factor of %f: it, its sign, and that it is one", async (factor, signs) => {
    const { factor: found, uniform, analytic, numeric, text } = await checked(scaled(factor));
    expect(found).toBeCloseTo(factor, 2);
    expect(analytic / numeric).toBe(found);
    expect(uniform).toBe(true);
    const [a, n, f] = [analytic, numeric, found].map((v) => Number(v.toPrecision(4)));
    expect(text).toBe(`analytic ${a}, numeric ${n}: the signs ${signs}, factor ${f}, in each of 4 directions`);
  });

  test("of another form: no one factor", async () => {
    const { uniform, text } = await checked(({ dy: [dy] }) => [dy]);
    expect(uniform).toBe(false);
    expect(text).toMatch(/factor -?[\d.]+, between -?[\d.]+ and -?[\d.]+ in others$/);
  });

  test("nothing at all: factor 0", async () => {
    const { factor, text } = await checked(({ build, x: [v] }) => [build.zerosLike(v)]);
    expect(factor).toBeCloseTo(0, 12);
    expect(text).toMatch(/^analytic 0, numeric -?[\d.]+: /);
  });

  test("the rows of an operator's table say it too", async () => {
    const [{ name }] = await errors(bytes, x, {});
    expect(name).toMatch(
      /^d y \/ d x: analytic .*, numeric .*: the signs agree, factor [\d.]+, in each of 4 directions$/,
    );
  });
});
