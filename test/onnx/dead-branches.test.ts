/** @file Branches that are not taken, and could not be: shape inference goes through them all the same, and may stop there. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { checkVjp, openExplainer } from "../../src/index.ts";
import { DataType, makeGraph, makeValueInfo, type NodeProto } from "../../src/onnx/proto.ts";
import { bools, ints, model, node, type Sources } from "../models.ts";
import { images, weights, withInput } from "../nets.ts";

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;

const branch = (...nodes: NodeProto[]) => ({
  graph: makeGraph({ name: "inside", node: nodes, output: [makeValueInfo("o", DataType.FLOAT)] }),
});

/** Conv, an If of a Relu or what drops an axis of one and puts it back, pooling, Gemm. Every size is free. */
function net(condition: readonly NodeProto[], axis: number, sources: Sources, dims: readonly (number | string)[]) {
  const bytes = model({
    opset: 17,
    inputs: {
      x: [1, 3, 8, 8],
      w: weights([6, 3, 3, 3], 1),
      fw: weights([5, 6], 3, 1),
      axes: ints([axis]),
      one: ints(1),
      at: ints(axis),
      ...sources,
    },
    nodes: [
      node("Conv", "x w", "c", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      ...condition,
      node("If", "on", "r", {
        then_branch: branch(
          node("Squeeze", "c axes", "s"),
          node("Sigmoid", "s", "t"),
          node("Unsqueeze", "t axes", "o"),
        ),
        else_branch: branch(node("Relu", "c", "o")),
      }),
      node("GlobalAveragePool", "r", "p"),
      node("Flatten", "p", "f"),
      node("Gemm", "f fw", "logits", { transB: 1 }),
    ],
  });
  return withInput(bytes, dims);
}

const bySize = [node("Shape", "c", "shape"), node("Gather", "shape at", "size"), node("Equal", "size one", "on")];

test.each<[string, Uint8Array]>([
  ["a constant, height free", net([], 2, { on: bools([0], []) }, ["n", 3, "h", "w"])],
  ["a constant, batch free", net([], 0, { on: bools([0], []) }, ["n", 3, 8, 8])],
  ["another size, height free", net(bySize, 2, {}, ["n", 3, "h", "w"])],
  ["another batch", net(bySize, 0, {}, ["n", 3, 8, 8])],
])("the condition is %s", async (_, bytes) => {
  const explainer = await openExplainer(ort, bytes, { session });
  for (const n of [2, 1, 3]) {
    const feeds = images(n);
    const [check] = await checkVjp(ort, bytes, { feeds, step: 1e-3, session });
    expect(check.error).toBeLessThan(1e-2);
    const { maps, outputs } = await explainer.explain(feeds, { target: 1 });
    expect(maps.dims).toEqual([n, 8, 8]);
    expect(outputs.logits.dims).toEqual([n, 5]);
  }
  await explainer.release();
});
