import { expect, test } from "vitest";
import { patchesReach } from "../../src/explain/tokens.ts";
import { readModel } from "../../src/onnx/model.ts";
import { floats, ints, model, node } from "../models.ts";

/** Tokens [n, 5, 4], a class token first; two "blocks", then a head that picks the class token or averages. */
function transformer(head: "class" | "mean") {
  const heads = {
    class: [node("Gather", "out first", "logits", { axis: 1 })],
    mean: [node("ReduceMean", "out", "logits", { axes: [1], keepdims: 0 })],
  };
  const bytes = model({
    opset: 13,
    inputs: { tokens: [2, 5, 4], first: ints(0), w: floats(Array(16).fill(0.1), [4, 4]) },
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
  });
  return readModel(bytes);
}

const everything = new Set(["t", "attention", "mixed", "after", "hidden", "active", "out", "logits"]);

test.each([
  ["class", "tokens", true],
  ["class", "after", false],
  ["class", "out", false],
  ["mean", "after", true],
  ["mean", "out", true],
] as const)("with a %s head the patches of %s reach the score: %s", (head, layer, reaches) => {
  expect(patchesReach(transformer(head), layer, 1, everything)).toBe(reaches);
});

test("a token behind the prefix that is picked counts", () => {
  expect(patchesReach(transformer("class"), "out", 0, everything)).toBe(true);
});
