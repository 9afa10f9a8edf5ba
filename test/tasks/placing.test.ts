/** @file A map where it belongs: one procedure for a sample seen once and for a question alone, worked out when it is read. */
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { preprocess } from "../../src/image/preprocess.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { Classifier, type ClassifierOptions } from "../../src/tasks/classify/classification.ts";
import { openSimilarity } from "../../src/tasks/classify/similarity.ts";
import { layOn } from "../../src/tasks/placing.ts";
import { session } from "../explain/ask.ts";
import { gap } from "../nets.ts";
import { preprocess as how, picture as smallPicture } from "./small-picture.ts";

const picture = smallPicture();
const options: ClassifierOptions = {
  name: "net",
  labels: ["ant", "bee", "cat", "dog", "eel"],
  preprocess: how,
  session,
};

test("where a map lies is worked out when it is read, and once; its values are made anew", () => {
  const made = { values: 0, where: 0 };
  const lay = layOn<"onLine", number[], { sum: number }>({
    ...{ name: "onLine", where: ["sum"], axes: 1 },
    spread: ({ data }) => {
      made.values++;
      return [...data];
    },
    locate: (values) => {
      made.where++;
      return { sum: values.reduce((a, b) => a + b, 0) };
    },
  });
  const map = { data: Float32Array.of(1, 2), dims: [2] };
  const placed = lay({ map });
  expect(made).toEqual({ values: 0, where: 0 });
  expect([placed.sum, placed.sum, made.where]).toEqual([3, 3, 1]);
  expect(placed.onLine).toEqual([1, 2]);
  expect(placed.onLine).not.toBe(placed.onLine);
  expect(lay({ map, blank: "nothing" }).sum).toBeUndefined();
  expect(made.where).toBe(1);
  expect(() => lay({ map: { ...map, dims: [1, 2] } })).toThrow("invalid layer: its grid has 2 axes, the input's has 1");
});

describe("a picture that was seen once is explained as one that is shown with its question", () => {
  test.each([
    {},
    { classes: ["top3"], method: ["grad-cam", "gradient"] },
    { classes: ["bee"], against: "cat" },
    { classes: [4], counterfactual: true },
  ] as const)("%j", async (asked) => {
    for (const more of [{}, { peak: "first" }, { align: "receptive-field" }] as const) {
      const classifier = await Classifier.open(ort, gap(), { ...options, ...more });
      onTestFinished(() => classifier.release());
      const why = await classifier.explain(picture, asked);
      const seen = await classifier.classify(preprocess(picture, how));
      const explanations = await seen.explain(asked);
      expect(explanations.map((one) => ({ ...one }))).toEqual(why.explanations.map((one) => ({ ...one })));
      expect(seen.predictions(explanations.map((one) => one.class))).toEqual(why.predictions);
    }
  });

  test("an explanation that is copied, or sent to another thread, keeps where its map lies", async () => {
    const classifier = await Classifier.open(ort, gap(), options);
    onTestFinished(() => classifier.release());
    const [one] = (await classifier.explain(picture)).explanations;
    const { onPicture, peak, box } = one;
    expect({ ...one }).toMatchObject({ onPicture, peak, box });
    expect(structuredClone(one)).toMatchObject({ onPicture, peak, box });
  });
});

/** ONNX Runtime, and the sessions that are open. */
function counted(): { runtime: Runtime; open: Set<object>; made: () => number } {
  const open = new Set<object>();
  let made = 0;
  const create = async (...given: Parameters<typeof ort.InferenceSession.create>) => {
    const one = await ort.InferenceSession.create(...given);
    const release = one.release.bind(one);
    made++;
    open.add(one);
    one.release = async () => {
      open.delete(one);
      await release();
    };
    return one;
  };
  const runtime = { ...ort, InferenceSession: { create } } as unknown as Runtime;
  return { runtime, open, made: () => made };
}

describe("what cannot be opened leaves no session behind", () => {
  test("a classifier of too many labels", async () => {
    const { runtime, open, made } = counted();
    const labels = Array.from({ length: 6 }, (_, i) => `${i}`);
    const opening = Classifier.open(runtime, gap({ input: [1, 3, 8, 8] }), { ...options, labels });
    await expect(opening).rejects.toThrow("invalid labels");
    expect([made() > 0, open.size]).toEqual([true, 0]);
  });

  test("a similarity to what is no picture", async () => {
    const { runtime, open, made } = counted();
    const plain = await openExplainer(runtime, gap({ input: [1, 3, 8, 8] }), { session });
    const reference = { channels: [new Float32Array(8)] };
    const opening = openSimilarity(runtime, plain, { ...options, reference, referenceName: "a sound" });
    await expect(opening).rejects.toThrow("not a sound");
    expect([made() > 0, open.size]).toEqual([true, 0]);
  });
});
