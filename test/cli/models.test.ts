/** @file Models that cannot be explained, each told in one line. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "vitest";
import { changed, decodeModel, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import { floats, model, node } from "../models.ts";
import { gap, linear, unet, unruled } from "../nets.ts";
import { mistake, net, ok } from "./mistake.ts";

describe("models", () => {
  const refused = (bytes: Uint8Array, words: string | RegExp, ...args: string[]) =>
    mistake(words, [...ok, ...args], undefined, bytes);

  test("not there", () => mistake("missing model: none.onnx: no such file", ["a.png", "--model", "none.onnx"]));
  test("a directory without a model", () =>
    mistake(/missing model: folder: no onnx\/model\.onnx or model\.onnx/, ["a.png", "--model", "folder"], (cwd) =>
      mkdirSync(path.join(cwd, "folder")),
    ));
  test("text", () => refused(new TextEncoder().encode("PK not a model"), /invalid model net\.onnx: it is a text file/));
  test("empty", () => refused(new Uint8Array(), /invalid model net\.onnx: .*empty/));
  test.each([0.3, 0.6, 0.9, 0.999])("truncated to %d of its length", (part) =>
    refused(net.subarray(0, Math.floor(part * net.length)), /invalid model/),
  );
  test("an operator that ONNX Runtime does not know", () =>
    refused(gap({ input: [1, 3, 8, 8], after: [node("Sorcery", "logits", "y")] }), /invalid model.*Sorcery/));
  test("missing external data", () =>
    refused(
      externalWeights(),
      /missing external data: net\.onnx keeps weights in "weights\.bin", which is not beside it/,
    ));
  test("an operator without a rule on the path", () =>
    refused(
      unruled({ input: [1, 3, 8, 8] }),
      /unsupported operator: com.microsoft.Trilu node "triangle" lies between what is explained and the score .*no gradient rule/,
    ));
  test("a layer without a path to the score", () =>
    refused(
      gap({ input: [1, 3, 8, 8], after: [node("Abs", "conv", "aside")], outputs: ["logits", "aside"] }),
      /no path: "aside" has no differentiable path/,
      "--layer",
      "aside",
    ));
  test("an input that is no image", () =>
    refused(
      model({
        opset: 13,
        free: ["x"],
        inputs: { x: [1, 16], w: floats(Array(32).fill(1), [16, 2]) },
        nodes: [node("MatMul", "x w", "y")],
      }),
      /none of its inputs is a picture .* it takes x \(use openExplainer/,
    ));
  test("two inputs", () =>
    refused(
      gap({ input: [1, 3, 8, 8], after: [node("Add", "logits other", "y")], constants: { other: [1, 5] } }),
      /missing input: "other"; the model takes x, other/,
    ));
  test("whole numbers for scores", () =>
    refused(
      gap({ input: [1, 3, 8, 8], after: [node("Cast", "logits", "y", { to: 7 })], outputs: ["y"] }),
      /none of its outputs is of a float type: y/,
    ));
  test("a model without a layer", () => refused(linear({ input: [1, 3, 8, 8] }), /no path: .*no layer with a grid/));
  test("NaN in the scores", () =>
    refused(
      gap({
        input: [1, 3, 8, 8],
        after: [node("Log", "minus", "nan"), node("Add", "logits nan", "y")],
        constants: { minus: floats([-1]) },
      }),
      /not finite: the scores "y" hold NaN/,
    ));
  test("an input of four channels", () =>
    refused(gap({ input: [1, 4, 8, 8] }), /"x" takes 4 channels, laid out as NCHW, and a picture has 1 or 3/));
  test("a size that the network cannot take", () => refused(unet({ input: [1, 3, 7, 7] }), /invalid/));

  function externalWeights(): Uint8Array {
    const proto = decodeModel(net);
    const [first, ...others] = proto.graph!.initializer;
    const external = changed(first, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: makeEntries({ location: "weights.bin" }),
    });
    return encodeModel(changed(proto, { graph: changed(proto.graph!, { initializer: [external, ...others] }) }));
  }
});
