/** @file Sums over the samples of a query, as deformable attention has them: gradients by differences, and no scatter for every channel. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { compileAdjoint } from "../../src/autodiff/adjoint.ts";
import { checkVjp } from "../../src/autodiff/check.ts";
import { observedOn, openModel } from "../../src/autodiff/prepare.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { tensorSeeds } from "../../src/explain/seeds.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { apart, numbers } from "../explain/ask.ts";
import { floats, ints, model, node, randomFeeds, type Sources } from "../models.ts";
import { session } from "./rules.ts";

const shapes = { x0: [2, 3, 4, 5], x1: [2, 3, 3, 3], grid0: [2, 6, 2, 2], grid1: [2, 6, 2, 2], share: [2, 1, 6, 4] };
const samples = [0, 1].map((i) => node("GridSample", `x${i} grid${i}`, `s${i}`, { padding_mode: "border" }));
const constants: Sources = { last: ints([-1]), fourth: ints([3]), wide: ints([2, 3, 6, 4]) };

/** How the levels come to lie side by side. */
const joined: Record<string, readonly NodeProto[]> = {
  concatenated: [node("Concat", "s0 s1", "all", { axis: -1 })],
  stacked: [
    node("Unsqueeze", "s0 fourth", "u0"),
    node("Unsqueeze", "s1 fourth", "u1"),
    node("Concat", "u0 u1", "stack", { axis: 3 }),
    node("Reshape", "stack wide", "all"),
  ],
};
const sums: Record<string, readonly NodeProto[]> = {
  "weighted in front": [node("Mul", "all share", "weighted")],
  "weighted behind": [node("Mul", "share all", "weighted")],
};

test.each(
  Object.entries(joined).flatMap(([how, join]) =>
    Object.entries(sums).map(([where, weigh]) => [`${how}, ${where}`, [...samples, ...join, ...weigh]] as const),
  ),
)("%s", async (_, nodes) => {
  const summed = node("ReduceSum", "weighted last", "y", { keepdims: 0 });
  const bytes = model({ opset: 16, inputs: { ...shapes, ...constants }, nodes: [...nodes, summed], outputs: ["y"] });
  const feeds = randomFeeds(shapes, (normal) => normal.map((v) => v * 0.4));
  const checks = await checkVjp(ort, bytes, { feeds, step: 1e-4, session });
  for (const { input, error, text } of checks) expect(error, `${input}: ${text}`).toBeLessThan(0.1);
  // Where the same sum is written so that nothing tells it, every sample is scattered.
  const ones = floats(Array(2 * 3 * 6 * 4).fill(1), [2, 3, 6, 4]);
  const hidden = [
    ...nodes,
    node("Mul", "weighted ones", "again"),
    node("ReduceSum", "again last", "y", { keepdims: 0 }),
  ];
  const plain = model({ opset: 16, inputs: { ...shapes, ...constants, ones }, nodes: hidden, outputs: ["y"] });
  const y = new ort.Tensor("float32", randomNormal(5)(36), [2, 3, 6]);
  const wrt = Object.keys(shapes);
  const [own, other] = await Promise.all(
    [bytes, plain].map(async (of) => (await vjp(ort, of, { feeds, seeds: { y }, wrt, session })).gradients),
  );
  for (const name of wrt) expect(apart(numbers(own?.[name]), numbers(other?.[name])), name).toBeLessThan(1e-5);
  const opened = await openModel(bytes);
  const { tensors } = await observedOn(ort, opened, {}, session);
  const { extension } = compileAdjoint({
    ...{ model: opened, tensors, seeds: tensorSeeds({ model: opened, tensors }, ["y"]) },
    ends: [{ tensor: "x0" }, { tensor: "x1" }],
  });
  expect(extension.nodes.filter(({ opType }) => opType === "ScatterElements")).toHaveLength(2);
  expect(extension.nodes.some(({ opType }) => opType === "Expand")).toBe(false);
});
