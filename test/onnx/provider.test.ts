/** @file Which models run on WebGPU where the graphics adapter has no shaders for half precision; the device is made up, Node runs them. */
import * as native from "onnxruntime-node";
import { expect, test } from "vitest";
import { Sessions } from "../../src/explain/sessions.ts";
import { Stage } from "../../src/explain/stage.ts";
import { openExplainer } from "../../src/index.ts";
import { readModel } from "../../src/onnx/model.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { providersOf } from "../../src/onnx/provider.ts";
import type { Runtime, SessionOptions } from "../../src/onnx/runtime.ts";
import { model, node } from "../models.ts";
import { gap, halfPrecision, images, weights } from "../nets.ts";

const device = { lost: new Promise<never>(() => {}), features: new Set<string>() };
const onWebGpu = { executionProviders: [{ name: "webgpu", device }, "wasm"] } as unknown as SessionOptions;

/** Node's runtime, which notes the providers that sessions are asked for. */
function noting(): { ort: Runtime; asked: Set<string> } {
  const asked = new Set<string>();
  const create = (bytes: Uint8Array, options: SessionOptions) => {
    asked.add(providersOf(options).join(" "));
    return native.InferenceSession.create(bytes, { ...options, executionProviders: ["cpu"] });
  };
  return { ort: { ...native, InferenceSession: { create } as Runtime["InferenceSession"] }, asked };
}

/** Of weights that are stored in half precision: computed in float32, or so too. */
const stored = (computed: DataType.FLOAT | DataType.FLOAT16): Uint8Array =>
  model({
    opset: 13,
    inputs: {
      x: [1, 3, 8, 8],
      w: weights([4, 3, 3, 3], 1),
    },
    nodes: [
      node("Cast", "w", "w16", { to: DataType.FLOAT16 }),
      node("Cast", "w16", "w32", { to: computed }),
      ...(computed === DataType.FLOAT ? [node("Identity", "x", "x32")] : [node("Cast", "x", "x32", { to: computed })]),
      node("Conv", "x32 w32", "a", { pads: [1, 1, 1, 1] }),
      node("Relu", "a", "r"),
      node("GlobalAveragePool", "r", "p"),
      node("Flatten", "p", "f"),
      node("Cast", "f", "y", { to: DataType.FLOAT }),
    ],
  });

const [there, elsewhere] = ["webgpu wasm", "wasm"];

test.each<[string, Uint8Array, SessionOptions, string]>([
  ["float32", gap(), {}, there],
  ["weights stored in half precision", stored(DataType.FLOAT), {}, there],
  ["the same without optimisation", stored(DataType.FLOAT), { graphOptimizationLevel: "disabled" }, elsewhere],
  ["computed in half precision", stored(DataType.FLOAT16), {}, elsewhere],
  ["an input of half precision", halfPrecision(DataType.FLOAT16), {}, elsewhere],
])("%s", async (_, bytes, options, where) => {
  const { ort, asked } = noting();
  const explainer = await openExplainer(ort, bytes, { session: { ...onWebGpu, ...options } });
  expect(providersOf(explainer.session).join(" ")).toBe(where);
  expect(explainer.reading.decisions.filter(({ what }) => what === "provider")).toHaveLength(where === there ? 0 : 1);
  await explainer.release();

  // A part of a captioner or an answerer likewise.
  const part = { name: "encoder", model: readModel(bytes) };
  const sessions = new Sessions();
  const stage = new Stage(ort, part, {}, sessions, { ...onWebGpu, ...options });
  asked.clear();
  const [[input], [output]] = [part.model.inputs, part.model.outputs];
  const { x } = images(1);
  const { type } = explainer.tensors.get(input.name) ?? {};
  const fed = type === DataType.FLOAT16 ? new native.Tensor("float16", new Uint16Array(192), [1, 3, 8, 8]) : x;
  await stage.run({ [`encoder/${input.name}`]: fed }, [`encoder/${output}`]);
  expect([...asked].at(-1)).toBe(where);
  await sessions.release();
});
