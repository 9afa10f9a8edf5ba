/** @file Methods that sum up gradients at many variants, worked out on paper: of a linear network, of one with a kink, and what they must sum to. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { blurred } from "../../src/methods/gradient/blur.ts";
import { lowerQuantile } from "../../src/methods/gradient/guided-path.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { ask, expectClose, expectUserError, numbers, open, rows } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";
import { images, vgg } from "../nets.ts";
import { explained, weighted } from "./nets.ts";

const picture = (values: readonly number[], dims: readonly number[]) => ({
  x: new ort.Tensor("float32", Float32Array.from(values), dims),
});
const pixelsOf = async (bytes: Uint8Array, feeds: Feeds, method: MethodName, options: GivenOptions = {}) =>
  numbers((await ask(bytes, feeds, { method, target: 0, options })).pixels);

describe("y = w . x: the gradient is w everywhere", () => {
  const w = [3, -1, 0, 2];
  const x = [1, 2, 3, -4];
  const linear = weighted(w, [1, 2, 2]);
  const on = async (method: MethodName) => (await explained(linear, picture(x, [1, 1, 2, 2]), method, 0)).pixels;
  const product = w.map((weight, p) => weight * x[p]);

  test("input-x-gradient: w x", async () => expect(await on("input-x-gradient")).toEqual(product));
  test("smoothgrad: w", async () => expectClose(await on("smoothgrad"), w, 1e-6));
  test("vargrad: nothing varies", async () => expect(await on("vargrad")).toEqual([0, 0, 0, 0]));
  test("squaregrad: w^2", async () => expectClose(await on("squaregrad"), [9, 1, 0, 4], 1e-6));
  test("integrated-gradients: w (x - 0)", async () => expectClose(await on("integrated-gradients"), product, 1e-6));
  test("guided-ig: w (x - 0), whatever the path", async () => expectClose(await on("guided-ig"), product, 1e-6));
  test("deeplift: w (x - 0)", async () => expectClose(await on("deeplift"), product, 1e-6));
  test("gradient-shap without noise: w (x - 0), whatever the shares", async () => {
    const found = await pixelsOf(linear, picture(x, [1, 1, 2, 2]), "gradient-shap", { samples: 5, sigma: 0 });
    expectClose(found, product, 1e-6);
  });
  test("blur-ig: w (x - blurred x)", async () => {
    const dull = blurred({ data: Float32Array.from(x), dims: [1, 2, 2] }, 50, "zero");
    const expected = w.map((weight, p) => weight * (x[p] - dull[p]));
    expectClose(await on("blur-ig"), expected);
  });
});

// y = ReLU(x0 + x1 - 1) at x = [2 1], where y = 2: from 0 on the straight way the gradient is 0 on the first third, and then 1.
const kinked = model({
  opset: 13,
  free: ["x"],
  inputs: { x: [1, 1, 1, 2], w: floats([1, 1], [1, 1, 1, 2]), b: floats([-1]) },
  nodes: [node("Conv", "x w b", "sum"), node("Relu", "sum", "A"), node("Flatten", "A", "y")],
});

describe("y = ReLU(x0 + x1 - 1)", () => {
  const at = picture([2, 1], [1, 1, 1, 2]);
  test("input-x-gradient sums to 3, which is not y", async () =>
    expect((await explained(kinked, at, "input-x-gradient", 0)).pixels).toEqual([2, 1]));
  test("integrated-gradients: 43 of the 64 middles of steps lie behind a third", async () =>
    expect((await explained(kinked, at, "integrated-gradients", 0)).pixels).toEqual([(2 * 43) / 64, 43 / 64]));
  test("deeplift: the activation rises by 2 while its input rises by 3, from -1 to 2", async () =>
    expectClose((await explained(kinked, at, "deeplift", 0)).pixels, [(2 * 2) / 3, 2 / 3]));
  test("guided-ig: of 64 steps the last 42 start behind a third", async () => {
    const { pixels } = await explained(kinked, at, "guided-ig", 0);
    expect(pixels[0] + pixels[1]).toBeCloseTo((3 * 42) / 64, 5);
  });
  test("smoothgrad, vargrad, squaregrad: the part p of the draws that lie behind the kink, p (1 - p), p", async () => {
    const noise = { samples: 40, sigma: 2, seed: 4 }; // the range of the picture is 1
    const draws = randomNormal(4)(80);
    let behind = 0;
    for (let s = 0; s < 80; s += 2) if (2 + 1 + 2 * (draws[s] + draws[s + 1]) > 1) behind++;
    const part = behind / 40;
    expect(part).toBeGreaterThan(0.5);
    expect(part).toBeLessThan(1);
    for (const [method, value] of [
      ["smoothgrad", part],
      ["vargrad", part * (1 - part)],
      ["squaregrad", part],
    ] as const)
      expectClose(await pixelsOf(kinked, at, method, noise), [value, value]);
  });
});

test("deeplift through a maximum: it gains at the place of the picture's, and loses at that of the baseline's", async () => {
  // y = max(x) at [3 1]; the baseline is 2 everywhere, whose first place is its maximum: y rises by 1, all of it where x rises from 2 to 3.
  const pool = { kernel_shape: [1, 2] };
  const largest = model({
    opset: 13,
    free: ["x"],
    inputs: { x: [1, 1, 1, 2] },
    nodes: [node("MaxPool", "x", "most", pool), node("Flatten", "most", "y")],
  });
  expectClose(await pixelsOf(largest, picture([3, 1], [1, 1, 1, 2]), "deeplift", { baseline: 2 }), [1, 0]);
  // At [-1 1] against 0: the maximum rises by 1, from the first place, where nothing is lost, to the second.
  expectClose(await pixelsOf(largest, picture([-1, 1], [1, 1, 1, 2]), "deeplift"), [0, 1]);
  // At [-1 -3] against 0: it falls by 1, and what is lost is lost at the first place.
  expectClose(await pixelsOf(largest, picture([-1, -3], [1, 1, 1, 2]), "deeplift"), [-1, 0]);
});

test("deeplift through a product: x0 x1 at [2 3] against 0 is 6, half of it each", async () => {
  const product = model({
    opset: 13,
    free: ["x"],
    inputs: { x: [1, 1, 1, 2], first: floats([1, 0], [2, 1]), second: floats([0, 1], [2, 1]) },
    nodes: [
      node("Flatten", "x", "flat"),
      node("MatMul", "flat first", "a"),
      node("MatMul", "flat second", "b"),
      node("Mul", "a b", "y"),
    ],
  });
  expectClose(await pixelsOf(product, picture([2, 3], [1, 1, 1, 2]), "deeplift"), [3, 3]);
});

test("deeplift needs two images in one run, and says so", () =>
  expectUserError(
    ask(vgg({ free: [], input: [1, 3, 8, 8] }), images(1), { method: "deeplift", target: 0 }),
    "invalid-option",
    /takes one image at a time/,
  ));

describe("complete: the values of all pixels sum to what the score gains on the way", () => {
  /** The score of each class, of each picture. */
  async function scores(x: ort.Tensor) {
    const explainer = await open(vgg());
    const { outputs } = await explainer.forward({ x });
    await explainer.release();
    return rows(outputs.logits);
  }
  const feeds = images(2);
  const x = feeds.x as ort.Tensor;
  const blank = new ort.Tensor("float32", new Float32Array(x.data.length), x.dims);
  const size = 3 * 8 * 8;
  const dull = () => {
    const data = Float32Array.from(x.data as Float32Array);
    for (const i of [0, 1])
      data.set(blurred({ data: data.slice(i * size, (i + 1) * size), dims: [3, 8, 8] }, 50, "zero"), i * size);
    return new ort.Tensor("float32", data, x.dims);
  };
  test.each([
    ["integrated-gradients", () => blank, 0.01],
    ["deeplift", () => blank, 1e-4],
    ["blur-ig", dull, 0.01],
    ["guided-ig", () => blank, 0.2], // a pixel may go 4 % of its way at once, however many steps there are
  ] as const)("%s", async (method, start, most) => {
    const [before, after] = [await scores(start()), await scores(x)];
    const { pixels } = await ask(vgg(), feeds, {
      method,
      target: { each: [0, 3] },
      options: method === "deeplift" ? {} : { steps: 512 },
    });
    const sums = rows(pixels as ort.Tensor).map((values) => values.reduce((a, b) => a + b, 0));
    const gains = [0, 1].flatMap((i) => [0, 3].map((c) => after[i][c] - before[i][c]));
    expectClose(sums, gains, most);
  });
});

