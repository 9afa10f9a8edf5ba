/** @file Signals, volumes, values and similarities: what a classifier says of them, and where maps lie. */
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { box3, peak3 } from "../../src/image/locate-volume.ts";
import { Classifier, type ClassifierOptions, type ClassifyOptions } from "../../src/tasks/classify/classification.ts";
import { compareMaps, peakDistance } from "../../src/tasks/classify/comparison.ts";
import { openSimilarity } from "../../src/tasks/classify/similarity.ts";
import type { Kind, Sample } from "../../src/tasks/sample.ts";
import { expectUserError, session } from "../explain/ask.ts";
import { floats, ints, model, node } from "../models.ts";
import { gap } from "../nets.ts";
import { unresized as preprocess } from "./small-picture.ts";

const plain: ClassifierOptions = { name: "net", labels: [], preprocess, session };

async function ask<K extends Kind>(
  bytes: Uint8Array,
  sample: Sample,
  options: ClassifyOptions = {},
  more: Partial<ClassifierOptions> = {},
) {
  const classifier = await Classifier.open(ort, bytes, { ...plain, ...more });
  onTestFinished(() => classifier.release());
  return classifier.explain<K>(sample, options);
}

/** The score of class c is the mean over the grid of relu(w_c x), by windows of `window` that do not overlap: a map known by hand. */
function windows(dims: readonly number[], window: number, weights = [1, -1], { last = false } = {}): Uint8Array {
  const axes = dims.length - 2;
  // Channels last are brought to the front first.
  const moved = last
    ? [node("Transpose", "x", "moved", { perm: [0, axes + 1, ...Array.from({ length: axes }, (_, i) => i + 1)] })]
    : [];
  const size = Array<number>(axes).fill(window);
  const kernel = floats(Array(window ** axes).fill(1 / window ** axes), [1, 1, ...size]);
  const nodes = [
    ...moved,
    node("Conv", last ? "moved k" : "x k", "means", { kernel_shape: size, strides: size }),
    node("Relu", "means", "features"),
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat w", "scores", { transB: 1 }),
  ];
  return model({
    opset: 13,
    free: ["x"],
    inputs: { x: dims, k: kernel, w: floats(weights, [weights.length, 1]) },
    nodes,
  });
}

describe("signals", () => {
  const beep = (length: number) =>
    Float32Array.from({ length }, (_, i) => (i >= length / 2 && i < (length * 3) / 4 ? 1 : 0));

  test("the map is the evidence in time: a recording of four times the length is heard as the model's", async () => {
    const signal = { rate: 400, channels: [beep(400)] };
    const { kind, explanations, predictions } = await ask<"signal">(windows([1, 1, 100], 5), signal);
    const [{ map, onSignal, peak, span, layer }] = explanations;
    expect([kind, map.dims, onSignal.length, layer, predictions[0].class]).toEqual([
      "signal",
      [20],
      400,
      "features",
      0,
    ]);
    // alpha = 1/20; the beep is windows 10 to 14, 0.5 to 0.75 s. The resampling rings a little at its ends.
    expect(map.data[12]).toBeCloseTo(1 / 20, 3);
    expect(map.data[3]).toBeCloseTo(0, 3);
    expect(peak?.t).toBeGreaterThan(0.5);
    expect(peak?.t).toBeLessThan(0.75);
    expect(span?.[0]).toBeCloseTo(0.5, 1);
    expect(span?.[1]).toBeCloseTo(0.75, 1);
  });

  test("two channels are heard as their mean, without a rate time is in samples", async () => {
    const stereo = { channels: [beep(100), new Float32Array(100)] };
    const both = await ask<"signal">(windows([1, 1, 100], 5), stereo);
    const alone = await ask<"signal">(windows([1, 1, 100], 5), { data: beep(100).map((v) => v / 2), dims: [100] });
    expect(both.explanations[0].map).toEqual(alone.explanations[0].map);
    expect(alone.explanations[0].span).toEqual(both.explanations[0].span);
    expect(alone.explanations[0].peak?.t).toBeGreaterThan(50);
  });

  test("by receptive fields, channels last or not: cells lie where they are in the recording", async () => {
    const signal = { rate: 400, channels: [beep(400)] };
    const align = { align: "receptive-field" } as const;
    const first = await ask<"signal">(windows([1, 1, 100], 5), signal, {}, align);
    const behind = windows([1, 100, 1], 5, [1, -1], { last: true });
    const last = await ask<"signal">(behind, signal, {}, { ...align, layout: "NLC" });
    const [one, other] = [first.explanations[0], last.explanations[0]];
    expect(one.peak?.t).toBeGreaterThan(0.5);
    expect(one.peak?.t).toBeLessThan(0.75);
    expect({ ...other, layer: "" }).toEqual({ ...one, layer: "" });
  });

  test("blank, and at the samples", async () => {
    const { explanations } = await ask<"signal">(
      windows([1, 1, 100], 5),
      { data: beep(100), dims: [1, 100] },
      {
        classes: [1],
        method: ["grad-cam", "gradient"],
      },
    );
    const [blank, gradient] = explanations;
    expect(blank).toMatchObject({ blank: expect.stringContaining("no positive evidence") });
    expect([blank.peak, blank.span]).toEqual([undefined, undefined]);
    expect([gradient.map.dims, gradient.pixels?.dims]).toEqual([[100], [1, 100]]);
  });

  test("other samples are refused", async () => {
    await expectUserError(
      ask(windows([1, 1, 100], 5), { data: new Float32Array(99), dims: [99] }),
      "invalid-input",
      '"x" takes an array of shape [1, 100], this one has [99]',
    );
  });
});

