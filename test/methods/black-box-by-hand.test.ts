/** @file Methods that hide parts of a picture, on functions whose answers are known: linear ones, products, and sets that suffice. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import { blocks, superpixels } from "../../src/methods/black-box/cells.ts";
import { dividedAt, partResponsibilities } from "../../src/methods/black-box/responsibility.ts";
import { dependences, sobolDesign, totalIndices } from "../../src/methods/black-box/sensitivity.ts";
import { SmoothMask, towardsArea } from "../../src/methods/black-box/smooth-mask.ts";
import { shapleyValues } from "../../src/methods/black-box/superpixel-fits.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { grown } from "../../src/methods/gradient/regions.ts";
import { ask, expectUserError, numbers, rows } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";
import { gap, images, vgg } from "../nets.ts";
import { weighted } from "./nets.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const feed = (values: readonly number[], dims: readonly number[]) => ({
  x: new ort.Tensor("float32", Float32Array.from(values), [...dims]),
});
const ones = (dims: readonly number[]) => feed(Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);
/** The map of a linear score of a signal of ones. */
const ofSignal = async (weights: readonly number[], method: MethodName, options: GivenOptions) => {
  const dims = [1, weights.length];
  return numbers((await ask(weighted(weights, dims), ones([1, ...dims]), { method, target: 0, options })).maps);
};
/** What a picture of ones without a score that depends on it gives. */
const constant = (dims: readonly number[]) =>
  model({
    opset: 13,
    free: ["x"],
    inputs: {
      x: [1, ...dims],
      w: floats(
        Array(dims.reduce((a, b) => a * b, 1)).fill(0),
        [-1, 1].map((d) => (d < 0 ? dims.reduce((a, b) => a * b, 1) : d)),
      ),
      b: floats([5]),
    },
    nodes: [node("Flatten", "x", "flat"), node("Gemm", "flat w b", "y")],
  });

/** y = x0 x1 of a signal of two, and 0 x for a further class. */
const pair = model({
  opset: 13,
  free: ["x"],
  inputs: { x: [1, 1, 2], from: { type: 7, dims: [1], values: [0] }, to: { type: 7, dims: [1], values: [1] } },
  nodes: [
    node("Flatten", "x", "flat"),
    node("Gather", "flat from", "a", { axis: 1 }),
    node("Gather", "flat to", "b", { axis: 1 }),
    node("Mul", "a b", "y"),
  ],
});

const blind: readonly (readonly [MethodName, GivenOptions])[] = [
  ["lime", { samples: 50, segments: 4 }],
  ["kernel-shap", { samples: 50, segments: 4 }],
  ["sobol", { samples: 8, cells: 2 }],
  ["hsic", { samples: 16, cells: 2 }],
  ["minimal-sufficient", { samples: 1, cells: 2 }],
  ["xrai", { steps: 2 }],
];
test.each(blind)("%s: a score that nothing changes gives 0 everywhere", async (method, options) => {
  for (const dims of [
    [1, 8],
    [1, 6, 6],
    [1, 4, 4, 4],
  ]) {
    const picture = feed(
      range(dims.reduce((a, b) => a * b, 1)).map((i) => Math.sin(i)),
      [1, ...dims],
    );
    const { maps } = await ask(constant(dims), picture, { method, options });
    expect(maps.dims).toEqual([1, ...dims.slice(1)]);
    for (const value of numbers(maps)) expect(value).toBeCloseTo(0, 5);
  }
});

test("kernel-shap: of a linear score what each block has, exactly, by all subsets as by few", async () => {
  const weights = [3, -1, 0.5, 2, 0, 4, -2, 1];
  for (const samples of [300, 40]) {
    const map = await ofSignal(weights, "kernel-shap", { samples, segments: 8 });
    for (const [p, value] of map.entries()) expect(value).toBeCloseTo(weights[p], 4);
  }
});

test("kernel-shap: of x0 x1 = 6 with 2 and 3, each half; it sums to y(x) - y(0)", async () => {
  const { maps } = await ask(pair, feed([2, 3], [1, 1, 2]), {
    method: "kernel-shap",
    target: 0,
    options: { segments: 2 },
  });
  for (const value of numbers(maps)) expect(value).toBeCloseTo(3, 5);
});

