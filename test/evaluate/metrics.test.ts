/** @file Metrics against the packages that people use for them (goldens.json), and by hand. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { pearson, ranks, spearman } from "../../src/array/correlation.ts";
import type { Dense } from "../../src/array/dense.ts";
import { randomFor } from "../../src/array/random.ts";
import { area, bootstrap, mean, wilson } from "../../src/array/statistics.ts";
import { averageDrop } from "../../src/evaluate/metrics/average-drop.ts";
import { deletion, deletionCurve, insertion, insertionCurve } from "../../src/evaluate/metrics/deletion-insertion.ts";
import { energyPointingGame } from "../../src/evaluate/metrics/energy-pointing-game.ts";
import { extendedPointingGame } from "../../src/evaluate/metrics/extended-pointing-game.ts";
import { impute } from "../../src/evaluate/metrics/impute.ts";
import { infidelity, unexplained } from "../../src/evaluate/metrics/infidelity.ts";
import { insideOutside } from "../../src/evaluate/metrics/inside-outside.ts";
import { localisationError } from "../../src/evaluate/metrics/localisation-error.ts";
import { maskOverlap } from "../../src/evaluate/metrics/mask-overlap.ts";
import { maxBoxAccuracy } from "../../src/evaluate/metrics/max-box-accuracy.ts";
import { maxSensitivity } from "../../src/evaluate/metrics/max-sensitivity.ts";
import type { Annotation, Case, Measured, Metric, Probe } from "../../src/evaluate/metrics/metric.ts";
import { pointingGame } from "../../src/evaluate/metrics/pointing-game.ts";
import { subsetCorrelation } from "../../src/evaluate/metrics/random-subsets.ts";
import { road } from "../../src/evaluate/metrics/road.ts";
import { entropy, gini } from "../../src/evaluate/metrics/spread.ts";
import { overlap } from "../../src/image/boxes.ts";

const goldens = JSON.parse(readFileSync(new URL("./goldens.json", import.meta.url), "utf8"));
const floats = (list: readonly number[]) => Float32Array.from(list);

describe("statistics", () => {
  const { a, b } = goldens.correlation;
  test("ranks and correlations are scipy's, ties included", () => {
    expect([...ranks(Float64Array.from(a))]).toEqual(goldens.correlation.ranks);
    expect(spearman(Float64Array.from(a), Float64Array.from(b))).toBeCloseTo(goldens.correlation.spearman, 12);
    expect(pearson(a, b)).toBeCloseTo(goldens.correlation.pearson, 12);
  });
  test("a constant side has no correlation", () => {
    expect(spearman(Float64Array.of(1, 1, 1), Float64Array.of(1, 2, 3))).toBeNaN();
  });
  test("Wilson's interval is statsmodels'", () => {
    const { hits, count, low, high } = goldens.wilson;
    const found = wilson(hits, count);
    expect(found.low).toBeCloseTo(low, 10);
    expect(found.high).toBeCloseTo(high, 10);
  });
  test("the bootstrap's interval of a mean is close to the normal one, and does not depend on anything but its name", () => {
    const random = randomFor("values");
    const values = Array.from({ length: 400 }, () => random.normal());
    const found = bootstrap(values, mean, randomFor("bootstrap"));
    const half = 1.96 / Math.sqrt(400);
    expect(found.high - found.low).toBeGreaterThan(1.7 * half);
    expect(found.high - found.low).toBeLessThan(2.3 * half);
    expect(bootstrap(values, mean, randomFor("bootstrap"))).toEqual(found);
    expect(bootstrap(values, mean, randomFor("another"))).not.toEqual(found);
  });
  test("a stream is uniform, and a choice has no repetition", () => {
    const random = randomFor("stream", 3);
    const drawn = Array.from({ length: 10_000 }, () => random.uniform());
    expect(mean(drawn)).toBeCloseTo(0.5, 1);
    const counts = new Array(10).fill(0);
    for (const v of drawn) counts[Math.floor(v * 10)]++;
    // Chi-squared with 9 degrees of freedom is below 27.9 in 999 of 1,000 streams.
    expect(counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(27.9);
    const chosen = random.choose(50, 60);
    expect(new Set(chosen).size).toBe(50);
    expect(Math.max(...chosen)).toBeLessThan(60);
  });
});

/** A case on a picture of 20 x 10 whose map is given; the network sees the whole of it. */
function caseOf(map: Float32Array, objects: readonly Annotation[], more: Partial<Case> = {}): Case {
  const size = { width: 20, height: 10 };
  return {
    ...{
      class: 1,
      rank: 0,
      right: undefined,
      objects,
      others: 0,
      map,
      attention: undefined,
      blank: !map.some((v) => v > 0),
    },
    onPicture: { ...size, data: map },
    geometry: { input: size, original: size, scaleX: 1, scaleY: 1, left: 0, top: 0 },
    peers: new Map(),
    probe: {} as Probe,
    random: randomFor("case"),
    ...more,
  };
}

