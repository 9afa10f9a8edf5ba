/** @file A classifier's answers: what was asked in words, whose class it is, progress over methods, and kinds of scores. */

import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test } from "vitest";
import type { MethodName } from "../../src/methods/by-name.ts";
import { Classifier, type ClassifyOptions } from "../../src/tasks/classify/classification.ts";
import { expectUserError, session } from "../explain/ask.ts";
import { floats, node } from "../models.ts";
import { channelsLast, gap, unet } from "../nets.ts";
import { preprocess, picture as smallPicture } from "./small-picture.ts";

const labels = ["ant", "bee", "cat", "dog", "eel"];
const picture = smallPicture();

async function classify(bytes: Uint8Array, options: ClassifyOptions = {}, how = preprocess, names = labels) {
  const classifier = await Classifier.open(ort, bytes, { name: "net", labels: names, preprocess: how, session });
  onTestFinished(() => classifier.release());
  return classifier.explain(picture, options);
}

test("what was asked, in words", async () => {
  const questions = async (options: ClassifyOptions) =>
    (await classify(gap(), options)).explanations.map(({ question }) => question);
  expect(await questions({ classes: ["bee", 4] })).toEqual(["bee", "eel"]);
  expect(await questions({ classes: ["bee", 4], against: "cat" })).toEqual([
    "bee rather than cat",
    "eel rather than cat",
  ]);
  expect(await questions({ classes: ["bee"], counterfactual: true })).toEqual(["against bee"]);
});

test("a class asked for twice is explained once, and one beyond the best five is listed", async () => {
  const { predictions, explanations } = await classify(gap(), { classes: ["bee", 1, "top5"] });
  expect(explanations.map((e) => e.class).sort()).toEqual([0, 1, 2, 3, 4]);
  expect(explanations[0].class).toBe(1);
  expect(predictions.map((p) => p.score)).toEqual(predictions.map((p) => p.score).sort((a, b) => b - a));
});

test("a class rather than itself is refused", async () => {
  const refusal = 'invalid against: "cat" (2) is the class that is explained; name another class';
  await expect(classify(gap(), { classes: ["cat"], against: 2 })).rejects.toThrow(refusal);
  await expect(classify(gap(), { classes: ["top5"], against: "cat" })).rejects.toThrow(refusal);
});

test("maps lie on the picture's pixels, peaks and boxes within them", async () => {
  const { explanations } = await classify(gap(), { method: ["grad-cam", "gradient"] });
  for (const { map, onPicture, peak, box, method, layer, pixels } of explanations) {
    expect([map.dims, onPicture.width, onPicture.height, onPicture.data.length]).toEqual([[8, 8], 20, 10, 200]);
    const [x0, y0, x1, y1] = box ?? [-1, -1, -1, -1];
    expect(x0 >= 0 && y0 >= 0 && x1 <= 20 && y1 <= 10 && x0 < x1 && y0 < y1).toBe(true);
    expect(peak && onPicture.data[peak.y * 20 + peak.x]).toBe(Math.max(...onPicture.data));
    expect([layer, pixels?.dims]).toEqual(method === "grad-cam" ? ["features", undefined] : [undefined, [3, 8, 8]]);
  }
});

test("progress over several methods and classes never goes back", async () => {
  const told: number[] = [];
  const method = ["occlusion", "grad-cam", "occlusion"] as const;
  await classify(gap(), { method, classes: [0, 1], against: 2, onProgress: (done) => told.push(done) });
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
});

test("channels last: the same as channels first", async () => {
  const [first, last] = [await classify(gap()), await classify(channelsLast(), {}, { ...preprocess, layout: "NHWC" })];
  expect(last.predictions).toEqual(first.predictions);
  expect([...last.explanations[0].map.data]).toEqual([...first.explanations[0].map.data]);
});

test("scores on a grid count by their mean", async () => {
  const { predictions, explanations } = await classify(unet(), { classes: ["top4"] }, preprocess, labels.slice(0, 4));
  expect([predictions.length, explanations.length, explanations[0].map.dims]).toEqual([4, 4, [4, 4]]);
});

test("a single score is a probability by the sigmoid", async () => {
  const first = { starts: floats([1, 0, 0, 0, 0], [5, 1]) };
  const { predictions } = await classify(
    gap({ after: [node("MatMul", "logits starts", "y")], constants: first }),
    {},
    preprocess,
    ["ant"],
  );
  const [{ score, probability }] = predictions;
  expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
});

test("unknown classes, methods and layers", async () => {
  await expectUserError(classify(gap(), { classes: ["wombat"] }), "unknown-name", "wombat");
  await expectUserError(
    classify(gap(), { method: ["grad-cam", "x" as string as MethodName] }),
    "unknown-name",
    'unknown method: "x"',
  );
  await expectUserError(classify(gap(), { layer: "x1" }), "unknown-name", 'unknown layer: "x1"');
});