test("kernel-shap: all subsets give the Shapley values of any game", () => {
  const columns = 4;
  const game = (set: number) => Math.sin(3 * set) + ((set & 5) === 5 ? 2 : 0) + (set & 8 ? 0.3 * (set & 3) : 0);
  const bits = (set: number) => range(columns).filter((j) => (set >> j) & 1).length;
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const expected = range(columns).map((j) =>
    range(16)
      .filter((set) => !((set >> j) & 1))
      .reduce((sum, set) => {
        const share = (factorial(bits(set)) * factorial(columns - bits(set) - 1)) / factorial(columns);
        return sum + share * (game(set | (1 << j)) - game(set));
      }, 0),
  );
  const sets = [0, 15, ...range(14).map((i) => i + 1)];
  const choose = [1, 4, 6, 4, 1];
  const kernel = (size: number) =>
    size % columns === 0 ? 0 : (columns - 1) / ((choose[size] ?? 1) * size * (columns - size));
  const found = shapleyValues(
    {
      shown: Uint8Array.from(sets.flatMap((set) => range(columns).map((j) => (set >> j) & 1))),
      columns,
      weights: Float64Array.from(sets, (set) => kernel(bits(set))),
    },
    Float64Array.from(sets, game),
  );
  for (const [j, value] of found.entries()) expect(value).toBeCloseTo(expected[j] ?? Number.NaN, 6);
});

test("lime: of a linear score nearly what each block has: its ridge of 1 takes a little", async () => {
  const weights = [3, -1, 0.5, 2, 0, 4];
  const map = await ofSignal(weights, "lime", { samples: 3000, segments: 6 });
  for (const [p, value] of map.entries()) {
    expect(Math.abs(value - weights[p])).toBeLessThan(0.03);
    if (Math.abs(weights[p]) >= 1) expect(Math.abs(value)).toBeLessThan(Math.abs(weights[p]));
  }
});

test("sobol: of a sum w_i^2 / sum w^2, of x0 x1 with both in [0, 1] 4/7 each", () => {
  const [cells, samples] = [3, 4096];
  const design = sobolDesign(cells, samples);
  const scoresBy = (score: (a: number, b: number, c: number) => number) =>
    Float64Array.from(range(design.masks.length / cells), (m) => {
      const [a = 0, b = 0, c = 0] = design.masks.subarray(m * cells, (m + 1) * cells);
      return score(a, b, c);
    });
  const sum = totalIndices(
    design,
    scoresBy((a, b, c) => 3 * a - b + 0 * c),
  );
  for (const [i, expected] of [0.9, 0.1, 0].entries()) expect(sum[i]).toBeCloseTo(expected, 2);
  // Var = 1/9 - 1/16 = 7/144; what is left of it when a is known: E[Var_b (a b)] = 1/3 x 1/12 = 1/36 = 4/7 of it.
  const product = totalIndices(
    design,
    scoresBy((a, b) => a * b),
  );
  for (const [i, expected] of [4 / 7, 4 / 7, 0].entries()) expect(product[i]).toBeCloseTo(expected, 2);
});

test("hsic: two masks, one cell shown in the second: 2/4 x (1/4 - 2/4 e^-1/2 + 1/4); no constant changes it", () => {
  const masks = Float64Array.of(0, 1);
  // The median of one distance is that distance, so that L = e^(-1/2) off the diagonal.
  const expected = (2 / 4) * (0.5 - 0.5 * Math.exp(-0.5));
  for (const level of [0, 100])
    expect(dependences({ masks, cells: 1 }, Float64Array.of(level, level + 3))[0]).toBeCloseTo(expected, 10);
});

test("hsic: cells that the score does not depend on have almost nothing", async () => {
  const map = await ofSignal([4, 0, 0, 0, 0, 0, 0, 0], "hsic", { samples: 128, cells: 8 });
  expect(map[0]).toBeGreaterThan(10 * Math.max(...map.slice(1)));
});

test("minimal-sufficient: what suffices, and nothing that can be left out", async () => {
  const weights = [5, 1, 1, 8, -2, 0, 3, 1];
  for (const keep of [0.3, 0.6, 0.9, 1])
    for (const seed of [0, 1]) {
      const map = await ofSignal(weights, "minimal-sufficient", { cells: 8, keep, seed });
      const set = map.map((value) => value > 0);
      const scoreWithout = (left: number) => weights.reduce((sum, w, p) => sum + (set[p] && p !== left ? w : 0), 0);
      const enough = keep * 17 - 1e-4;
      expect(scoreWithout(-1)).toBeGreaterThanOrEqual(enough);
      for (const p of range(8).filter((place) => set[place])) expect(scoreWithout(p)).toBeLessThan(enough);
    }
});

test("minimal-sufficient: of a product both, each as responsible as the other", async () => {
  const { maps } = await ask(pair, feed([2, 3], [1, 1, 2]), { method: "minimal-sufficient", target: 0 });
  expect(numbers(maps)).toEqual([1, 1]);
});

