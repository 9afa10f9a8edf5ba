/** @file Maps worked out on paper, on the networks of nets.ts. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomFor } from "../../src/array/random.ts";
import { defineMethod, vjp } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import type { Tensor } from "../../src/onnx/runtime.ts";
import { ask, expectClose, expectUserError, numbers, open } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";
import { images, vgg } from "../nets.ts";
import { blocks, blocksPicture, explained, small, smallPicture } from "./nets.ts";

const on = (method: MethodName, target: Parameters<typeof explained>[3]) =>
  explained(small, smallPicture, method, target);

test("the network is the one on paper", async () => {
  const explainer = await open(small);
  const { outputs } = await explainer.forward(smallPicture);
  expect(numbers(outputs.y)).toEqual([5, 1]);
  expect(numbers(outputs.A)).toEqual([1, 0, 0, 3, 1, 4, 3, 0]);
  await explainer.release();
});

describe("grad-cam: alpha_k = w_ck / 4, for every cell has the same gradient", () => {
  test("class 0: ReLU(A0 + 2 A1) / 4", async () => expect((await on("grad-cam", 0)).map).toEqual([0.75, 2, 1.5, 0.75]));
  test("class 1: ReLU(3 A0 - A1) / 4", async () => expect((await on("grad-cam", 1)).map).toEqual([0.5, 0, 0, 2.25]));
  test("against class 1: ReLU(A1 - 3 A0) / 4", async () =>
    expect((await on("grad-cam", { counterfactual: 1 })).map).toEqual([0, 1, 0.75, 0]));
  test("class 0 rather than 1: ReLU(3 A1 - 2 A0) / 4", async () =>
    expect((await on("grad-cam", { for: 0, against: 1 })).map).toEqual([0.25, 3, 2.25, 0]));
  test("what speaks for a class and against it share no cell, and make up the whole sum", async () => {
    const [pro, contra] = [(await on("grad-cam", 1)).map, (await on("grad-cam", { counterfactual: 1 })).map];
    expect(pro.map((v, i) => v - contra[i])).toEqual([0.5, -1, -0.75, 2.25]);
  });
  test("no class: the best, which is 0", async () => {
    const explainer = await open(small);
    expect(numbers((await explainer.explain(smallPicture)).maps)).toEqual([0.75, 2, 1.5, 0.75]);
    await explainer.release();
  });
});

test("grad-cam is CAM (Zhou et al. 2016) over the number of cells, behind global pooling", async () => {
  const [a0, a1] = [
    [1, 0, 0, 3],
    [1, 4, 3, 0],
  ];
  for (const [c, w] of [
    [1, 2],
    [3, -1],
  ].entries()) {
    const cam = a0.map((v, i) => Math.max(0, w[0] * v + w[1] * a1[i]));
    expect((await on("grad-cam", c)).map).toEqual(cam.map((v) => v / 4));
  }
});

// y0 = A0 . [1 0 0 -1] + A1 . [0 2 1 0] and y1 = -y0: each place has a weight of its own, which Grad-CAM's mean would lose.
const flat = model({
  opset: 13,
  free: ["x"],
  inputs: {
    x: [1, 1, 2, 2],
    w: floats([1, -1], [2, 1, 1, 1]),
    b: floats([0, 2]),
    places: floats(
      [1, 0, 0, -1, 0, 2, 1, 0].flatMap((v) => [v, -v]),
      [8, 2],
    ),
  },
  nodes: [
    node("Conv", "x w b", "conv"),
    node("Relu", "conv", "A"),
    node("Flatten", "A", "cells"),
    node("MatMul", "cells places", "y"),
  ],
});
// A of the second image, x = [2 1 0 -1]: [2 1 0 0] and [0 1 2 3].
const two = { x: new ort.Tensor("float32", Float32Array.of(1, -2, -1, 3, 2, 1, 0, -1), [2, 1, 2, 2]) };

describe("hires-cam", () => {
  test.each([0, 1])("behind global pooling it is grad-cam: class %d", async (c) =>
    expect((await on("hires-cam", c)).map).toEqual((await on("grad-cam", c)).map),
  );
  test("two images, two classes: ReLU of each place's own contribution", async () => {
    const { maps } = await ask(flat, two, { method: "hires-cam", target: { each: [0, 1] }, layer: "A" });
    expect(maps.dims).toEqual([4, 2, 2]);
    expect(numbers(maps)).toEqual([1, 8, 3, 0, 0, 0, 0, 3, 2, 2, 2, 0, 0, 0, 0, 0]);
  });
});

describe("layer-cam: alpha_k = ReLU(dA_k), at each place its own", () => {
  test("class 0: both weights are positive, and it is grad-cam", async () =>
    expect((await on("layer-cam", 0)).map).toEqual((await on("grad-cam", 0)).map));
  test("class 1: -1/4 counts nothing: 3/4 A0", async () =>
    expect((await on("layer-cam", 1)).map).toEqual([0.75, 0, 0, 2.25]));
  test("against class 1: 1/4 A1", async () =>
    expect((await on("layer-cam", { counterfactual: 1 })).map).toEqual([0.25, 1, 0.75, 0]));
  test("class 0 rather than 1: -2/4 counts nothing: 3/4 A1", async () =>
    expect((await on("layer-cam", { for: 0, against: 1 })).map).toEqual([0.75, 3, 2.25, 0]));
  test("two images, two classes: A0 . [1 0 0 0] + A1 . [0 2 1 0], and A0 . [0 0 0 1]", async () => {
    const { maps } = await ask(flat, two, { method: "layer-cam", target: { each: [0, 1] }, layer: "A" });
    expect(maps.dims).toEqual([4, 2, 2]);
    expect(numbers(maps)).toEqual([1, 8, 3, 0, 0, 0, 0, 3, 2, 2, 2, 0, 0, 0, 0, 0]);
  });
});

describe("odam: weights smoothed by a Gaussian of one cell, cut off two cells away", () => {
  // Of a grid of 2 x 2 each cell has itself, two beside it and one across.
  const [tap, total] = [Math.exp(-0.5), 1 + 2 * Math.exp(-0.5) + 2 * Math.exp(-2)];
  const smooth = ([a, b, c, d]: readonly [number, number, number, number]) =>
    [
      [a, b, c, d],
      [b, a, d, c],
      [c, d, a, b],
      [d, c, b, a],
    ].map(([own, beside, below, across]) => (own + tap * (beside + below) + tap ** 2 * across) / total ** 2);
  test("two images, two classes", async () => {
    const [w0, w1] = [smooth([1, 0, 0, -1]), smooth([0, 2, 1, 0])];
    const pictures = [
      [
        [1, 0, 0, 3],
        [1, 4, 3, 0],
      ],
      [
        [2, 1, 0, 0],
        [0, 1, 2, 3],
      ],
    ];
    const { maps } = await ask(flat, two, { method: "odam", target: { each: [0, 1] }, layer: "A" });
    expect(maps.dims).toEqual([4, 2, 2]);
    const expected = pictures.flatMap(([a0, a1]) =>
      [1, -1].flatMap((sign) => a0.map((v, i) => Math.max(0, sign * (v * w0[i] + a1[i] * w1[i])))),
    );
    for (const [i, v] of numbers(maps).entries()) expect(v).toBeCloseTo(expected[i], 6);
  });
  test("a weight reaches two cells, and no further, on any number of axes", async () => {
    const line = model({
      opset: 13,
      inputs: { x: [1, 1, 8], w: floats([1], [1, 1, 1]), place: floats([0, 0, 0, 1, 0, 0, 0, 0], [8, 1]) },
      nodes: [
        node("Conv", "x w", "conv"),
        node("Relu", "conv", "A"),
        node("Flatten", "A", "cells"),
        node("MatMul", "cells place", "y"),
      ],
    });
    const x = { x: new ort.Tensor("float32", new Float32Array(8).fill(1), [1, 1, 8]) };
    const map = numbers((await ask(line, x, { method: "odam", target: 0, layer: "A" })).maps);
    const expected = [0, Math.exp(-2), tap, 1, tap, Math.exp(-2), 0, 0].map((v) => v / total);
    for (const [i, v] of map.entries()) expect(v).toBeCloseTo(expected[i], 6);
  });
});

// Of the flat network's first image: A0 = [1 0 0 3], A1 = [1 4 3 0]; for class 0 g0 = [1 0 0 -1], g1 = [0 2 1 0].
/** The layer of one picture, as a method sees it. */
async function activationsOf(bytes: Uint8Array, x: Tensor): Promise<number[]> {
  let seen: number[] = [];
  const look = defineMethod({
    ...{ name: "look", space: "pixels" },
    async explain({ activations, image }) {
      seen = [...(await activations(0)).data];
      return { maps: { data: new Float32Array(64), dims: [1, ...image.dims.slice(2)] } };
    },
  });
  await ask(bytes, { x }, { method: look, target: 0 });
  return seen;
}