const thing = (box: Annotation["box"], more: Partial<Annotation> = {}): Annotation => ({
  ...{ name: "thing", classes: [1], difficult: false, crowd: false, box },
  ...more,
});
const spot = (x: number, y: number, value = 1, background = 0) =>
  new Float32Array(200).fill(background).map((v, i) => (i === y * 20 + x ? value : v));
const valuesOf = async (metric: Metric, one: Case) => (await metric.measure([one]))[0]?.values;
const as = (picture: string, values: Record<string, number | number[]>, c = 1): Measured => ({
  picture,
  measurements: [{ class: c, values }],
});

describe("localisation", () => {
  test("boxes overlap by intersection over union", () => {
    expect(overlap([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7);
    expect(overlap([0, 0, 2, 2], [2, 0, 4, 2])).toBe(0);
  });
  test("an error unless the right class is there with a good box", async () => {
    const square = new Float32Array(200).map((_, i) => (i % 20 >= 2 && i % 20 < 8 && i >= 40 && i < 160 ? 1 : 0));
    const good = [thing([2, 2, 8, 8])];
    const cases = [caseOf(square, [], { right: false, others: 1 }), caseOf(square, good, { rank: 1, right: true })];
    expect((await localisationError.measure(cases))[0].values).toEqual({ "top-1": 1, "top-5": 0 });
    expect(await localisationError.measure([caseOf(square, [], { right: true })])).toEqual([]);
    const far = [caseOf(square, [thing([10, 2, 16, 8])], { right: true })];
    expect((await localisationError.measure(far))[0].values).toEqual({ "top-1": 1, "top-5": 1 });
  });
  test("MaxBoxAcc judges each half at the other's threshold", async () => {
    // A square of 1 inside of a wide half of 0.3: only thresholds above 0.3 give the square.
    const map = new Float32Array(200).map((_, i) => (i % 20 >= 2 && i % 20 < 8 && i >= 40 && i < 160 ? 1 : 0.3));
    const values = await valuesOf(maxBoxAccuracy, caseOf(map, [thing([2, 2, 8, 8])]));
    const { iou, any } = values as { iou: number[]; any: number[] };
    expect(any).toEqual(iou);
    expect(iou[0]).toBeCloseTo(36 / 200);
    expect(iou[25]).toBe(1);
    const set = Array.from({ length: 20 }, (_, i) => as(`p${i}`, { iou, any }));
    expect(maxBoxAccuracy.summarise?.(set)).toEqual({ MaxBoxAcc: 1, MaxBoxAccV2: 1 });
  });
});

test("MaxBoxAcc looks at the largest segment, V2 at each", async () => {
  const map = new Float32Array(200).map((_, i) => (i % 20 < 10 || (i % 20 >= 15 && i < 60) ? 1 : 0));
  const values = await valuesOf(maxBoxAccuracy, caseOf(map, [thing([15, 0, 20, 3])]));
  const { iou, any } = values as { iou: number[]; any: number[] };
  expect([iou[25], any[25]]).toEqual([0, 1]);
});

describe("pointing", () => {
  test("a hit is on the thing or less than 15 pixels off; a blank map misses", async () => {
    const small = [thing([0, 0, 1, 1])];
    expect(await valuesOf(pointingGame, caseOf(spot(14, 0), small))).toMatchObject({ hit: 1 });
    expect(await valuesOf(pointingGame, caseOf(spot(15, 0), small))).toMatchObject({ hit: 0 });
    expect(await valuesOf(pointingGame, caseOf(spot(0, 0, 0), small))).toMatchObject({ hit: 0 });
  });
  test("difficult: small things with others beside them", async () => {
    const small = [thing([0, 0, 1, 1])];
    expect(await valuesOf(pointingGame, caseOf(spot(0, 0), small, { others: 1 }))).toMatchObject({ difficult: 1 });
    expect(await valuesOf(pointingGame, caseOf(spot(0, 0), [thing([0, 0, 20, 9])], { others: 1 }))).toMatchObject({
      difficult: 0,
    });
  });
  test("accuracy is the mean over classes", () => {
    const played = [
      as("a", { hit: 1, difficult: 0 }, 1),
      as("b", { hit: 1, difficult: 0 }, 1),
      as("c", { hit: 0, difficult: 1 }, 2),
    ];
    expect(pointingGame.summarise?.(played)).toEqual({ all: 0.5, difficult: 0 });
  });
  test("extended: rejecting what is absent is right", async () => {
    expect(await extendedPointingGame.measure([caseOf(spot(3, 3), [])])).toEqual([]);
    expect(await valuesOf(extendedPointingGame, caseOf(spot(3, 3, 0.5), [], { others: 1 }))).toEqual({
      strength: 0.5,
      present: 0,
      hit: 0,
    });
    const set = Array.from({ length: 30 }, (_, i) =>
      i % 2 ? as(`p${i}`, { strength: 5, present: 1, hit: 1 }) : as(`p${i}`, { strength: 1, present: 0, hit: 0 }),
    );
    expect(extendedPointingGame.summarise?.(set)).toEqual({ right: 1, "all rejected": 0.5 });
  });
  test("energy and ratio, where the network did not look left out", async () => {
    const map = spot(3, 3, 3, 1);
    map[199] = Number.NaN;
    const box = [thing([3, 3, 5, 4])];
    expect(await valuesOf(energyPointingGame, caseOf(map, box))).toEqual({ share: 4 / 201 });
    expect(await valuesOf(insideOutside, caseOf(map, box))).toEqual({ ratio: 2, contained: 0 });
    expect(await valuesOf(insideOutside, caseOf(spot(3, 3), box))).toEqual({ contained: 1 });
  });
});

test("PxAP is scikit-learn's average precision", async () => {
  const { values, inside, PxAP } = goldens.precision;
  const mask = { width: 20, height: 10, data: Uint8Array.from(inside as number[]) };
  const found = await valuesOf(maskOverlap, caseOf(floats(values), [thing(undefined, { mask })]));
  const summed = maskOverlap.summarise?.([{ picture: "a", measurements: [{ values: found ?? {} }] }]);
  expect(summed?.PxAP).toBeCloseTo(PxAP, 6);
});

test("gini and entropy are Quantus'", () => {
  const map = floats(goldens.spread.map);
  expect(gini(map)).toBeCloseTo(goldens.spread.gini, 5);
  expect(entropy(map)).toBeCloseTo(goldens.spread.entropy, 5);
});

test("imputation is that of pytorch-grad-cam's ROAD, without its noise", () => {
  const { picture, kept, imputed } = goldens.imputation;
  const gone = Uint32Array.from((kept as number[]).flatMap((k, i) => (k ? [] : [i])));
  const found = impute({ data: floats(picture), dims: [3, 12, 12] }, gone);
  const worst = Math.max(...found.map((v, i) => Math.abs(v - imputed[i])));
  expect(worst).toBeLessThan(5e-3);
});

describe("perturbation", () => {
  const input: Dense = { data: floats(goldens.imputation.picture), dims: [3, 12, 12] };
  const weights: Float32Array[] = goldens.curves.weights.map(floats);
  const scoresOf = ({ data, dims: [n] }: Dense) =>
    Array.from({ length: n }, (_, v) =>
      weights.map((w) => w.reduce((sum, x, i) => sum + x * data[v * w.length + i], 0)),
    );
  const probe = {
    ...{ input, classes: 3, stages: [] },
    scores: async (variants: Dense) => floats(scoresOf(variants).map((s) => s[1])),
    probabilities: async (variants: Dense) =>
      floats(scoresOf(variants).map((s) => Math.exp(s[1]) / s.reduce((sum, v) => sum + Math.exp(v), 0))),
  } as unknown as Probe;

  test("deletion's area is torchcam's", async () => {
    const curve = await deletionCurve(floats(goldens.spread.map), input, probe.probabilities, goldens.curves.steps);
    expect(area(curve ?? [])).toBeCloseTo(goldens.curves.deletion, 5);
  });
  test("insertion begins at the blurred picture and ends at the whole one", async () => {
    const curve = await insertionCurve(floats(goldens.spread.map), input, probe.probabilities);
    const [whole] = await probe.probabilities({ data: input.data, dims: [1, 3, 12, 12] });
    expect(curve?.at(-1)).toBeCloseTo(whole, 6);
  });
  test("of a linear model the gradient times the input correlates fully with what pixels are worth", async () => {
    const worth = new Float32Array(144);
    weights[1].forEach((w, i) => {
      worth[i % 144] += w * input.data[i];
    });
    const of = (map: Float32Array) => subsetCorrelation(map, input, probe.scores, { size: 20, runs: 40 });
    expect(await of(worth)).toBeCloseTo(1, 4);
    expect(await of(worth.map((v) => -v))).toBeCloseTo(-1, 4);
    expect(await of(worth.map(() => 1))).toBe(0);
  });
  const { perturbation } = goldens;
  /** The numbers of make_goldens.py in place of random ones. */
  const waves = () => {
    let k = 0;
    const next = () => Math.sin(0.7 * (k++) ** 2);
    return { ...randomFor("waves"), normal: next, uniform: () => (next() + 1) / 2 };
  };
  const quadratic = (data: Float32Array) => data.map((v) => v + 0.5 * v * v);

  test("average drop and increase are torchcam's, for a class that rises and for one that falls", async () => {
    for (const [c, golden] of perturbation.drops.entries()) {
      const probabilities = async (variants: Dense) =>
        floats(scoresOf(variants).map((s) => Math.exp(s[c]) / s.reduce((sum, v) => sum + Math.exp(v), 0)));
      const found = await valuesOf(
        averageDrop,
        caseOf(floats(goldens.spread.map), [], { probe: { ...probe, probabilities } }),
      );
      expect(found?.drop).toBeCloseTo(golden.avg_drop, 4);
      expect(found?.increase).toBe(golden.conf_increase);
    }
    expect(new Set(perturbation.drops.map((d: { conf_increase: number }) => d.conf_increase)).size).toBe(2);
  });
  test("ROAD is that of pytorch-grad-cam's imputer, without its noise", async () => {
    const random = { ...randomFor("road"), normal: () => 0 };
    const found = await valuesOf(road, caseOf(floats(goldens.spread.map), [], { probe, random }));
    expect(found?.MoRF).toBeCloseTo(perturbation.MoRF, 4);
    expect(found?.LeRF).toBeCloseTo(perturbation.LeRF, 4);
    expect(found?.combined).toBeCloseTo((perturbation.LeRF - perturbation.MoRF) / 2, 4);
  });
  test("infidelity is captum's over the variance, max-sensitivity captum's", async () => {
    const scores = async ({ data, dims }: Dense) => floats(scoresOf({ data: quadratic(data), dims }).map((s) => s[1]));
    const one = caseOf(floats(goldens.spread.map), [], { probe: { ...probe, scores }, random: waves() });
    expect((await valuesOf(infidelity, one))?.infidelity).toBeCloseTo(perturbation.infidelity, 4);

    const mapOf = async ({ data }: Dense) => {
      const curved = quadratic(data);
      return Float32Array.from({ length: 144 }, (_, i) => curved[i] + curved[i + 144] + curved[i + 288]);
    };
    const map = await mapOf(input);
    const moved = caseOf(map, [], { probe: { ...probe, mapOf }, random: waves() });
    expect((await valuesOf(maxSensitivity, moved))?.change).toBeCloseTo(perturbation.maxSensitivity, 4);
  });
  test("what has no order is left out of what deletes, inserts and shows", async () => {
    const blank = caseOf(new Float32Array(144), [], { probe });
    for (const metric of [deletion, insertion, averageDrop, road])
      expect(await metric.measure([blank]), metric.name).toEqual([]);
  });
  test("infidelity is 0 where the scaled map foretells all, and 1 where it foretells nothing", () => {
    expect(unexplained([1, -2, 3], [2, -4, 6])).toBeCloseTo(0);
    expect(unexplained([1, 1], [1, -1])).toBeCloseTo(1);
  });
});
