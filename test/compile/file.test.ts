/** @file What a compiled file is: the model's bytes and what is added, its metadata, its input with a default, and what is refused. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { notesOf } from "../../src/explain/compiled.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { readModel } from "../../src/onnx/model.ts";
import { declaredDims, declaredType, encodeModel } from "../../src/onnx/proto.ts";
import { typeName } from "../../src/onnx/types.ts";
import { ask, expectClose, expectUserError, numbers, session } from "../explain/ask.ts";
import { model, node, type Sources } from "../models.ts";
import { gap, images, linear, vgg, weights } from "../nets.ts";
import { compiled, declared, runOnce } from "./compile.ts";

test("the model's bytes, and then the rest", async () => {
  const bytes = await declared(vgg());
  const file = await compiled(bytes);
  expect(Buffer.compare(file.subarray(0, bytes.length), bytes)).toBe(0);
  const [before, after] = [readModel(bytes), readModel(file)];
  expect(after.proto.irVersion).toBe(before.proto.irVersion);
  expect(after.proto.opsetImport).toEqual(before.proto.opsetImport);
  expect(after.graph.node.slice(0, before.graph.node.length)).toEqual(before.graph.node);
});

test("outputs have types and shapes, the batch under the model's own name", async () => {
  const { graph } = readModel(await compiled(gap()));
  const said = graph.output.slice(1).map((o) => [o.name, typeName(declaredType(o)), declaredDims(o)]);
  expect(said).toEqual([
    ["gradcam_map", "float32", ["N", 8, 8]],
    ["gradcam_class", "int64", ["N"]],
  ]);
});

test("metadata", async () => {
  const file = await compiled(await declared(gap({ after: [node("Softmax", "logits", "p", { axis: 1 })] })), {
    notes: { version: "1" },
  });
  expect(notesOf(readModel(file))).toEqual({
    method: "grad-cam",
    layer: "features",
    grid: "[8,8]",
    score: "logits",
    score_before: "Softmax",
    model_bytes: expect.stringMatching(/^\d+$/),
    version: "1",
  });
  expect(notesOf(readModel(await compiled(linear(), { method: "gradient" })))).not.toHaveProperty("layer");
});

test("the class input has a default, and may be left out", async () => {
  const [optional, required] = [await compiled(gap()), await compiled(gap(), { classInput: "required" })];
  expect(readModel(optional).inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(readModel(required).inputs.map(({ name }) => name)).toEqual(["x", "gradcam_target"]);
});

/** Operators of the model as ONNX Runtime runs it. */
async function optimised(bytes: Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-compile-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const optimizedModelFilePath = path.join(folder, "optimised.onnx");
  const options = { ...session, graphOptimizationLevel: "extended", optimizedModelFilePath } as const;
  await (await ort.InferenceSession.create(bytes, options)).release();
  return readModel(new Uint8Array(readFileSync(optimizedModelFilePath))).graph.node.map(({ opType }) => opType);
}

test("what is folded without the class input is folded with it", async () => {
  // The normalisation folds into the convolution only where its numbers are constants.
  const inputs: Sources = {
    ...{ x: [2, 3, 8, 8], w: weights([6, 3, 3, 3], 1), fw: weights([5, 6], 2) },
    ...{
      s: weights([6], 3, 1),
      b: weights([6], 4, 1),
      m: weights([6], 5, 1),
      v: { ...weights([6], 6), values: Array(6).fill(2) },
    },
  };
  const nodes = [
    node("Conv", "x w", "conv"),
    node("BatchNormalization", "conv s b m v", "normal"),
    node("Relu", "normal", "features"),
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat fw", "logits", { transB: 1 }),
  ];
  for (const ir of [3, 8]) {
    const bytes = model({ opset: 13, inputs, nodes, free: ["x"], ir });
    const operators = await optimised(await compiled(bytes));
    expect(operators).not.toContain("BatchNormalization");
    expect(operators.filter((o) => ["ConstantOfShape", "Transpose"].includes(o))).toEqual([]);
  }
});

