/** @file Samples explained side by side: each gets what it would get alone, and one's mistake is its own. */

import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test, vi } from "vitest";
import type { MethodName } from "../../src/methods/by-name.ts";
import { Classifier, type ClassifyOptions } from "../../src/tasks/classify/classification.ts";
import { session } from "../explain/ask.ts";
import { gap, unet, vgg, windows } from "../nets.ts";
import { picture, preprocess } from "./small-picture.ts";

async function open(bytes: Uint8Array): Promise<Classifier> {
  const classifier = await Classifier.open(ort, bytes, { name: "net", labels: [], preprocess, session });
  onTestFinished(() => classifier.release());
  return classifier;
}

const questions: ClassifyOptions[] = [
  {},
  { classes: ["top3"], method: ["grad-cam", "guided-grad-cam"] },
  { classes: [1], against: 2 },
  { method: "occlusion" },
];
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? [...(v as Float32Array)] : v)));

test.each([
  ["gap", gap(), 1],
  ["vgg", vgg(), 1],
  ["unet", unet(), 1],
  ["windows", windows(), 1],
  ["a fixed batch", gap({ input: [1, 3, 8, 8], free: [] }), 4],
])("%s: the same as alone", async (_, bytes, runs) => {
  const classifier = await open(bytes);
  const asked = questions.map((options, i) => ({ sample: picture(71 + 2 * i), options }));
  const alone = [];
  for (const { sample, options } of asked) alone.push(plain(await classifier.explain(sample, options)));
  const forward = vi.spyOn(classifier.explainer, "forward");
  const together = await classifier.explainAll(asked);
  expect(forward).toHaveBeenCalledTimes(runs === 1 ? 0 : runs);
  for (const [i, result] of together.entries()) {
    if (result.status === "rejected") throw result.reason;
    const near = (a: unknown, b: unknown): void => {
      if (typeof a === "number" && typeof b === "number") expect(a).toBeCloseTo(b, 4);
      else if (a && b && typeof a === "object" && typeof b === "object") {
        expect(Object.keys(a)).toEqual(Object.keys(b));
        for (const key of Object.keys(a)) near(Reflect.get(a, key), Reflect.get(b, key));
      } else expect(a).toEqual(b);
    };
    near(plain(result.value), alone[i]);
  }
});

test("one's mistake is its own", async () => {
  const classifier = await open(gap());
  const nan = { data: new Float32Array(192).fill(Number.NaN), dims: [3, 8, 8] };
  const results = await classifier.explainAll([
    { sample: picture(71) },
    { sample: picture(73), options: { classes: ["no such"] } },
    { sample: { data: new Float32Array(5), dims: [5] } },
    { sample: nan },
    { sample: picture(75), options: { method: "no such" as string as MethodName } },
    { sample: picture(77) },
  ]);
  expect(results.map((r) => (r.status === "fulfilled" ? "fine" : r.reason.code))).toEqual([
    "fine",
    "unknown-name",
    "invalid-input",
    "not-finite",
    "unknown-name",
    "fine",
  ]);
});
