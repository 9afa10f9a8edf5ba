/** @file ONNX Runtime's words, recorded from its builds for Node.js and for browsers by models and feeds that are wrong in many ways. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reason } from "../../src/onnx/reason.ts";

const recorded: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(new URL("runtime-errors.json", import.meta.url), "utf8"),
);
/** Places in the source, C++, and status codes. */
const jargon =
  /\.(cc|h|hpp|cpp)\b|::|onnxruntime|ONNXRuntimeError|ERROR_|status code|Status Message|InferenceError|\bstd\b|was false|Exception|node ""|\(\)/;

describe.each(Object.keys(recorded))("%s", (build) => {
  const errors = Object.entries(recorded[build]);
  test("nothing of its source is left, and something is", () => {
    expect(errors.length).toBeGreaterThan(45);
    const told = errors.map(([name, said]) => `${name}: ${reason(new Error(said))}`);
    expect(told.filter((line) => jargon.test(line.replace(/^\S+: /, "").replace("schema(::Relu:14)", "")))).toEqual([]);
    expect(told.filter((line) => line.length < 20 || line.length > 260)).toEqual([]);
  });
});

test.each([
  ["add_run", "Add node: Attempting to broadcast an axis by a dimension other than 1. 3 by 4"],
  ["concat_run", "Concat node: Non concat axis dimensions must match: Axis 0 has mismatched dimensions of 3 and 2"],
  ["bn", "BatchNormalization node: Dimension mismatch in unification between 5 and 4"],
  ["cycle", "its nodes read each other in a circle"],
  ["extmiss", 'its weights are in the file "weights.bin", which is not beside it'],
  ["gather_run", "Gather node: indices element out of data bounds, idx=77 must be within the inclusive range [-2,1]"],
  ["ir99", "its IR version is 99; this ONNX Runtime knows up to 13"],
  [
    "loop",
    "Reshape node: The input tensor cannot be reshaped to the requested shape. Input shape:{2,4}, requested shape:{7,13}",
  ],
  ["opset99", "it is written in operator set 99 of ai.onnx; this ONNX Runtime knows up to 26"],
  ["initshort", "Initializer 'w': data field count (7) does not match expected count from shape (8)"],
  ["short", 'the file of its weights is too short to hold "w"'],
  ["unknown_op", "Fancy node: operator set 17 has no operator Fancy"],
  ["unknown_domain", "my.ops.Fancy is an operator that this ONNX Runtime does not have"],
  ["cuda", "the libraries of Cuda are not installed"],
])("%s", (name, words) => {
  expect(reason(new Error(recorded["onnxruntime-node"][name]))).toBe(words);
});