test("minimal-sufficient: parts of which any one suffices are responsible as far as the others must be hidden", () => {
  const any = range(8).map((set) => set > 0);
  expect(partResponsibilities(any, 3)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  const first = range(8).map((set) => (set & 1) === 1);
  expect(partResponsibilities(first, 3)).toEqual([1, 0, 0]);
  const both = range(8).map((set) => (set & 3) === 3);
  expect(partResponsibilities(both, 3)).toEqual([1, 1, 0]);
  expect(
    dividedAt(
      [
        [0, 4],
        [2, 3],
      ],
      (least) => least,
    ),
  ).toEqual([
    [
      [0, 1],
      [2, 3],
    ],
    [
      [1, 4],
      [2, 3],
    ],
  ]);
});

test("extremal-perturbation: of a signal with all its score at one end, that end, of the area that was asked for", async () => {
  const values = range(32).map((p) => (p < 8 ? (p % 2 ? 4 : -4) : Math.sin(p)));
  const weights = values.map((value, p) => (p < 8 ? value : 0));
  const { maps } = await ask(weighted(weights, [1, 32]), feed(values, [1, 1, 32]), {
    ...{ method: "extremal-perturbation", target: 0, options: { area: 0.25 } },
  });
  const map = numbers(maps);
  expect(Math.min(...map.slice(1, 7))).toBeGreaterThan(0.8);
  expect(Math.max(...map.slice(12))).toBeLessThan(0.2);
  expect(map.reduce((sum, value) => sum + value, 0) / 32).toBeCloseTo(0.25, 1);
});

test("smooth masks: the step goes up the gradient of any linear score, as differences say", () => {
  const grid = [9, 7];
  const of = (p: number) => Math.cos(1.7 * p);
  const begun = () => {
    const mask = new SmoothMask(grid);
    for (const c of mask.parameters.keys()) mask.parameters[c] = 0.3 + 0.2 * Math.sin(c);
    return mask;
  };
  const difference = (mask: SmoothMask, c: number, loss: () => number) => {
    const step = 1e-6;
    mask.parameters[c] += step;
    const more = loss();
    mask.parameters[c] -= 2 * step;
    const less = loss();
    mask.parameters[c] += step;
    return (more - less) / (2 * step);
  };
  const [mask, still, all] = [begun(), begun(), new SmoothMask(grid)];
  const expected = range(63).map((c) => {
    const score = () => mask.shown().reduce((sum, value, p) => sum + of(p) * value, 0);
    // What the parameter adds to the mask where all are 1, by which its step is divided.
    const influence = difference(all, c, () => all.smooth().reduce((sum, value) => sum + value, 0));
    return difference(mask, c, score) / influence;
  });
  const told = { area: 0.5, weight: 1, momentum: 0 };
  mask.advance(
    Float64Array.from(range(63), (p) => 1e-3 * of(p)),
    told,
  );
  still.advance(new Float64Array(63), told);
  for (const [c, value] of mask.parameters.entries())
    expect((value - still.parameters[c]) / (1e-3 * 0.1 * 63)).toBeCloseTo(expected[c] ?? Number.NaN, 3);
});

test("smooth masks: the largest part goes up to 1 and the rest down to 0; equals go alike", () => {
  expect([...towardsArea(Float64Array.of(0.5, 1, 0.2, 0), 0.5)]).toEqual(
    [0.25, 0, -0.1, 0].map((v) => expect.closeTo(v, 12)),
  );
  expect(new Set(towardsArea(new Float64Array(8).fill(1), 0.25)).size).toBe(1);
});

test("xrai: the densest segment first, then what others add; what no segment takes has its mean", () => {
  const attribution = Float64Array.of(4, 2, 1, 0, -1, -3);
  const segments = [
    [0, 1, 2],
    [0, 1],
    [2, 3],
  ].map((pixels) => Int32Array.from(pixels));
  expect([...grown(attribution, segments, 1)]).toEqual(
    [3, 3, 1, 0.5, -2, -2]
      .map((v, p) => (p === 2 || p === 3 ? [1, 0.5][p - 2] : v))
      .map((v, p) => (p === 2 ? 1 : p === 3 ? 0 : v)),
  );
  // Where a segment must add two pixels, the pair {2, 3} is taken as one.
  expect([...grown(attribution, segments, 2)]).toEqual([3, 3, 0.5, 0.5, -2, -2]);
});

test("xrai: a linear score gives each region the mean of its pixels' shares", async () => {
  // Two flat halves of -1 and 1: from black (-1) the right half adds 2 w, from white (1) the left one -2 w; half of each.
  const values = range(64).map((p) => (p % 8 < 4 ? -1 : 1));
  const weights = values.map((value) => (value > 0 ? 3 : 1));
  const { maps } = await ask(weighted(weights, [1, 8, 8]), feed(values, [1, 1, 8, 8]), { method: "xrai", target: 0 });
  const map = numbers(maps);
  expect(map[7]).toBeCloseTo(3, 4);
  expect(map[0]).toBeCloseTo(-1, 4);
});

test("blocks and superpixels: every place in one part; blocks of lines and volumes are even", () => {
  expect([...blocks([6], [3]).of]).toEqual([0, 0, 1, 1, 2, 2]);
  expect([...blocks([2, 4], [2, 2]).of]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  for (const dims of [
    [1, 30],
    [3, 12, 10],
    [2, 6, 6, 6],
  ]) {
    const data = Float32Array.from(range(dims.reduce((a, b) => a * b, 1)), (i) => Math.sin(0.1 * i));
    const { of, count } = superpixels({ data, dims }, 8, 0.2);
    expect(new Set(of)).toEqual(new Set(range(count)));
    expect(count).toBeGreaterThan(3);
  }
});

const told: Readonly<Partial<Record<MethodName, GivenOptions>>> = {
  lime: { samples: 30, segments: 5 },
  "kernel-shap": { samples: 60, segments: 5 },
  hsic: { samples: 30, cells: 2 },
  "minimal-sufficient": { samples: 2, cells: 3 },
};
test.each(Object.entries(told))(
  "%s: the same seed gives the same map, in batches of any size",
  async (name, options) => {
    const method = name as MethodName;
    const asked = (given: GivenOptions) =>
      ask(vgg(), images(1), { method, target: { each: [0, 3] }, options: { ...options, ...given } });
    const map = numbers((await asked({})).maps);
    for (const [p, value] of numbers((await asked({ batch: 3 })).maps).entries()) expect(value).toBeCloseTo(map[p], 4);
    expect(numbers((await asked({})).maps)).toEqual(map);
    const both = rows((await asked({})).maps);
    expect(both[0]).not.toEqual(both[1]);
  },
);

test.each(Object.keys(told).concat("sobol", "xrai", "extremal-perturbation"))(
  "%s ends when it is cancelled, between two batches",
  async (method) => {
    const controller = new AbortController();
    const done: number[] = [];
    const asked = ask(gap(), images(1), {
      ...{ method: method as MethodName, target: 0, signal: controller.signal },
      onProgress: (share) => {
        done.push(share);
        if (done.length === 3) controller.abort();
      },
    });
    await expectUserError(asked, "cancelled", "");
    expect(done.length).toBe(3);
  },
);

test("options that cannot be are refused in a line, before anything runs", async () => {
  const asked = (method: MethodName, options: GivenOptions) => ask(gap(), images(1), { method, target: 0, options });
  await expectUserError(
    asked("kernel-shap", { samples: 4, segments: 9 }),
    "invalid-option",
    "are less than the 8 superpixels",
  );
  await expectUserError(asked("sobol", { cells: 12 }), "invalid-option", "12 along each of 2 axes are 144 cells");
  await expectUserError(asked("sobol", { samples: 12 }), "invalid-option", "a power of 2");
  await expectUserError(asked("lime", { compactness: 0 }), "invalid-option", "a number above 0");
  await expectUserError(asked("extremal-perturbation", { area: 2 }), "invalid-option", "a number from 0.01 to 1");
});

test.each([[[1, 1]], [[1, 1, 1]], [[3, 1, 7]], [[1, 9, 2]], [[2, 2, 3, 2]]])(
  "pictures of %j, however small",
  async (dims) => {
    const size = dims.reduce((a, b) => a * b, 1);
    const picture = feed(
      range(size).map((i) => 1 + Math.sin(i)),
      [1, ...dims],
    );
    const told: Readonly<Partial<Record<MethodName, GivenOptions>>> = {
      ...{ lime: { samples: 20 }, "kernel-shap": { samples: 60 }, sobol: { samples: 4, cells: 3 } },
      ...{ hsic: { samples: 10, cells: 3 }, "minimal-sufficient": { samples: 1 }, xrai: { steps: 2 } },
      "extremal-perturbation": { steps: 3 },
    };
    for (const [method, options] of Object.entries(told)) {
      const net = weighted(Array(size).fill(1), dims);
      const { maps } = await ask(net, picture, { method: method as MethodName, target: 0, options });
      expect(maps.dims, method).toEqual([1, ...dims.slice(1)]);
      expect(numbers(maps).every(Number.isFinite), method).toBe(true);
      // Alone in the picture a superpixel has all of the score; what is left of it in LIME depends on how many samples hide it.
      if (method === "kernel-shap" && size === dims[0]) expect(numbers(maps)[0]).toBeCloseTo(1, 5);
    }
  },
);