describe("volumes", () => {
  const dims = [8, 6, 4];
  const at = (z: number, y: number, x: number) => (z * 6 + y) * 4 + x;
  const data = new Float32Array(192);
  for (const z of [4, 5]) for (const y of [2, 3]) for (const x of [0, 1]) data[at(z, y, x)] = 1;

  test("peak and box in voxels", async () => {
    const { kind, explanations, volume } = await ask<"volume">(windows([1, 1, ...dims], 2), { data, dims });
    const [{ map, onVolume, peak, box }] = explanations;
    expect([kind, volume.dims, map.dims, onVolume.dims]).toEqual(["volume", [1, 8, 6, 4], [4, 3, 2], [8, 6, 4]]);
    // alpha = 1/24, one cell of 1.
    expect([...map.data].filter((v) => v > 0)).toEqual([expect.closeTo(1 / 24, 6)]);
    expect(map.data[(2 * 3 + 1) * 2]).toBeCloseTo(1 / 24, 6);
    expect(peak).toMatchObject({ x: 0 });
    // Between the voxels of its cell.
    expect([peak?.y, peak?.z]).toEqual([2.5, 4.5]);
    const [x0, y0, z0, x1, y1, z1] = box ?? [9, 9, 9, 0, 0, 0];
    expect([x0 <= 0, y0 <= 2, z0 <= 4, x1 >= 2, y1 >= 4, z1 >= 6]).toEqual(Array(6).fill(true));
  });

  test("a mirrored map points at the mirrored voxel", () => {
    let seed = 5;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (let trial = 0; trial < 100; trial++) {
      const size = [1 + Math.floor(random() * 4), 1 + Math.floor(random() * 4), 1 + Math.floor(random() * 4)];
      const [d, h, w] = size;
      const values = Float32Array.from({ length: d * h * w }, () => Math.floor(random() * 3));
      const [top, around] = [peak3({ data: values, dims: size }), box3({ data: values, dims: size })];
      if (!top || !around) continue;
      const turned = { data: values.slice().reverse(), dims: size };
      const mirrored = peak3(turned);
      for (const [axis, length] of [["x", w] as const, ["y", h] as const, ["z", d] as const])
        expect(mirrored?.[axis]).toBeCloseTo(length - 1 - top[axis], 9);
      const [x0, y0, z0, x1, y1, z1] = around;
      expect(box3(turned)).toEqual([w - x1, h - y1, d - z1, w - x0, h - y0, d - z0]);
    }
  });

  test("the largest segment, over corners too", () => {
    const map = { data: new Float32Array(192), dims };
    for (const place of [at(0, 0, 0), at(1, 1, 1), at(2, 2, 2)]) map.data[place] = 0.5;
    map.data[at(7, 5, 3)] = 1;
    map.data[at(7, 0, 0)] = 0.1;
    expect([peak3(map), box3(map)]).toEqual([{ x: 3, y: 5, z: 7 }, [0, 0, 0, 3, 3, 3]]);
    expect([peak3({ data: new Float32Array(192), dims }), box3({ data: new Float32Array(192), dims })]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

const picture = { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => (i * 71) % 256) };
const other = { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => (i * 37) % 256) };
const firstScore = { starts: floats([1, 0, 0, 0, 0], [5, 1]) };

describe("values", () => {
  const column = [node("MatMul", "logits starts", "price")];
  const flat = [...column, node("Squeeze", "price one", "flattened")];

  test.each([
    ["[n, 1]", gap({ input: [1, 3, 8, 8], after: column, constants: firstScore }), "price"],
    ["[n]", gap({ input: [1, 3, 8, 8], after: flat, constants: { ...firstScore, one: ints([1]) } }), "flattened"],
  ])(
    "%s: named as the output, without a probability, and explained as the class it is made of",
    async (_, bytes, label) => {
      const [value, classes] = [
        await ask(bytes, picture),
        await ask(gap({ input: [1, 3, 8, 8] }), picture, { classes: [0] }),
      ];
      const score = classes.predictions.find((p) => p.class === 0)?.score;
      expect(value.predictions).toEqual([{ class: 0, label, score: expect.closeTo(score ?? 0, 5), probability: null }]);
      value.explanations[0].map.data.forEach((v, i) => {
        expect(v).toBeCloseTo(classes.explanations[0].map.data[i], 5);
      });
    },
  );

  test("of a sigmoid, or with a name: a probability", async () => {
    const sigmoid = gap({
      input: [1, 3, 8, 8],
      after: [...column, node("Sigmoid", "price", "p")],
      constants: firstScore,
    });
    const flatSigmoid = gap({
      input: [1, 3, 8, 8],
      after: [...flat, node("Sigmoid", "flattened", "p")],
      constants: { ...firstScore, one: ints([1]) },
    });
    for (const answer of [
      await ask(sigmoid, picture),
      await ask(flatSigmoid, picture),
      await ask(gap({ input: [1, 3, 8, 8], after: column, constants: firstScore }), picture, {}, { labels: ["cat"] }),
    ]) {
      const [{ score, probability }] = answer.predictions;
      expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
    }
  });

  test("what the caller says of probabilities counts", async () => {
    const { predictions } = await ask(gap({ input: [1, 3, 8, 8] }), picture, {}, { probability: "sigmoid" });
    for (const { score, probability } of predictions) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
  });
});

describe("similarity", () => {
  const open = async (reference: Sample) => {
    const classifier = await openSimilarity(ort, await openExplainer(ort, gap({ input: [1, 3, 8, 8] }), { session }), {
      ...plain,
      inputs: undefined,
      reference,
      referenceName: "b",
    });
    onTestFinished(() => classifier.release());
    return classifier;
  };
  const embedding = async (sample: typeof picture) => {
    const { predictions } = await ask(gap({ input: [1, 3, 8, 8] }), sample, { classes: ["top5"] });
    return [0, 1, 2, 3, 4].map((c) => predictions.find((p) => p.class === c)?.score ?? 0);
  };

  test("is the cosine of the embeddings, and its map the contrast of scores that the cosine's gradient is", async () => {
    const [e, r] = [await embedding(picture), await embedding(other)];
    const dot = (a: number[], b: number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
    const cosine = dot(e, r) / Math.hypot(...e) / Math.hypot(...r);
    const answer = await (await open(other)).explain(picture, { method: "gradient" });
    expect(answer.predictions).toEqual([
      { class: 0, label: "similarity to b", score: expect.closeTo(cosine, 5), probability: null },
    ]);
    // d cos / d e = (r / |r| - cos e / |e|) / |e|
    const seed = e.map((v, i) => (r[i] / Math.hypot(...r) - (cosine * v) / Math.hypot(...e)) / Math.hypot(...e));
    const each = await ask(gap({ input: [1, 3, 8, 8] }), picture, { classes: [0, 1, 2, 3, 4], method: "gradient" });
    const sum = new Float32Array(192);
    for (const { class: c, pixels } of each.explanations)
      pixels?.data.forEach((v, i) => {
        sum[i] += seed[c] * v;
      });
    answer.explanations[0].pixels?.data.forEach((v, i) => {
      expect(v).toBeCloseTo(sum[i], 5);
    });
  });

  test("to itself it is 1, and against it the opposite is asked", async () => {
    const classifier = await open(picture);
    expect((await classifier.explain(picture)).predictions[0].score).toBeCloseTo(1, 5);
    const [opposite] = (await classifier.explain(other, { counterfactual: true })).explanations;
    expect(opposite.question).toBe("against similarity to b");
  });
});

describe("one of a batch", () => {
  test("a model of a fixed batch says what the free one says, by every method", async () => {
    const method = [
      "grad-cam",
      "guided-backprop",
      "guided-grad-cam",
      "deconvolution",
      "gradient",
      "occlusion",
    ] as const;
    const options = { classes: [0, 3], method };
    const fixed = await ask(gap({ input: [8, 3, 8, 8], free: [] }), picture, options);
    const free = await ask(gap({ input: [1, 3, 8, 8] }), picture, options);
    expect(fixed.explanations.length).toBe(12);
    fixed.explanations.forEach(({ map, class: c, method: m }, i) => {
      const want = free.explanations[i];
      expect([c, m, map.dims]).toEqual([want.class, want.method, want.map.dims]);
      map.data.forEach((v, at) => {
        expect(v).toBeCloseTo(want.map.data[at], 4);
      });
    });
  });
});

describe("comparison", () => {
  const map = (...values: number[]) => ({ data: Float32Array.from(values), dims: [values.length] });
  test("by hand", () => {
    expect(compareMaps(map(2, 4, 6), map(1, 2, 3))).toEqual({ correlation: expect.closeTo(1, 9), difference: 1 });
    expect(compareMaps(map(0, 1, 0), map(0, 0, 4))).toEqual({ correlation: expect.closeTo(-0.5, 9), difference: 1 });
    expect(compareMaps(map(1, 1), map(0, 0))).toEqual({ correlation: null, difference: null });
    expect([peakDistance({ x: 1, y: 2 }, { x: 4, y: 6 }), peakDistance(undefined, { t: 1 })]).toEqual([5, null]);
  });
  test("of other grids", () =>
    expect(() => compareMaps(map(1), map(1, 2))).toThrow("its map has the grid [2], the model's [1]"));
});
