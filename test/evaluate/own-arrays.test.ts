/** @file Metrics on one's own arrays, by hand and against goldens.json; the evaluation calls the same functions (metrics.test.ts). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import * as metrics from "../../src/metrics.ts";

const { area, boxOverlap, complexity, energyPointingGame, insideOutside, localises, maskOverlap, maxBoxAccuracy } =
  metrics;
const { pixelAveragePrecision, pointingGame, rankCorrelation, randomFor, regionOf, relevanceRankAccuracy } = metrics;
const goldens = JSON.parse(readFileSync(new URL("./goldens.json", import.meta.url), "utf8"));
const floats = (list: readonly number[]) => Float32Array.from(list);

/** Rows of a map. */
const mapOf = (...rows: readonly (readonly number[])[]): metrics.PixelMap => ({
  width: rows[0].length,
  height: rows.length,
  data: floats(rows.flat()),
});
const maskOf = (...rows: readonly (readonly number[])[]): metrics.Mask => ({
  ...mapOf(...rows),
  data: Uint8Array.from(rows.flat()),
});

const map = mapOf([4, 0, 0, 0], [2, 1, 0, 0], [0, 0, 0, 1]);
const blank = mapOf([0, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 0]);
const region = regionOf([[0, 0, 1, 2]], 4, 3);

describe("a map and a region", () => {
  test("a box is its pixels", () => expect(region).toEqual(maskOf([1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0])));
  test("pointing game: the peak is on it, or less than the tolerance off", () => {
    const far = regionOf([[3, 0, 4, 1]], 4, 3);
    expect(pointingGame(map, region)).toBe(true);
    expect(pointingGame(map, far, { tolerance: 3 })).toBe(false);
    expect(pointingGame(map, far, { tolerance: 3.1 })).toBe(true);
    expect(pointingGame(blank, region)).toBe(false);
    const plateau = mapOf([1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]);
    expect(pointingGame(plateau, region, { tolerance: 0 })).toBe(false);
    expect(pointingGame(plateau, region, { tolerance: 0, rule: "first" })).toBe(true);
  });
  test("energy: 6 of 8", () => {
    expect(energyPointingGame(map, region)).toBe(6 / 8);
    expect(energyPointingGame(blank, region)).toBe(0);
  });
  test("inside and outside: the mean 3 over the mean 2/10", () => {
    expect(insideOutside(map, region.data)).toBeCloseTo(15, 12);
    expect(insideOutside(mapOf([1, 0]), [1, 0])).toBeUndefined();
  });
  test("mask overlap at 15 %: 2 of 4 pixels; at half: 2 of 2", () => {
    expect(maskOverlap(map, region)).toBe(2 / 4);
    expect(maskOverlap(map, region, 0.5)).toBe(1);
    expect(maskOverlap(blank, region)).toBe(0);
  });
  test("average precision of pixels is scikit-learn's", () => {
    const { values, inside, PxAP } = goldens.precision;
    const size = { width: 20, height: 10 };
    const one = { map: { ...size, data: floats(values) }, mask: { ...size, data: Uint8Array.from(inside) } };
    expect(pixelAveragePrecision([one])).toBeCloseTo(PxAP, 6);
    expect(pixelAveragePrecision([one, one])).toBeCloseTo(PxAP, 6);
  });
  test("relevance rank accuracy is Quantus'; ties count by chance, and no pixel that was not seen", () => {
    const { map: values, mask, accuracy } = goldens.ranked;
    const size = { width: 12, height: 12 };
    const found = relevanceRankAccuracy({ ...size, data: floats(values) }, { ...size, data: Uint8Array.from(mask) });
    expect(found).toBeCloseTo(accuracy, 12);
    expect(relevanceRankAccuracy(map, region)).toBe(1);
    // 4, 2 and one of the two ones, each with a chance of 1/2.
    expect(relevanceRankAccuracy(map, maskOf([1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]))).toBeCloseTo(
      (1 + 1 / 2) / 3,
      12,
    );
    expect(relevanceRankAccuracy(blank, region)).toBe(0);
    expect(relevanceRankAccuracy(map, maskOf([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]))).toBeUndefined();
    const cropped = mapOf([Number.NaN, 0, 0, 0], [2, 1, 0, 0], [0, 0, 0, 1]);
    expect(relevanceRankAccuracy(cropped, region)).toBe(1);
  });
});

