import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/onnx/model.ts";
import { observe } from "../../src/onnx/observe.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { patchesReach } from "../../src/read/tokens.ts";
import { floats, ints, model, node } from "../models.ts";
import { session } from "./ask.ts";

/** Heads on the tokens "out", [n, 5, 4]. */
const heads: Record<string, NodeProto[]> = {
  class: [node("Gather", "out zero", "logits", { axis: 1 })],
  "class from the end": [node("Gather", "out minus", "logits", { axis: 1 })],
  patch: [node("Gather", "out two", "logits", { axis: 1 })],
  mean: [node("ReduceMean", "out", "logits", { axes: [1], keepdims: 0 })],
  "each token": [node("MatMul", "out w", "logits")],
  // What PyTorch traces of x[:, :1]: the end is worked out by the run.
  "slice with a computed end": [
    node("Shape", "zero", "rank"),
    node("Size", "rank", "length"),
    node("Add", "length one", "end"),
    node("Slice", "out from end ax", "first"),
    node("Squeeze", "first ax", "logits"),
  ],
  "slice of the patches": [
    node("Slice", "out one five ax", "rest"),
    node("ReduceMean", "rest", "logits", { axes: [1], keepdims: 0 }),
  ],
  "class and patches apart, and together again": [
    node("Slice", "out from one ax", "first"),
    node("Slice", "out one five ax", "rest"),
    node("Concat", "first rest", "all", { axis: 1 }),
    node("Gather", "all zero", "logits", { axis: 1 }),
  ],
  "patches before the class": [
    node("Split", "out sizes", "first rest", { axis: 1 }),
    node("Concat", "rest first", "all", { axis: 1 }),
    node("Gather", "all zero", "logits", { axis: 1 }),
  ],
  "all tokens in rows": [
    node("Reshape", "out rows", "flat"),
    node("Gemm", "flat w", "dense"),
    node("Reshape", "dense back", "tall"),
    node("Gather", "tall zero", "logits", { axis: 1 }),
  ],
  "tokens last": [
    node("Transpose", "out", "turned", { perm: [2, 0, 1] }),
    node("Gather", "turned zero", "logits", { axis: 2 }),
  ],
};

/** Tokens [n, 5, 4], a class token first; an attention, a layer that treats tokens alone, and a head. */
const transformer = (head: string) =>
  readModel(
    model({
      opset: 13,
      inputs: {
        ...{ tokens: [2, 5, 4], w: floats(Array(16).fill(0.1), [4, 4]), rows: ints([-1, 4]), back: ints([-1, 5, 4]) },
        ...{ zero: ints(0), two: ints(2), minus: ints(-5), sizes: ints([1, 4]) },
        ...{ from: ints([0]), one: ints([1]), five: ints([5]), ax: ints([1]) },
      },
      nodes: [
        node("Transpose", "tokens", "t", { perm: [0, 2, 1] }),
        node("MatMul", "tokens t", "attention"),
        node("MatMul", "attention tokens", "mixed"),
        node("Add", "tokens mixed", "after"),
        node("MatMul", "after w", "hidden"),
        node("Relu", "hidden", "active"),
        node("Add", "after active", "out"),
        ...heads[head],
      ],
      outputs: ["logits"],
    }),
  );

/** Whether the tokens of a tensor that are behind `prefix` others reach the score. */
async function reach(head: string, layer: string, prefix = 1) {
  const net = transformer(head);
  const wanted = new Set(net.graph.node.flatMap(({ output }) => output));
  return patchesReach(
    net,
    await observe(ort, net, {}, session),
    layer,
    { channels: 2, grid: [5 - prefix], prefix },
    wanted,
  );
}

describe("with a head that takes the class token, patches end behind the last attention", () => {
  const picking = Object.keys(heads).filter((head) => !/mean|patch$|of the patches|before|each token/.test(head));
  test.each(picking)("%s", async (head) => {
    expect(await reach(head, "tokens")).toBe(true);
    expect([await reach(head, "after"), await reach(head, "out")]).toEqual([false, false]);
  });
});

test.each(["mean", "patch", "each token", "slice of the patches", "patches before the class"])(
  "with a head of another kind they go on: %s",
  async (head) => expect([await reach(head, "after"), await reach(head, "out")]).toEqual([true, true]),
);

test("a token behind the prefix that is picked counts", async () => expect(await reach("class", "out", 0)).toBe(true));