test("a signal and a volume are explained as pictures are", async () => {
  const w = [1, -2, 3, 0.5, 1, 1, -1, 2];
  for (const dims of [
    [1, 8],
    [1, 2, 2, 2],
  ])
    for (const method of ["integrated-gradients", "guided-ig"] as const) {
      const x = [1, 2, 0, -1, 3, 1, 1, 2];
      const { pixels, map } = await explained(weighted(w, dims), picture(x, [1, ...dims]), method, 0);
      const product = w.map((weight, p) => weight * x[p]);
      expectClose(pixels, product);
      expectClose(map, product.map(Math.abs));
    }
});

test("noise differs by its seed, and not by what else is in the batch", async () => {
  const both = rows((await ask(vgg(), images(2), { method: "smoothgrad", target: 1 })).pixels as ort.Tensor);
  const x = images(2).x as ort.Tensor;
  const second = new ort.Tensor("float32", (x.data as Float32Array).slice(192), [1, 3, 8, 8]);
  expectClose(numbers((await ask(vgg(), { x: second }, { method: "smoothgrad", target: 1 })).pixels), both[1]);
  const other = await ask(vgg(), { x: second }, { method: "smoothgrad", target: 1, options: { seed: 1 } });
  expect(numbers(other.pixels)).not.toEqual(both[1]);
});

