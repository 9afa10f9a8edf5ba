/** @file Methods that hand back relevance, worked out on paper; that they compile, and what they say of what they cannot. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, ask, expectClose, expectUserError, numbers, open, rows, session } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";
import { classToken, gap, images, patchTokens, squeezeExcite, unet, vgg } from "../nets.ts";

const picture = (values: readonly number[], dims: readonly number[]) => ({
  x: new ort.Tensor("float32", Float32Array.from(values), dims),
});

// y = ReLU(x0 + x1 - 1) at x = [2 1], where y = 2.
const kinked = model({
  opset: 13,
  free: ["x"],
  inputs: { x: [1, 1, 1, 2], w: floats([1, 1], [1, 1, 1, 2]), b: floats([-1]) },
  nodes: [node("Conv", "x w b", "sum"), node("Relu", "sum", "A"), node("Flatten", "A", "y")],
});

const pixelsOf = async (bytes: Uint8Array, method: MethodName, options: GivenOptions = {}, at = [2, 1]) =>
  numbers((await ask(bytes, picture(at, [1, 1, 1, 2]), { method, target: 0, options })).pixels);

describe("y = ReLU(x0 + x1 - 1) = 2 at [2 1]", () => {
  test.each<[string, GivenOptions, number[]]>([
    ["the bias takes -1, so the pixels have 3", { rule: "epsilon" }, [2, 1]],
    ["epsilon takes a part: z + 2 = 4", { rule: "epsilon", epsilon: 2 }, [1, 0.5]],
    ["z+: a bias below 0 has no part", { rule: "z-plus" }, [4 / 3, 2 / 3]],
    ["alpha 2, beta 1: 2 of z+, less 1 of the bias", { rule: "alpha-beta" }, [8 / 3, 4 / 3]],
    ["alpha 3, beta 2", { rule: "alpha-beta", alpha: 3 }, [4, 2]],
    ["gamma 1: what excites counts twice, 4 + 2 - 1 = 5", { rule: "gamma", gamma: 1 }, [8 / 5, 4 / 5]],
    ["flat: the first layer gives each as much", {}, [1, 1]],
    ["box from -3 to 3: (x + 3) of 5 + 4", { composite: "epsilon-gamma-box" }, [10 / 9, 8 / 9]],
    ["box from 0 to 3", { composite: "epsilon-gamma-box", low: 0 }, [4 / 3, 2 / 3]],
  ])("lrp, %s", async (_, options, wanted) => expectClose(await pixelsOf(kinked, "lrp", options), wanted));
  test("attn-lrp: as the epsilon rule", async () => expectClose(await pixelsOf(kinked, "attn-lrp"), [2, 1]));
  test("excitation-backprop: two ways of three lead to the first", async () =>
    expectClose(await pixelsOf(kinked, "excitation-backprop"), [2 / 3, 1 / 3]));
  test("excitation-backprop: nothing excites the opposite", async () =>
    expectClose(await pixelsOf(kinked, "excitation-backprop", { variant: "contrastive" }), [2 / 3, 1 / 3]));
  test("where the score is 0, there is nothing to hand back", async () =>
    expect((await pixelsOf(kinked, "lrp", { rule: "epsilon" }, [0.5, 0.25])).map(Math.abs)).toEqual([0, 0]));
});

// y0 = x0 - 2 x1, y1 = 3 x1: the opposite of y0 is excited by x1 alone, that of y1 by nothing.
const apartFrom = model({
  opset: 13,
  free: ["x"],
  inputs: { x: [1, 1, 1, 2], w: floats([1, 0, -2, 3], [2, 2]) },
  nodes: [node("Flatten", "x", "flat"), node("MatMul", "flat w", "y")],
});

test("contrastive excitation takes the excitation of the opposite away", async () =>
  expectClose(await pixelsOf(apartFrom, "excitation-backprop", { variant: "contrastive" }), [1, -1]));

test("of one class rather than another relevance sums to the difference of the scores", async () => {
  const asked = { method: "lrp", target: { for: 0, against: 1 }, options: { rule: "epsilon" } } as const;
  // y0 = 3 - 2, y1 = 3
  expectClose(numbers((await ask(apartFrom, picture([3, 1], [1, 1, 1, 2]), asked)).pixels), [3, -5]);
});

test("attention: values have all of it by lrp, half of it by attn-lrp", async () => {
  // Two tokens a = 1, b = 3 of width 1, whose weights are 1/2 since queries are 0: each becomes their mean, 2, and so is the score.
  const net = model({
    opset: 17,
    inputs: { x: [1, 1, 1, 2], zero: floats([0], [1, 1]), one: floats([1], [1, 1]) },
    nodes: [
      node("Flatten", "x", "row"),
      node("Transpose", "row", "t", { perm: [1, 0] }),
      node("MatMul", "t zero", "q"),
      node("MatMul", "t one", "v"),
      node("Transpose", "t", "k", { perm: [1, 0] }),
      node("MatMul", "q k", "scores"),
      node("Softmax", "scores", "weights", { axis: -1 }),
      node("MatMul", "weights v", "mixed"),
      node("Transpose", "mixed", "back", { perm: [1, 0] }),
      node("ReduceMean", "back", "y", { axes: [1], keepdims: 1 }),
    ],
  });
  // a brings a quarter of the score, b three.
  expectClose(await pixelsOf(net, "lrp", { rule: "epsilon" }, [1, 3]), [0.5, 1.5]);
  // Half goes to the weights, and is lost there: softmax hands back x (R - s sum R), and all x are 0.
  expectClose(await pixelsOf(net, "attn-lrp", {}, [1, 3]), [0.25, 0.75]);
});

describe("the map of each class is the sum of the channels", () => {
  test.each([
    ["gap", gap],
    ["vgg", vgg],
    ["squeeze and excitation", squeezeExcite],
    ["patches", patchTokens],
    ["class token", classToken],
  ] as const)("%s", async (_, net) => {
    const { maps, pixels } = await ask(net(), images(), { method: "lrp", target: { each: [0, 3] } });
    const [all, own] = [rows(pixels as ort.Tensor), rows(maps)];
    for (const [i, one] of all.entries()) {
      const size = one.length / 3;
      expectClose(
        own[i] ?? [],
        Array.from({ length: size }, (_, p) => one[p] + one[p + size] + one[p + 2 * size]),
        1e-4,
      );
    }
  });
});

describe("in a file", () => {
  const cases: readonly (readonly [MethodName, GivenOptions])[] = [
    ["lrp", {}],
    ["lrp", { composite: "epsilon-gamma-box", low: -2, high: 2 }],
    ["lrp", { rule: "alpha-beta", alpha: 1.5 }],
    ["attn-lrp", {}],
    ["attn-lrp", { rule: "gamma", gamma: 0.1 }],
    ["excitation-backprop", {}],
    ["excitation-backprop", { variant: "contrastive" }],
  ];
  const nets = { vgg, squeezeExcite, classToken };
  test.each(
    cases.flatMap(([method, options]) =>
      Object.entries(nets).map(([name, net]) => [method, options, name, net] as const),
    ),
  )("%s %o of %s is what the library says", async (method, options, _, net) => {
    const explainer = await open(net());
    const target = [1, 3];
    const { pixels } = await explainer.explain(images(), { method, options, target });
    const bytes = compile(explainer, { method, options, classInput: "required" });
    await explainer.release();
    const compiled = await ort.InferenceSession.create(bytes, session);
    const fed = { ...images(), gradcam_target: new ort.Tensor("int64", BigInt64Array.from(target, BigInt), [2]) };
    const { gradcam_pixels: found } = await compiled.run(fed);
    expect(apart(numbers(found), numbers(pixels))).toBeLessThan(1e-5);
    await compiled.release();
  });
});

test.each(["lrp", "attn-lrp", "excitation-backprop"] as const)("%s of a score with a grid", async (method) => {
  const { pixels } = await ask(unet(), images(), { method, target: 1 });
  expect(numbers(pixels).some((v) => v !== 0)).toBe(true);
});

test("an option out of its range, or of another method", async () => {
  await expectUserError(
    ask(vgg(), images(), { method: "lrp", target: 0, options: { rule: "delta" } }),
    "invalid-option",
    "one of composite, epsilon",
  );
  await expectUserError(
    ask(vgg(), images(), { method: "lrp", target: 0, options: { alpha: 0.5 } }),
    "invalid-option",
    "at least 1",
  );
  await expectUserError(
    ask(vgg(), images(), { method: "attn-lrp", target: 0, options: { composite: "epsilon-plus" } }),
    "invalid-option",
    "rule",
  );
  await expectUserError(
    ask(vgg(), images(), { method: "lrp", target: 0, options: { composite: "epsilon-gamma-box", low: 4 } }),
    "invalid-option",
    "invalid option low of lrp: 4; allowed is a number below option high, which is 3",
  );
});