describe("at a layer where each place has a gradient of its own", () => {
  const first = { x: new ort.Tensor("float32", Float32Array.of(1, -2, -1, 3), [1, 1, 2, 2]) };
  const at = async (method: MethodName, target: number, options = {}) =>
    numbers((await ask(flat, first, { method, target, options, layer: "A" })).maps);
  const [a0, a1] = [
    [1, 0, 0, 3],
    [1, 4, 3, 0],
  ];
  const sum = (w0: number, w1: number) => a0.map((v, i) => w0 * v + w1 * a1[i]);
  const positive = (values: readonly number[]) => values.map((v) => Math.max(0, v));
  const close = (got: readonly number[], want: readonly number[]) =>
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i], 5);
    });

  test("grad-cam++: w0 = 1 / (2 + 4), w1 = 2 / (2 + 8 * 2) + 1 / (2 + 8)", async () =>
    close(await at("grad-cam++", 0), sum(1 / 6, 1 / 9 + 1 / 10)));
  test("grad-cam++, class 1: only the last place of A0 rises", async () =>
    close(await at("grad-cam++", 1), sum(1 / 6, 0)));
  test.each([0, 0.3])("smooth-grad-cam++ with noise of %d: the head is linear, and it is grad-cam++", async (sigma) =>
    close(await at("smooth-grad-cam++", 0, { sigma, samples: 3 }), sum(1 / 6, 1 / 9 + 1 / 10)),
  );
  test("smooth-grad-cam++: powers of the gradient averaged over the noisy pictures", async () => {
    const [samples, sigma, seed] = [3, 0.5, 7];
    const { x } = images(1);
    const clean = Array.from(x.data as Float32Array);
    const random = randomFor("smooth-grad-cam++", seed, 0);
    const layer = async (data: readonly number[]) => {
      const target = {
        logits: new ort.Tensor("float32", Float32Array.of(0, 1, 0, 0, 0).subarray(0, classes), [1, classes]),
      };
      const feeds = { x: new ort.Tensor("float32", Float32Array.from(data), x.dims) };
      const { gradients } = await vjp(ort, vgg(), { feeds, seeds: target, wrt: ["features"] });
      return numbers(gradients.features);
    };
    const explainer = await open(vgg());
    const { scores } = await explainer.forward({ x });
    await explainer.release();
    const classes = scores.dims[1];
    const all: number[][] = [];
    for (let s = 0; s < samples; s++) all.push(await layer(clean.map((v) => v + sigma * random.normal())));
    const power = (p: number) => all[0].map((_, i) => all.reduce((total, g) => total + g[i] ** p, 0) / samples);
    const [d1, d2, d3] = [power(1), power(2), power(3)];
    const a = await activationsOf(vgg(), x);
    const places = 64;
    const weights = Array.from({ length: a.length / places }, (_, k) => {
      const own = a.slice(k * places, (k + 1) * places);
      const s = own.reduce((p, q) => p + q, 0);
      return own.reduce((w, _, p) => {
        const i = k * places + p;
        const denominator = 2 * d2[i] + s * d3[i];
        return w + (denominator === 0 ? 0 : (d2[i] / denominator) * Math.max(0, d1[i]));
      }, 0);
    });
    const want = Array.from({ length: places }, (_, p) =>
      Math.max(
        0,
        weights.reduce((total, w, k) => total + w * a[k * places + p], 0),
      ),
    );
    const options = { samples, sigma, seed };
    const { maps } = await ask(vgg(), { x }, { method: "smooth-grad-cam++", target: 1, options });
    expectClose(numbers(maps), want, 1e-4);
  });
  test("element-wise: [1 0 0 -3] and [0 8 3 0], each rectified", async () =>
    expect(await at("element-wise-grad-cam", 0)).toEqual([1, 8, 3, 0]));
  test("element-wise keeps what hires-cam cancels", async () => {
    // g0 A0 and g1 A1 of the second image are [2 0 0 0] and [0 2 2 0]; of its opposite neither is left.
    const { maps } = await ask(flat, two, { method: "element-wise-grad-cam", target: { each: [0, 1] }, layer: "A" });
    expect(numbers(maps)).toEqual([1, 8, 3, 0, 0, 0, 0, 3, 2, 2, 2, 0, 0, 0, 0, 0]);
  });
  test("xgrad-cam: w0 = (1 - 3) / 4, w1 = (8 + 3) / 8", async () =>
    close(await at("xgrad-cam", 0), positive(sum(-1 / 2, 11 / 8))));
  test("eigen-cam: the centred rows are (0 -1) (-1 2) (-1 1) (2 -2), their Gram matrix (6 -7) (-7 10)", async () => {
    const along = 8 + Math.sqrt(4 + 49) - 6;
    const length = Math.hypot(7, along);
    const v = [-7 / length, along / length]; // the sum is positive
    const map = a0.map((value, i) => v[0] * (value - 1) + v[1] * (a1[i] - 2));
    close(await at("eigen-cam", 0, { sign: "signed" }), map);
    close(await at("eigen-cam", 1), positive(map));
  });
  test("eigen-grad-cam: of (1 0) (0 8) (0 3) (-3 0), the Gram matrix is (9 5.5) (5.5 42.75)", async () => {
    const along = (9 + 42.75) / 2 + Math.hypot((42.75 - 9) / 2, 5.5) - 9;
    const length = Math.hypot(5.5, along);
    const rows = [1, 0, 0, -3].map((value, i) => [value + 0.5, [0, 8, 3, 0][i] - 2.75]);
    const map = rows.map(([p, q]) => (5.5 * p + along * q) / length);
    close(await at("eigen-grad-cam", 0, { sign: "signed" }), map);
  });
  test("random: two weights within -1 and 1, the same for every class, others for another seed", async () => {
    const signed = async (target: number, seed?: number) => at("random", target, { sign: "signed", seed });
    const map = await signed(0);
    const [w0, w1] = [map[3] / 3, map[1] / 4];
    close(map, sum(w0, w1));
    for (const w of [w0, w1]) expect(Math.abs(w)).toBeLessThanOrEqual(1);
    expect(await signed(1)).toEqual(map);
    expect(await signed(0, 0)).toEqual(map);
    expect(await signed(0, 1)).not.toEqual(map);
  });
  test("a channel that is 0 everywhere, or whose sum is, has a weight of 0 and no NaN", async () => {
    const zero = { x: new ort.Tensor("float32", Float32Array.of(2, 2, 2, 2), [1, 1, 2, 2]) }; // A1 = 0
    for (const method of ["grad-cam++", "xgrad-cam", "eigen-cam", "eigen-grad-cam"] as const) {
      const map = numbers((await ask(flat, zero, { method, target: 1, layer: "A" })).maps);
      expect(map.every(Number.isFinite), method).toBe(true);
    }
  });
});