describe("a map and boxes", () => {
  test("boxes overlap by intersection over union", () =>
    expect(boxOverlap([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7));
  test("the box of the largest segment above 15 %, or another part, of the maximum", () => {
    expect(localises(map, [[0, 0, 2, 2]])).toBe(true);
    expect(localises(map, [[0, 0, 1, 2]])).toBe(true);
    expect(localises(map, [[0, 0, 1, 2]], { least: 0.6 })).toBe(false);
    expect(localises(map, [[0, 0, 1, 2]], { least: 0.6, threshold: 0.3 })).toBe(true);
    expect(localises(blank, [[0, 0, 4, 3]])).toBe(false);
  });
  test("MaxBoxAcc: each half at the other's threshold", () => {
    const square = mapOf([1, 1, 0.3, 0.3], [1, 1, 0.3, 0.3]);
    const set = Array.from({ length: 20 }, (_, i) => ({
      ...{ picture: `p${i}`, map: square },
      boxes: [[0, 0, 2, 2]] as const,
    }));
    expect(maxBoxAccuracy(set)).toEqual({ MaxBoxAcc: 1, MaxBoxAccV2: 1 });
    expect(maxBoxAccuracy([])).toEqual({});
  });
});

describe("a map and a network", () => {
  const input: metrics.Dense = { data: floats(goldens.imputation.picture), dims: [3, 12, 12] };
  const weights: Float32Array[] = goldens.curves.weights.map(floats);
  const found = floats(goldens.spread.map);
  /** What a caller has: variants in, plain numbers out. */
  const logits = ({ data, dims: [n] }: metrics.Dense) =>
    Array.from({ length: n }, (_, v) =>
      weights.map((w) => w.reduce((sum, x, i) => sum + x * data[v * w.length + i], 0)),
    );
  const score = (variants: metrics.Dense) => logits(variants).map((s) => s[1]);
  const probability = (variants: metrics.Dense) =>
    logits(variants).map((s) => Math.exp(s[1]) / s.reduce((sum, v) => sum + Math.exp(v), 0));

  test("deletion is torchcam's, insertion ends at the whole input", async () => {
    const { steps, deletion } = goldens.curves;
    expect(area((await metrics.deletionCurve(found, input, probability, steps)) ?? [])).toBeCloseTo(deletion, 5);
    const curve = await metrics.insertionCurve(found, input, probability);
    expect(curve?.length).toBe(29);
    expect(curve?.at(-1)).toBeCloseTo(probability({ data: input.data, dims: [1, 3, 12, 12] })[0], 6);
  });
  test("average drop and ROAD are torchcam's and pytorch-grad-cam's", async () => {
    const drop = await metrics.averageDrop(found, input, probability);
    expect(drop?.drop).toBeCloseTo(goldens.perturbation.drops[1].avg_drop, 4);
    expect(drop?.increase).toBe(goldens.perturbation.drops[1].conf_increase);
    const road = await metrics.road(found, input, probability, { random: { ...randomFor("x"), normal: () => 0 } });
    expect(road?.MoRF).toBeCloseTo(goldens.perturbation.MoRF, 4);
    expect(road?.LeRF).toBeCloseTo(goldens.perturbation.LeRF, 4);
  });
  test("of a linear score gradient times input tells all that is told", async () => {
    const worth = new Float32Array(144);
    weights[1].forEach((w, i) => {
      worth[i % 144] += w * input.data[i];
    });
    expect(await metrics.faithfulnessCorrelation(worth, input, score, { size: 20, runs: 40 })).toBeCloseTo(1, 4);
    // One channel: the map says what noise in it does.
    const one = { data: input.data.slice(0, 144), dims: [1, 12, 12] };
    const own = weights[1].slice(0, 144);
    const linear = ({ data, dims: [n] }: metrics.Dense) =>
      Array.from({ length: n }, (_, v) => own.reduce((sum, w, i) => sum + w * data[v * 144 + i], 0));
    expect(await metrics.infidelity(own, one, linear)).toBeCloseTo(0, 6);
    expect(await metrics.infidelity(own, one, async (variants) => linear(variants))).toBeCloseTo(0, 6);
    expect(await metrics.maxSensitivity(own, one, () => own)).toBe(0);
    expect(await metrics.maxSensitivity(own, one, () => own.map((v) => 2 * v))).toBeCloseTo(1, 6);
  });
  test("the same stream, the same figure", async () => {
    const of = (name: string) =>
      metrics.faithfulnessCorrelation(found, input, score, { size: 20, random: randomFor(name) });
    expect(await of("a")).toBe(await of("a"));
    expect(await of("a")).not.toBe(await of("b"));
  });
  test("a blank map has no order, and no figure", async () => {
    const nothing = new Float32Array(144);
    expect(await metrics.deletionCurve(nothing, input, probability)).toBeUndefined();
    expect(await metrics.insertionCurve(nothing, input, probability)).toBeUndefined();
    expect(await metrics.averageDrop(nothing, input, probability)).toBeUndefined();
    expect(await metrics.road(nothing, input, probability)).toBeUndefined();
  });
  test("what does not fit is refused: expected and seen", async () => {
    const refused = async (run: () => unknown, words: RegExp) => {
      const error = await Promise.resolve()
        .then(run)
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).toMatch(words);
    };
    const short = found.subarray(1);
    await refused(() => metrics.deletionCurve(short, input, score), /invalid map: expected 12 x 12 values.* seen 143/);
    await refused(
      () => metrics.road(found, { ...input, dims: [432] }, score),
      /invalid input: expected \[C, H, W\], seen \[432\]/,
    );
    await refused(() => metrics.infidelity(found, input, () => [1]), /invalid scores: expected 16 numbers.* seen 1/);
    await refused(
      () => metrics.averageDrop(found, input, () => undefined as never),
      /expected 2 numbers.* seen undefined/,
    );
    await refused(() => metrics.maxSensitivity(found, input, () => short), /invalid map: .*seen 143/);
    await refused(
      () => metrics.faithfulnessCorrelation(found, input, score, { size: 145 }),
      /invalid size: 145; allowed is 1 to 144/,
    );
    const other = regionOf([[0, 0, 1, 1]], 3, 4);
    for (const figure of [pointingGame, energyPointingGame, maskOverlap, relevanceRankAccuracy])
      await refused(() => figure(map, other), /invalid region: expected 4 x 3 values, seen 12 as 3 x 4/);
    await refused(() => pointingGame({ ...map, width: 5 }, region), /invalid map: expected 5 x 3 values, seen 12/);
    await refused(() => insideOutside(map, [1]), /invalid mask: expected 12 values, the map's, seen 1/);
  });
});

test("a map alone: Quantus' spread, and a rank correlation", () => {
  const { map: values, gini, entropy } = goldens.spread;
  expect(metrics.sparseness(floats(values))).toBeCloseTo(gini, 5);
  expect(complexity(floats(values))).toBeCloseTo(entropy, 5);
  expect(rankCorrelation(floats([1, 2, 3]), floats([10, 20, 40]))).toBeCloseTo(1, 12);
});
