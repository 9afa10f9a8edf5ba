/** @file Which scores are explained: behind what ranks and picks, on grids with their channels last, of one value, and what they mean. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { bestClasses } from "../../src/explain/target.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { Classifier, type ClassifierOptions } from "../../src/tasks/classify/classification.ts";
import type { Prediction } from "../../src/tasks/classify/explanations.ts";
import { ask, expectClose, numbers, open, session } from "../explain/ask.ts";
import { floats, ints, node } from "../models.ts";
import { gap, images, unet } from "../nets.ts";

const file = (name: string) => new Uint8Array(readFileSync(new URL(`../cases/${name}`, import.meta.url)));
const noise = (dims: readonly number[], seed = 3) =>
  new ort.Tensor("float32", Float32Array.from(randomNormal(seed)(dims.reduce((a, b) => a * b, 1))), dims);

describe("behind what picks of them", () => {
  const topK = [node("Softmax", "logits", "p"), node("TopK", "p k", "values places", { axis: 1 })];
  test.each([
    ["TopK", gap({ after: topK, constants: { k: ints([5]) }, outputs: ["values", "places"] }), "TopK"],
    ["TopK of fewer", gap({ after: topK, constants: { k: ints([2]) }, outputs: ["values"] }), "TopK"],
    ["ArgMax", gap({ after: [node("ArgMax", "logits", "best", { axis: 1 })], outputs: ["best"] }), "ArgMax"],
    [
      "ArgMax of a softmax, moved and cast",
      gap({
        after: [
          node("Softmax", "logits", "p"),
          node("ArgMax", "p", "a", { axis: 1, keepdims: 0 }),
          node("Cast", "a", "best", { to: DataType.INT32 }),
        ],
        outputs: ["best"],
      }),
      "ArgMax",
    ],
    [
      "the greatest probability beside its class",
      gap({
        after: [
          node("Softmax", "logits", "p"),
          node("ArgMax", "p", "best", { axis: 1, keepdims: 0 }),
          node("ReduceMax", "p", "greatest", { axes: [1], keepdims: 0 }),
        ],
        outputs: ["best", "greatest"],
      }),
      "ReduceMax",
    ],
  ])("%s: classes are the classifier's, not ranks", async (_, bytes, picked) => {
    const explainer = await open(bytes);
    expect(explainer.score.name).toBe("logits");
    expect(explainer.reading.decisions.map(({ because }) => because).join()).toContain(`input of the ${picked}`);
    const { maps } = await explainer.explain(images(), { target: 3 });
    expectClose(numbers(maps), numbers((await ask(gap(), images(), { target: 3 })).maps));
    await explainer.release();
  });
  test("the case's ranks, once a second softmax", async () => {
    const classifier = await Classifier.open(ort, file("models/ends_in_topk.onnx"), { name: "net", session });
    const { predictions } = await classifier.explain({ data: noise([3, 8, 8]).data as Float32Array, dims: [3, 8, 8] });
    const { outputs } = await classifier.explainer.explain({ x: noise([1, 3, 8, 8]) });
    const ranked = numbersOf(outputs.classes);
    expect(predictions.map((p) => p.class).slice(0, ranked.length)).toEqual(ranked);
    expectClose(
      predictions.slice(0, ranked.length).map((p) => p.probability ?? Number.NaN),
      numbers(outputs.scores),
    );
    await classifier.release();
  });
});

const numbersOf = (tensor: ort.Tensor): number[] => Array.from(tensor.data as BigInt64Array, Number);

describe("on a grid", () => {
  test("channels last: classes are the channels", async () => {
    const classifier = await Classifier.open(ort, file("models/nhwc_segmenter.onnx"), { name: "net", session });
    expect(classifier.score.axes).toEqual({ batch: 0, channels: 3, grid: [1, 2] });
    const x = noise([1, 32, 32, 3]);
    const { outputs } = await classifier.explainer.explain({ x }, { target: 0 });
    const { predictions, explanations } = await classifier.explain(
      { data: x.data as Float32Array, dims: [32, 32, 3] },
      { classes: [0, 1, 2] },
    );
    expect(predictions).toHaveLength(3);
    expect(outputs.prob.dims).toEqual([1, 8, 8, 3]);
    for (const { map } of explanations) expect(map.dims).toEqual([8, 8]);
    await classifier.release();
  });
  test("a segmenter and its twin with the channels last say the same", async () => {
    const last = unet({ after: [node("Transpose", "logits", "y", { perm: [0, 2, 3, 1] })], outputs: ["y"] });
    const [a, b] = [await open(unet()), await open(last, { output: "y" })];
    // Nothing is in front of the transposition but the scores themselves.
    const [one, other] = [await a.forward(images()), await b.forward(images())];
    expect(other.scores.dims).toEqual(one.scores.dims);
    expectClose([...other.scores.data], [...one.scores.data]);
    for (const method of ["grad-cam", "hires-cam", "gradient", "guided-backprop"] as const) {
      const asked = { target: { each: [0, 1] }, method };
      expectClose(numbers((await b.explain(images(), asked)).maps), numbers((await a.explain(images(), asked)).maps));
    }
    await a.release();
    await b.release();
  });
  test("a softmax over the last axis says which are the classes", async () => {
    const softmax = unet({
      after: [node("Transpose", "logits", "t", { perm: [0, 2, 3, 1] }), node("Softmax", "t", "p", { axis: 3 })],
      outputs: ["p"],
    });
    const explainer = await open(softmax);
    expect([explainer.score.name, explainer.score.axes.channels]).toEqual(["t", 3]);
    await explainer.release();
  });
});

describe("what they mean", () => {
  const picture = { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => (i * 37) % 256) };
  const column = [node("Slice", "logits from to ax", "one")];
  const cut = { from: ints([0]), to: ints([1]), ax: ints([1]) };
  const predict = async (bytes: Uint8Array, options: Partial<ClassifierOptions> = {}) => {
    const classifier = await Classifier.open(ort, bytes, { name: "net", session, ...options });
    try {
      const { predictions, explanations } = await classifier.explain(picture, { classes: [0] });
      return { predictions, explanations, reading: classifier.reading, labels: classifier.labels };
    } finally {
      await classifier.release();
    }
  };
  const probabilities = (predictions: readonly Prediction[]) => predictions.map(({ probability }) => probability);
  const input = [1, 3, 8, 8];
  const outputs = ["y"];

  test.each([
    ["a softmax", [node("Softmax", "logits", "y")], "softmax"],
    ["sigmoids", [node("Sigmoid", "logits", "y")], "sigmoid"],
    ["sigmoids put together", [node("Sigmoid", "logits", "s"), node("Concat", "s s", "y", { axis: 1 })], "as-is"],
    ["a Tanh", [node("Tanh", "logits", "y")], "none"],
    ["a Relu", [node("Relu", "logits", "y")], "none"],
  ])("%s", async (_, after, expected) => {
    const { reading, predictions } = await predict(gap({ input, after, outputs }));
    expect(reading.probability).toBe(expected);
    const sum = probabilities(predictions).reduce<number>((total, p) => total + (p ?? 0), 0);
    if (expected === "softmax") expect(sum).toBeCloseTo(1, 5);
    if (expected === "none") expect(probabilities(predictions).every((p) => p === null)).toBe(true);
  });
  test("an output named as values are is none of classes", async () => {
    const { predictions, reading } = await predict(
      gap({ input, after: [node("Identity", "logits", "bbox_deltas")], outputs: ["bbox_deltas"] }),
    );
    expect(reading.probability).toBe("none");
    expect(predictions[0].probability).toBeNull();
  });
  test("config.json says regression", async () => {
    const { predictions } = await predict(gap({ input }), { config: { problem_type: "regression" } });
    expect(predictions[0].probability).toBeNull();
  });
  test("one value without an axis: a number for each image", async () => {
    const after = [...column, node("Squeeze", "one ax", "y")];
    const { predictions, reading, explanations } = await predict(gap({ input, after, constants: cut, outputs }));
    expect(reading.task).toBe("regression");
    expect(predictions).toEqual([expect.objectContaining({ class: 0, label: "y", probability: null })]);
    const alone = await predict(gap({ input }));
    expectClose([...explanations[0].map.data], [...alone.explanations[0].map.data]);
  });
  test("one sigmoid of two labels: the second is its class", async () => {
    const after = [...column, node("Sigmoid", "one", "y")];
    const bytes = gap({ input, after, constants: cut, outputs });
    const two = await predict(bytes, { labels: ["no cat", "cat"] });
    expect(two.predictions).toEqual([
      expect.objectContaining({
        class: 0,
        label: "cat",
        probability: expect.closeTo(1 / (1 + Math.exp(-two.predictions[0].score)), 6),
      }),
    ]);
    expect(two.labels.find("cat", 1, () => [])).toEqual([0]);
    expect((await predict(bytes, { labels: ["cat"] })).predictions[0].label).toBe("cat");
    expect((await predict(bytes)).predictions[0].label).toBe("class 0");
  });
});

describe("every explanation says what must be known of it", () => {
  const picture = { width: 8, height: 8, data: new Uint8Array(192).fill(90) };
  const input = [1, 3, 8, 8];
  const codes = async (
    bytes: Uint8Array,
    asked: Parameters<Classifier["explain"]>[1] = {},
    options: Partial<ClassifierOptions> = {},
  ) => {
    const classifier = await Classifier.open(ort, bytes, { name: "net", session, ...options });
    try {
      const { explanations } = await classifier.explain(picture, asked);
      return explanations.map(({ warnings }) => warnings.map(({ code }) => code));
    } finally {
      await classifier.release();
    }
  };
  const given = { mean: 0, std: 1, labels: ["a", "b", "c", "d", "e"] };

  test("nothing was guessed: nothing is said", async () =>
    expect(await codes(gap({ input }), { classes: ["top1"] }, given)).toEqual([[]]));
  test("a guessed preparation, and probabilities that the model does not say", async () => {
    const [found] = await codes(gap({ input }), { classes: ["top1"] });
    expect(found).toEqual(["preparation-guessed", "probability-guessed"]);
  });
  test("an array is not prepared", async () => {
    const classifier = await Classifier.open(ort, gap({ input }), { name: "net", session, labels: given.labels });
    const { explanations } = await classifier.explain({ data: new Float32Array(192).fill(1), dims: [3, 8, 8] });
    expect(explanations[0].warnings).toEqual([]);
    await classifier.release();
  });
  test("other heads", async () => {
    const two = gap({
      input,
      after: [node("Mul", "logits two", "other")],
      constants: { two: floats(2) },
      outputs: ["logits", "other"],
    });
    expect(await codes(two, {}, given)).toEqual([["other-heads"]]);
  });
  test("a class that the model hardly sees", async () => {
    const scaled = gap({
      input,
      after: [node("Mul", "logits fifty", "y")],
      constants: { fifty: floats(500) },
      outputs: ["y"],
    });
    const classifier = await Classifier.open(ort, scaled, { name: "net", session, ...given });
    const { predictions } = await classifier.explain(picture, { classes: ["top5"] });
    const least = predictions.at(-1)?.class ?? 0;
    const { explanations } = await classifier.explain(picture, { classes: [least] });
    expect(predictions.at(-1)?.probability).toBeLessThan(0.05);
    expect(explanations[0].warnings.map(({ code }) => code)).toContain("low-probability");
    await classifier.release();
  });
  test("a method that does not depend on the class, and maps of two classes that are one", async () => {
    expect(await codes(gap({ input }), { method: "guided-backprop" }, given)).toEqual([["class-independent"]]);
    // Every class is the same sum of features.
    const alike = gap({
      input,
      after: [
        node("ReduceSum", "features", "s", { axes: [1, 2, 3], keepdims: 0 }),
        node("Unsqueeze", "s", "c", { axes: [1] }),
        node("Concat", "c c", "y", { axis: 1 }),
      ],
      opset: 11,
      outputs: ["y"],
    });
    const found = await codes(alike, { classes: [0, 1] }, { ...given, labels: ["a", "b"] });
    expect(found.every((one) => one.includes("class-independent"))).toBe(true);
  });
  test("a map that the ReLU empties", async () => {
    const minus = gap({
      input,
      after: [
        node("ReduceSum", "features", "s", { axes: [1, 2, 3], keepdims: 0 }),
        node("Unsqueeze", "s", "c", { axes: [1] }),
        node("Neg", "c", "y"),
      ],
      opset: 11,
      outputs: ["y"],
    });
    expect(await codes(minus, { classes: [0] }, { ...given, labels: ["a"], probability: "none" })).toEqual([
      ["relu-emptied"],
    ]);
  });
  test("occlusion that only raises the score says so", async () => {
    const classifier = await Classifier.open(ort, file("pictures/occlusion-negative/neg.onnx"), {
      name: "neg",
      session,
    });
    const ones = { data: new Float32Array(3 * 64 * 64).fill(1), dims: [3, 64, 64] };
    const { explanations } = await classifier.explain(ones, { classes: [0], method: "occlusion" });
    expect(explanations[0].blank).toBe('hiding any patch raises the score of "class 0", or leaves it as it is');
    await classifier.release();
  });
});

test("the best classes of a score on a grid are those of its mean", () => {
  expect(bestClasses(Float32Array.from([1, 3, 2]), 2)).toEqual([1, 2]);
});
