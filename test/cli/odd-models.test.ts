/** @file Models that say too little, or that were saved for something else: the command line explains them, or says what to do. */
import { copyFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readModel } from "../../src/onnx/model.ts";
import { changed, DataType, encodeModel } from "../../src/onnx/proto.ts";
import { bools, floats, model, node } from "../models.ts";
import { gap, weights } from "../nets.ts";
import { expectMistake } from "./mistake.ts";
import { folder, within, withModel } from "./run.ts";

const file = (name: string) => fileURLToPath(new URL(`../cases/${name}`, import.meta.url));

test("--input-shape, for an input without a shape", async () => {
  const cwd = folder();
  const args = [
    "explain",
    file("files/input_no_shape/x.npy"),
    "--model",
    file("files/input_no_shape/model.onnx"),
    "--out",
    "out",
  ];
  expectMistake(await within(args, cwd), cwd, /sizes of its input "x" must be known.*--input-shape 1x3x224x224/);
  for (const shape of ["1x3x8x8", "x=1x3x8x8"]) {
    const { code, stdout } = await within([...args, "--input-shape", shape, "--json"], cwd);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).explanations[0].map.shape).toEqual([8, 8]);
  }
  expectMistake(
    await within([...args, "--input-shape", "z=1x3x8x8"], cwd),
    cwd,
    'unknown input: "z"; the model takes x',
  );
  expectMistake(await within([...args, "--input-shape", "8 by 8"], cwd), cwd, /Expected a shape such as 1x3x224x224/);
});

test("a model of free size is compiled at the size that its pictures have", async () => {
  const cwd = folder();
  const { code, stdout } = await within(
    ["compile", file("models/hf_free_size_maxpool"), "--out", "c.onnx", "--json"],
    cwd,
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout).inputs[0].shape).toEqual(["n", 3, 32, 32]);
  const full = ["compile", file("models/free_size_maxpool.onnx"), "--size", "full", "--out", "c.onnx"];
  expectMistake(await within(full, cwd), cwd, /MaxPool node "q".*--input-shape 1x3x224x224/);
  const sized = await within([...full, "--input-shape", "1x3x40x48", "--json"], cwd);
  expect(JSON.parse(sized.stdout).outputs.at(-2)).toMatchObject({ name: "gradcam_map", shape: ["n", 40, 48] });
});

test("an export in training mode", async () => {
  const cwd = folder();
  copyFileSync(file("pictures/bn-train/bntrain.onnx"), path.join(cwd, "model.onnx"));
  const ended = await within(["explain", file("pictures/bn-train/bn.npy"), "--model", "model.onnx"], cwd);
  expectMistake(ended, cwd, /BatchNormalization node "\/n\/BatchNormalization": training mode; .*model\.eval\(\)/);
});

test("a Dropout in training mode, on the way", async () => {
  const cwd = folder();
  const nodes = [
    node("Relu", "x", "features"),
    node("Dropout", "features ratio training", "dropped"),
    node("ReduceMean", "dropped", "logits", { axes: [2, 3], keepdims: 0 }),
  ];
  const inputs = { x: [1, 3, 8, 8], ratio: floats(0.5), training: bools(1) };
  withModel(cwd, model({ opset: 13, inputs, nodes }));
  expectMistake(await within(["layers", "--model", "net.onnx"], cwd), cwd, /Dropout node "dropped": training mode/);
});

test("a file of one processor", async () => {
  const cwd = folder();
  const { proto, graph } = readModel(gap());
  const nodes = graph.node.map((n) => (n.opType === "Conv" ? changed(n, { domain: "com.microsoft.nchwc" }) : n));
  withModel(cwd, encodeModel(changed(proto, { graph: changed(graph, { node: nodes }) })));
  const words = /com\.microsoft\.nchwc\.Conv node .*one processor.*ORT_ENABLE_EXTENDED.*optimized_model_filepath/;
  expectMistake(await within(["layers", "--model", "net.onnx"], cwd), cwd, words);
});

test("a float type without an array is no input of a picture's network, but is fed", async () => {
  const cwd = folder();
  const nodes = [
    node("Cast", "x", "whole", { to: DataType.FLOAT }),
    node("Conv", "whole w", "features"),
    node("Relu", "features", "layer"),
    node("ReduceMean", "layer", "logits", { axes: [2, 3], keepdims: 0 }),
  ];
  const bytes = model({ opset: 13, inputs: { x: [1, 3, 8, 8], w: weights([3, 3, 1, 1], 1) }, nodes });
  const proto = readModel(bytes).proto;
  const info = proto.graph?.input[0];
  expect(info?.type?.value.case).toBe("tensorType");
  if (info?.type?.value.case === "tensorType") info.type.value.value.elemType = DataType.BFLOAT16;
  withModel(cwd, encodeModel(proto));
  const { stdout, code } = await within(["layers", "--model", "net.onnx"], cwd);
  expect(code).toBe(0);
  expect(stdout).toContain("layer");
});
