/** @file Methods that take a score apart (second order, biases, concepts), worked out on paper on the networks of nets.ts. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { notingBiases, type Share } from "../../src/autodiff/overrides/biases.ts";
import { defineMethod, type ExplainOptions } from "../../src/index.ts";
import type { SweepMap } from "../../src/methods/method.ts";
import type { Builder, Value } from "../../src/onnx/build.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { ask, expectClose, expectUserError, numbers, open } from "../explain/ask.ts";
import { floats, model, node, tensor } from "../models.ts";
import { classToken, gap, images, squeezeExcite, unet, vgg } from "../nets.ts";
import { explained, small, smallPicture } from "./nets.ts";

const of = async (method: NonNullable<ExplainOptions["method"]>, options: ExplainOptions = {}) =>
  numbers((await ask(small, smallPicture, { method, ...options })).maps);
const [a0, a1] = [
  [1, 0, 0, 3],
  [1, 4, 3, 0],
] as const;

describe("shapley-cam: y_0 + log p_0 of the scores 5 and 1", () => {
  // Seeds 2 - p_0 and -p_1; the Hessian times A is -J' (diag p - p p') y = -J' 4 p_0 p_1 (1, -1).
  const p1 = 1 / (1 + Math.exp(4));
  const e = p1 + 2 * (1 - p1) * p1;
  const w = [(1 + e - 3 * e) / 4, (2 * (1 + e) + e) / 4] as const;
  test("class 0", async () =>
    expectClose(
      await of("shapley-cam", { target: 0 }),
      a0.map((v, i) => Math.max(0, w[0] * v + w[1] * (a1[i] ?? 0))),
    ));
  test("rather than class 1: twice the difference of the scores, which is linear", async () => {
    const target = { for: 0, against: 1 };
    const twice = (await of("grad-cam", { target })).map((v) => 2 * v);
    expectClose(await of("shapley-cam", { target }), twice);
  });
  test("of seeds, whose score is what they say, it is grad-cam behind a linear head", async () => {
    const target = { seeds: { y: tensor([1, 0], [1, 2]) } };
    expectClose(await of("shapley-cam", { target }), await of("grad-cam", { target }));
  });
  test("behind a sigmoid the classes are apart: 2 - p of each", async () => {
    const y = (bytes: Uint8Array) => ask(bytes, smallPicture, { method: "shapley-cam", target: 1 });
    const sigmoid = model({
      ...{ opset: 13, free: ["x"], outputs: ["p"] },
      inputs: {
        x: [1, 1, 2, 2],
        w: floats([1, -1], [2, 1, 1, 1]),
        b: floats([0, 2]),
        fw: floats([1, 2, 3, -1], [2, 2]),
      },
      nodes: [
        node("Conv", "x w b", "conv"),
        node("Relu", "conv", "A"),
        node("GlobalAveragePool", "A", "pooled"),
        node("Flatten", "pooled", "flat"),
        node("Gemm", "flat fw", "y", { transB: 1 }),
        node("Sigmoid", "y", "p"),
      ],
    });
    // y_1 = 1: u' = 2 - p, u'' = -p (1 - p), so that w = (3, -1) / 4 (u' - u'' y_1 / 2).
    const p = 1 / (1 + Math.exp(-1));
    const factor = 2 - p + (p * (1 - p)) / 2;
    expectClose(
      numbers((await y(sigmoid)).maps),
      a0.map((v, i) => (Math.max(0, 3 * v - (a1[i] ?? 0)) / 4) * factor),
    );
  });
});

describe("full-grad", () => {
  test("the input's part and those of the biases 0 and 2", async () => {
    // x dx = (-1, 4, 2, 3) / 4; the bias of the second channel has the gradient 1/2 where the channel is active.
    expectClose(await of("full-grad", { target: 0 }), [0.25 + 1, 1 + 1, 0.5 + 1, 0.75]);
  });

  let shares: (build: Builder) => Share[] = () => [];
  const sums = (build: Builder, value: Value) => {
    const rows = build.reshape(value, build.concat([build.dimOf(value, 0), build.ints([-1])], 0));
    return build.reduceSum(rows, [1]);
  };
  const sweep: SweepMap = () => ({
    rules: (base) => {
      const noting = notingBiases(base);
      shares = noting.shares;
      return noting.rules;
    },
    map: ({ build, image, gradient }) => {
      const all = [build.mul(image, gradient), ...shares(build).map(({ value }) => value)];
      const total = build.sum(all.map((value) => sums(build, value)));
      return build.reshape(total, [-1, 1, ...(image.dims ?? []).slice(2).map(() => 1)]);
    },
  });
  async function totals(bytes: Uint8Array, feeds: Feeds) {
    let found: number[] = [];
    const whole = defineMethod({
      ...{ name: "whole", space: "pixels" },
      explain: async ({ atInput, image: { dims } }) => {
        const { data } = await atInput(sweep);
        found = [...data];
        const grid = dims.slice(2);
        const size = grid.reduce((a, b) => a * b, data.length);
        return { maps: { data: new Float32Array(size), dims: [data.length, ...grid] } };
      },
    });
    const explainer = await open(bytes);
    const { scores } = await explainer.forward(feeds);
    await explainer.explain(feeds, { method: whole, target: { each: [0, 1] } });
    await explainer.release();
    const [n, classes] = scores.dims;
    const places = scores.data.length / n / classes;
    const mean = (row: number) =>
      scores.data.slice(row * places, (row + 1) * places).reduce((a, b) => a + b, 0) / places;
    return { found, scores: [0, 1].flatMap((i) => [0, 1].map((c) => mean(i * classes + c))) };
  }

  test.each([
    ["a linear head", gap()],
    ["rectifiers and maxima", vgg()],
    ["a gate, whose product counts twice", squeezeExcite()],
    ["scores with a grid", unet()],
    ["attention, a class token and positions", classToken()],
  ])("the input's part and all shares make up the score: %s", async (_, bytes) => {
    const { found, scores } = await totals(bytes, images());
    expectClose(found, scores);
  });
  test.each(["densenet_op14", "resnet_bn_kept_op16", "unet_seg_op13", "vgg_fc_op11"])("and of %s", async (name) => {
    const read = (file: string) => readFileSync(new URL(`../conformance/${name}/${file}`, import.meta.url));
    const { data, shape } = decodeNpy(new Uint8Array(read("input_input.npy")));
    const { found, scores } = await totals(new Uint8Array(read("model.onnx")), {
      input: new ort.Tensor("float32", data, shape),
    });
    expectClose(found, scores, 5e-5);
  });
  test("a node of which it cannot be told is named", async () => {
    const worst = model({
      ...{ opset: 13, free: ["x"], inputs: { x: [1, 3, 8, 8], places: floats([0.1], [1]) } },
      nodes: [node("Relu", "x", "features"), node("ReduceLogSumExp", "features", "y", { axes: [2, 3], keepdims: 0 })],
    });
    await expectUserError(
      ask(worst, images(1), { method: "full-grad", target: 0 }),
      "unsupported-operator",
      /ReduceLogSumExp.*full-grad/,
    );
  });
});

test("deconv-grad-cam: -1/4 at every pixel times the map of grad-cam", async () => {
  const { map, pixels } = await explained(small, smallPicture, "deconv-grad-cam", 0);
  expectClose(
    pixels,
    [0.75, 2, 1.5, 0.75].map((v) => -v / 4),
  );
  expectClose(
    map,
    [0.75, 2, 1.5, 0.75].map((v) => v / 4),
  );
});

describe("deep-feature-factorisation", () => {
  const at = async (picture: readonly number[], concepts: number, options: ExplainOptions = {}) => {
    const x = tensor([...picture], [1, 1, 2, 2]);
    const told = {
      method: "deep-feature-factorisation" as const,
      ...options,
      options: { concepts, ...options.options },
    };
    return numbers((await ask(small, { x }, told)).maps);
  };
  test("of one concept that is everything, its part is the whole score, 3", async () =>
    expectClose(await at([1, 1, 1, 1], 1, { target: 0 }), [0.75, 0.75, 0.75, 0.75]));
  // A = (3 3 0 0), (0 0 2 2): the means are 1.5 and 1.
  test("of two, class 0 loses 1.5 and 2: the second", async () =>
    expectClose(await at([3, 3, 0, 0], 2, { target: 0 }), [0, 0, 1, 1], 1e-2));
  test("class 1 loses 4.5 and wins 1: the first", async () =>
    expectClose(await at([3, 3, 0, 0], 2, { target: 1 }), [2.25, 2.25, 0, 0], 1e-2));
  test("what speaks against class 1 is the second", async () =>
    expectClose(await at([3, 3, 0, 0], 2, { target: { counterfactual: 1 } }), [0, 0, 0.5, 0.5], 1e-2));
  test("no more concepts than there are channels", async () =>
    expectClose(await at([3, 3, 0, 0], 9, { target: 0 }), [0, 0, 1, 1], 1e-2));
});
