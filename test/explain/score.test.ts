/** @file What is explained: the scores in front of whatever squashes them, however it is wrapped. */

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/onnx/model.ts";
import { observe } from "../../src/onnx/observe.ts";
import { candidatesIn } from "../../src/read/inputs.ts";
import { floats, ints, model, node } from "../models.ts";
import { gap, images, unet } from "../nets.ts";
import { ask, expectClose, expectUserError, numbers, open, session } from "./ask.ts";

const squash = (opType: string) =>
  opType === "Sigmoid" ? node(opType, "logits", "p") : node(opType, "logits", "p", { axis: 1 });

describe.each(["Softmax", "LogSoftmax", "Sigmoid"])("scores before a %s", (opType) => {
  const wrapped = {
    bare: gap({ after: [squash(opType)] }),
    "behind an Identity": gap({ after: [squash(opType), node("Identity", "p", "q")] }),
    "behind a Reshape": gap({
      after: [squash(opType), node("Reshape", "p shape", "q")],
      constants: { shape: ints([-1, 5]) },
    }),
    "behind a Reshape and an Identity": gap({
      after: [squash(opType), node("Reshape", "p shape", "q"), node("Identity", "q", "r")],
      constants: { shape: ints([-1, 5]) },
    }),
  };
  test.each(Object.keys(wrapped) as (keyof typeof wrapped)[])("%s", async (how) => {
    const feeds = images();
    const explainer = await open(wrapped[how]);
    expect(explainer.score).toMatchObject({ name: "logits", before: opType });
    const { maps } = await explainer.explain(feeds, { target: 3 });
    expectClose(numbers(maps), numbers((await ask(gap(), feeds, { target: 3 })).maps));
    await explainer.release();
  });
});

test("pixel-space methods explain in front of a softmax too, whichever run comes first", async () => {
  const bytes = gap({ after: [squash("Softmax")] });
  for (const method of ["gradient", "occlusion", "guided-grad-cam"] as const) {
    const [squashed, plain] = [bytes, gap()].map((net) => ask(net, images(), { target: 3, method }));
    expectClose(numbers((await squashed).maps), numbers((await plain).maps));
  }
});

test("an output with nothing behind its scores is explained as it is", async () => {
  const explainer = await open(gap());
  expect(explainer.score).toMatchObject({ name: "logits" });
  await explainer.release();
});

test("probabilities for every pixel are explained in front of their softmax", async () => {
  const explainer = await open(unet({ after: [node("Softmax", "logits", "p", { axis: 1 })] }));
  expect(explainer.score).toMatchObject({ name: "logits", before: "Softmax" });
  await explainer.release();
});

test("a named output", async () => {
  const bytes = gap({
    after: [node("Mul", "logits two", "doubled")],
    constants: { two: floats(2) },
    outputs: ["logits", "doubled"],
  });
  const feeds = images();
  const [once, twice] = [
    await ask(bytes, feeds, { target: 1 }),
    await ask(bytes, feeds, { target: 1 }, { output: "doubled" }),
  ];
  expectClose(
    numbers(twice.maps),
    numbers(once.maps).map((v) => 2 * v),
  );
  await expectUserError(
    open(bytes, { output: "tripled" }),
    "unknown-name",
    'unknown output: "tripled"; the model\'s outputs are logits, doubled',
  );
});

test("scores of classes are taken before features and masks", async () => {
  const many = gap({ outputs: ["features", "logits"] });
  const explainer = await open(many);
  expect(explainer.score.name).toBe("logits");
  await explainer.release();
  const masks = await open(unet({ outputs: ["logits", "deep"] }));
  expect(masks.score.name).toBe("logits");
  await masks.release();
});

test("the image is the first input with a grid, and other inputs are the caller's", async () => {
  const bytes = gap({
    after: [node("ReduceMean", "words", "gain", { axes: [1], keepdims: 0 }), node("Mul", "logits gain", "scaled")],
    constants: { words: [2, 7, 5] },
    free: ["words", "x"],
    outputs: ["features", "scaled"],
  });
  const explainer = await open(bytes);
  expect([explainer.imageInput, explainer.score.name, explainer.layers[0].name]).toEqual(["x", "scaled", "features"]);
  await explainer.release();
});

test("an image is preferred to words that come before it", async () => {
  const bytes = model({
    opset: 13,
    inputs: { words: [2, 7, 5], x: [2, 3, 4, 4] },
    nodes: [
      node("ReduceMean", "words", "said", { axes: [1, 2], keepdims: 0 }),
      node("ReduceMean", "x", "seen", { axes: [1, 2, 3], keepdims: 0 }),
      node("Add", "said seen", "y"),
    ],
  });
  const net = readModel(bytes);
  expect(candidatesIn(net, await observe(ort, net, {}, session))[0]).toBe("x");
});

test("an output of whole numbers is passed over", async () => {
  const bytes = gap({ after: [node("ArgMax", "logits", "best", { axis: 1 })], outputs: ["best", "logits"] });
  const explainer = await open(bytes);
  expect(explainer.score.name).toBe("logits");
  await explainer.release();
});
