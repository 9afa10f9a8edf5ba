/** @file Models that keep their weights in a file beside them: every session finds it, the adjoint's too. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { load } from "../../src/node/load.ts";
import { changed, decodeModel, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import { classMethods, quickly } from "../class-methods.ts";
import { apart, expectUserError } from "../explain/ask.ts";
import { vgg } from "../nets.ts";

const whole = vgg({ input: [1, 3, 8, 8] });

/** The model without its weights, and the file that they are in. */
function split(bytes: Uint8Array): { model: Uint8Array; weights: Uint8Array } {
  const proto = decodeModel(bytes);
  const parts: Uint8Array[] = [];
  let offset = 0;
  const initializer = (proto.graph?.initializer ?? []).map((tensor) => {
    const length = tensor.rawData.length;
    const entries = { location: "weights.bin", offset: String(offset), length: String(length) };
    parts.push(tensor.rawData);
    offset += length;
    return changed(tensor, { rawData: new Uint8Array(), dataLocation: 1, externalData: makeEntries(entries) });
  });
  const model = encodeModel(changed(proto, { graph: changed(proto.graph!, { initializer }) }));
  return { model, weights: Buffer.concat(parts) };
}

function folder(files: Readonly<Record<string, Uint8Array>>): string {
  const made = mkdtempSync(path.join(tmpdir(), "gradcam-external-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(made, name), content);
  return made;
}

test.each(classMethods.map(({ name }) => name))("%s is that of the model with its weights inside", async (method) => {
  const { model, weights } = split(whole);
  const directory = folder({ "whole.onnx": whole, "split.onnx": model, "weights.bin": weights });
  const picture = { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => (i * 91) % 256) };
  const of = async (name: string) => {
    const opened = await load(path.join(directory, name), { session: { intraOpNumThreads: 1 } });
    const { explanations } = await opened.explain(picture, { classes: ["top2"], method, ...quickly(method) });
    await opened.release();
    return explanations.flatMap(({ map }) => [...map.data]);
  };
  expect(apart(await of("split.onnx"), await of("whole.onnx"))).toBeLessThan(1e-6);
});

test("weights that are not there, or not all", async () => {
  const { model, weights } = split(whole);
  const absent = path.join(folder({ "split.onnx": model }), "split.onnx");
  await expectUserError(load(absent), "missing-file", 'keeps weights in "weights.bin", which is not beside it');
  const short = folder({ "split.onnx": model, "weights.bin": weights.subarray(0, 100) });
  await expectUserError(load(path.join(short, "split.onnx")), "invalid-model", '"weights.bin" beside ');
});