test("blurred: the mean of a picture stays where its border goes on, and fades where nothing lies beyond", () => {
  const flat = { data: new Float32Array(30).fill(2), dims: [1, 5, 6] };
  for (const value of blurred(flat, 1.5, "border")) expect(value).toBeCloseTo(2, 5);
  expect(Math.max(...blurred(flat, 1.5, "zero"))).toBeLessThan(2);
  // One bright place of a line: the kernel itself, cut off at 4 standard deviations.
  const line = { data: Float32Array.from({ length: 11 }, (_, i) => (i === 5 ? 1 : 0)), dims: [1, 11] };
  const kernel = [0, 1, 2, 3, 4].map((d) => Math.exp(-0.5 * d * d));
  const total = kernel[0] + 2 * (kernel[1] + kernel[2] + kernel[3] + kernel[4]);
  for (const [d, weight] of kernel.entries()) expect(blurred(line, 1, "zero")[5 + d]).toBeCloseTo(weight / total, 6);
});

test("lowerQuantile: one of the values, the lower of two, infinite ones last", () => {
  for (let count = 1; count < 40; count++) {
    const values = Float64Array.from(randomNormal(count)(count), (v, i) =>
      i % 5 === 4 ? Number.POSITIVE_INFINITY : Math.round(4 * v + 0.1),
    );
    const sorted = values.slice().sort();
    expect(lowerQuantile(values, 0.25)).toEqual(sorted[Math.floor(0.25 * (count - 1))]);
  }
});

test("the baseline: any number, the mean of each channel, or the picture blurred", async () => {
  const linear = weighted([3, -1, 0, 2], [1, 2, 2]);
  const at = picture([1, 2, 3, -4], [1, 1, 2, 2]);
  for (const method of ["integrated-gradients", "guided-ig"] as const) {
    expectClose(await pixelsOf(linear, at, method, { baseline: 1 }), [0, -1, 0, -10]);
    expectClose(await pixelsOf(linear, at, method, { baseline: "mean" }), [1.5, -1.5, 0, -9]);
    const dull = blurred({ data: Float32Array.of(1, 2, 3, -4), dims: [1, 2, 2] }, 0.2, "border");
    const expected = [3 * (1 - dull[0]), -(2 - dull[1]), 0, 2 * (-4 - dull[3])];
    expectClose(await pixelsOf(linear, at, method, { baseline: "blur" }), expected);
  }
  await expectUserError(
    pixelsOf(linear, at, "integrated-gradients", { baseline: "grey" as "blur" }),
    "invalid-option",
    /baseline.*grey.*a number \(0 is the mean colour\), "blur" or "mean"/,
  );
});