// Of the small network: y0 = A0 + 2 A1 = 5, y1 = 3 A0 - A1 = 1 (means), with A0 = [1 0 0 3] and A1 = [1 4 3 0].
describe("by runs", () => {
  const close = (got: readonly number[], want: readonly number[]) => {
    expect(got).toHaveLength(want.length);
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(want[i], 5);
  };
  const [a0, a1] = [
    [1, 0, 0, 3],
    [1, 4, 3, 0],
  ];
  const sum = (w0: number, w1: number) => a0.map((v, i) => Math.max(0, w0 * v + w1 * a1[i]));

  test("ablation-cam, class 0: without A0 the score is 4, without A1 it is 1", async () =>
    close((await on("ablation-cam", 0)).map, sum(1 / 5, 4 / 5)));
  test("ablation-cam, class 1: -2 and 3", async () => close((await on("ablation-cam", 1)).map, sum(3, -2)));
  test("ablation-cam against class 1: a negative score turns nothing around", async () =>
    close((await on("ablation-cam", { counterfactual: 1 })).map, sum(-3, 2)));
  test("recipro-cam: a place alone has a quarter of its sum", async () => {
    close((await on("recipro-cam", 0)).map, [0.75, 2, 1.5, 0.75]);
    close((await on("recipro-cam", 1)).map, [0.5, -1, -0.75, 2.25]);
  });
  test("recipro-cam with a Gaussian: neighbours count, by their distance", async () => {
    const { maps } = await ask(small, smallPicture, { method: "recipro-cam", target: 0, options: { sigma: 1 } });
    const own = [0.75, 2, 1.5, 0.75];
    const [near, far] = [Math.exp(-1 / 2), Math.exp(-1)];
    close(numbers(maps), [
      own[0] + near * (own[1] + own[2]) + far * own[3],
      own[1] + near * (own[0] + own[3]) + far * own[2],
      own[2] + near * (own[0] + own[3]) + far * own[1],
      own[3] + near * (own[1] + own[2]) + far * own[0],
    ]);
  });
  test("score-cam: the picture through A0 / 3 scores 11 / 3, through A1 / 4 it scores 85 / 16", async () => {
    const second = 1 / (1 + Math.exp(11 / 3 - 85 / 16));
    close((await on("score-cam", 0)).map, sum(1 - second, second));
  });
  test("finer-cam, class 0: less 0.6 of class 1, the only other", async () =>
    close((await on("finer-cam", 0)).map, sum(-0.8 / 4, 2.6 / 4)));
  test("finer-cam without gamma is grad-cam", async () => {
    const { maps } = await ask(small, smallPicture, { method: "finer-cam", target: 1, options: { gamma: 0 } });
    close(numbers(maps), (await on("grad-cam", 1)).map);
  });
  test("cam: the linear layer's weights", async () => {
    close((await on("cam", 0)).map, [3, 8, 6, 3]);
    close((await on("cam", 1)).map, [2, -4, -3, 9]);
  });
  test("finer-cam of a contrast is that of both, and of a counterfactual less the class's", async () => {
    close((await on("finer-cam", { for: 0, against: 1 })).map, sum((1.6 * (1 - 3)) / 4, (1.6 * (2 + 1)) / 4));
    close((await on("finer-cam", { counterfactual: 1 })).map, sum((0.6 - 3) / 4, (1 + 1.2) / 4));
  });
  test("cam refuses a head that is linear but not pooled, and one that is not linear", async () => {
    const first = { x: smallPicture.x };
    await expectUserError(ask(flat, first, { method: "cam", target: 0, layer: "A" }), "invalid-option", "cam takes");
    await expectUserError(ask(vgg(), images(), { method: "cam", target: 0 }), "invalid-option", "cam takes");
  });
});