describe.each([
  ["operator set 7, IR version 3", 7, 3],
  ["operator set 8, IR version 8", 8, 8],
  ["operator set 9, IR version 3", 9, 3],
  ["operator set 13, IR version 3", 13, 3],
])("%s", (_, opset, ir) => {
  const nodes = [
    node("Conv", "x w", "conv"),
    node("Relu", "conv", "features"),
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat fw fb", "logits", { transB: 1 }),
  ];
  const inputs: Sources = {
    ...{ x: [2, 3, 8, 8], w: weights([6, 3, 3, 3], 1), fw: weights([5, 6], 2), fb: weights([5], 3) },
  };
  const bytes = model({ opset, inputs, nodes, free: ["x"], ir });

  test("the weights are no inputs, and the class may be left out", async () => {
    const file = await compiled(bytes);
    const { graph, proto } = readModel(file);
    expect(graph.input.map(({ name }) => name)).toEqual(["x", "gradcam_target"]);
    expect(proto.irVersion).toBeGreaterThanOrEqual(4n);
    const opened = await ort.InferenceSession.create(file, session);
    expect(opened.inputNames).toEqual(["x"]);
    await opened.release();
    const { maps } = await ask(bytes, images(3));
    expectClose(numbers((await runOnce(file, images(3))).gradcam_map), numbers(maps));
  });
});

test("wrong classes end the run", async () => {
  for (const net of [gap, vgg]) {
    const file = await compiled(net(), { classInput: "required" });
    for (const classes of [[5], [0, 5], [0, 1, 2]])
      await expectUserError(runOnce(file, images(2), classes), "invalid-input", "could not run");
    await expectUserError(runOnce(file, images(1), [0, 1]), "invalid-input", "could not run");
  }
});

describe("refused", () => {
  test("a compiled model", async () => {
    await expectUserError(
      compiled(gap()).then((file) => compiled(file)),
      "invalid-model",
      "compiled already",
    );
  });
  test("a model with such a name", async () => {
    const bytes = gap({ after: [node("Identity", "logits", "gradcam_map")] });
    await expectUserError(compiled(bytes), "invalid-model", 'a tensor "gradcam_map"');
  });
  test("scores that are not those of classes", async () => {
    const bytes = gap({ after: [node("ReduceMean", "features", "y", { axes: [3], keepdims: 0 })] });
    await expectUserError(compiled(bytes), "invalid-model", "scores of shape [n, classes]");
  });
  test("a method that does not exist, and one that is no graph", async () => {
    await expectUserError(
      compiled(gap(), { method: "grad" as string as MethodName }),
      "unknown-name",
      "allowed are grad-cam",
    );
    await expectUserError(
      compiled(gap(), { method: "occlusion" }),
      "invalid-option",
      /many runs.*allowed are grad-cam/,
    );
  });
  test("a layer that does not exist", async () => {
    await expectUserError(compiled(gap(), {}, { layer: "nowhere" }), "unknown-name", 'unknown layer: "nowhere"');
  });
  test("no layer, for a map", async () => {
    await expectUserError(compiled(linear()), "no-path", "no layer");
  });
});

test.each(["guided-grad-cam", "deconv-grad-cam", "full-grad"] as const)(
  "%s before operator set 11, without its Resize",
  async (method) => {
    const bytes = await compiled(gap({ opset: 9 }), { method, classInput: "required" });
    const runner = await ort.InferenceSession.create(bytes, session);
    const target = new ort.Tensor("int64", BigInt64Array.of(2n), [1]);
    const results = await runner.run({ x: images().x as ort.Tensor, gradcam_target: target });
    const { maps, pixels } = await ask(gap({ opset: 9 }), images(), { method, target: 2 });
    const found = results.gradcam_pixels ?? results.gradcam_map;
    expectClose([...(found.data as Float32Array)], numbers(pixels ?? maps));
  },
);

test("a file that another program has written anew is explained as a whole", async () => {
  const file = await compiled(gap());
  const anew = encodeModel(readModel(file).proto);
  const { maps } = await ask(anew, images());
  expectClose(numbers(maps), numbers((await ask(gap(), images())).maps));
});
