/** @file Which ONNX files of a directory are read, as optimum and transformers.js name them, and decoders with a cache. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { loadCaptioner } from "../../src/node/load-captioner.ts";
import { indexLazily, readModel } from "../../src/onnx/model.ts";
import { changed, withName } from "../../src/onnx/proto.ts";
import { withoutCache } from "../../src/onnx/without-cache.ts";
import type { Dtype } from "../../src/tasks/formats/model-files.ts";

const models = fileURLToPath(new URL("models", import.meta.url));

/** The merged model's directory with its files under other names. */
function directory(names: Readonly<Record<string, readonly string[]>>): string {
  const made = mkdtempSync(path.join(tmpdir(), "gradcam-files-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  cpSync(path.join(models, "merged"), made, { recursive: true });
  renameSync(path.join(made, "onnx"), path.join(made, "kept"));
  for (const [file, places] of Object.entries(names))
    for (const place of places) cpSync(path.join(made, "kept", file), path.join(made, place));
  return made;
}

async function filesOf(names: Readonly<Record<string, readonly string[]>>, dtype?: Dtype): Promise<readonly string[]> {
  const model = await loadCaptioner(directory(names), { dtype });
  await model.release();
  return model.files;
}

const [encoder, decoder] = ["encoder_model.onnx", "decoder_model_merged.onnx"];

test("full precision first, then the only one there is, each part for itself", async () => {
  const both = { [encoder]: ["onnx/encoder_model.onnx", "onnx/encoder_model_fp16.onnx"] };
  const one = { [decoder]: ["onnx/decoder_model_merged_quantized.onnx"] };
  expect(await filesOf({ ...both, ...one })).toEqual([
    "onnx/encoder_model.onnx",
    "onnx/decoder_model_merged_quantized.onnx",
  ]);
});

test("the precision that is asked for", async () => {
  const names = {
    [encoder]: ["encoder_model.onnx", "encoder_model_fp16.onnx"],
    [decoder]: ["decoder_model_merged.onnx", "decoder_model_merged_fp16.onnx"],
  };
  expect(await filesOf(names, "fp16")).toEqual(["encoder_model_fp16.onnx", "decoder_model_merged_fp16.onnx"]);
  await expect(filesOf(names, "q8")).rejects.toThrow(
    /^missing model: .*: no onnx\/encoder_model_quantized\.onnx; it has encoder_model\.onnx \(fp32\), encoder_model_fp16\.onnx \(fp16\)$/,
  );
});

test("several precisions, and none of them full", async () => {
  const names = {
    [encoder]: ["encoder_model_fp16.onnx", "encoder_model_quantized.onnx"],
    [decoder]: ["decoder_model_merged.onnx"],
  };
  await expect(filesOf(names)).rejects.toThrow(
    /^missing dtype: .* has encoder_model_fp16\.onnx \(fp16\), encoder_model_quantized\.onnx \(q8\); name one of fp16, q8$/,
  );
});

const merged = () => readModel(new Uint8Array(readFileSync(path.join(models, "merged/onnx", decoder))));

test("a merged decoder is the branch that begins a sentence", () => {
  const whole = merged();
  expect(whole.graph.node.map(({ opType }) => opType)).toEqual(["If"]);
  const begun = withoutCache(whole);
  expect(begun.inputs.map(({ name }) => name)).toEqual(["input_ids", "encoder_hidden_states"]);
  expect(begun.outputs).toEqual(["logits"]);
  expect(begun.graph.node.some(({ opType }) => opType === "If")).toBe(false);
  expect(withoutCache(begun)).toBe(begun);
});

test("a decoder that only goes on with a sentence is refused", () => {
  // The past of another model's encoder, read by the branch that is taken.
  const whole = merged();
  const rename = (name: string) => (name === "encoder_hidden_states" ? "past_key_values.0.encoder.key" : name);
  const input = whole.graph.input.map((info) => withName(info, rename(info.name)));
  const taken = withoutCache(whole);
  const node = taken.graph.node.map((one) => changed(one, { input: one.input.map(rename) }));
  const model = indexLazily(changed(taken.proto, { graph: changed(taken.graph, { node, input }) }));
  expect(() => withoutCache(model)).toThrow(/^invalid decoder: .*it only continues what another decoder started/);
});