// At the rectifiers dA0 = w_c0 / 4 and dA1 = w_c1 / 4 arrive; x reaches A0 with +1 and A1 with -1.
describe("pixels", () => {
  const rows: readonly (readonly [MethodName, number, readonly number[], string])[] = [
    ["gradient", 0, [-0.25, -0.5, -0.5, 0.25], "1/4 [A0 > 0] - 2/4 [A1 > 0]"],
    ["gradient", 1, [1, 0.25, 0.25, 0.75], "3/4 [A0 > 0] + 1/4 [A1 > 0]"],
    ["guided-backprop", 0, [-0.25, -0.5, -0.5, 0.25], "both gradients are positive: as the plain one"],
    ["guided-backprop", 1, [0.75, 0, 0, 0.75], "-1/4 is stopped: 3/4 [A0 > 0]"],
    ["deconvolution", 0, [-0.25, -0.25, -0.25, -0.25], "1/4 - 2/4, whatever the forward pass did"],
    ["deconvolution", 1, [0.75, 0.75, 0.75, 0.75], "3/4; -1/4 is stopped"],
    ["guided-grad-cam", 0, [-0.25 * 0.75, -0.5 * 2, -0.5 * 1.5, 0.25 * 0.75], "the product, on equal grids"],
    ["guided-grad-cam", 1, [0.75 * 0.5, 0, 0, 0.75 * 2.25], "the product, on equal grids"],
  ];
  test.each(rows)("%s, class %d: %j, %s", async (method, target, image) => {
    const { map, pixels } = await on(method, target);
    expect(pixels).toEqual(image);
    expect(map).toEqual(image.map(Math.abs)); // one channel: the strongest is it
  });

  test("against a class, guided: the other gradient is let through", async () => {
    // dA0 = -3/4 is stopped, dA1 = +1/4 reaches x with -1 where A1 > 0.
    expect((await on("guided-backprop", { counterfactual: 1 })).pixels).toEqual([-0.25, -0.25, -0.25, 0]);
  });
});

test("guided-grad-cam: the map is brought to the picture's size by bilinear interpolation between the centres of its cells", async () => {
  // Each pixel has its block's guided gradient. From 2 cells to 4 pixels the second cell has weights 0, 1/4, 3/4, 1.
  const guided = [-0.25, -0.5, -0.5, 0.25];
  const cam = [0.75, 2, 1.5, 0.75];
  const share = [0, 0.25, 0.75, 1];
  const expected = share.flatMap((v, y) =>
    share.map((u, x) => {
      const top = (1 - u) * cam[0] + u * cam[1];
      const bottom = (1 - u) * cam[2] + u * cam[3];
      return guided[2 * Math.floor(y / 2) + Math.floor(x / 2)] * ((1 - v) * top + v * bottom);
    }),
  );
  const { pixels } = await explained(blocks, blocksPicture, "guided-grad-cam", 0);
  for (const [i, v] of pixels.entries()) expect(v).toBeCloseTo(expected[i], 6);
});
