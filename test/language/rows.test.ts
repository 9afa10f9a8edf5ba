import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { RowBuilder } from "../../src/autodiff/row-builder.ts";
import { SequenceExplainer } from "../../src/explain/sequence-explainer.ts";
import { methods } from "../../src/index.ts";
import { gradCamSum } from "../../src/methods/grad-cam.ts";
import { readModel } from "../../src/onnx/model.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { sequenceDecoder } from "../../src/tasks/language/sequence-decoder.ts";
import { stepDecoder } from "../../src/tasks/language/step-decoder.ts";
import { apart } from "../explain/ask.ts";

const folder = fileURLToPath(new URL("models", import.meta.url));
const read = (file: string) => readModel(new Uint8Array(readFileSync(`${folder}/${file}`)));

function narratorOf(name: string) {
  if (name === "git") return sequenceDecoder(ort, undefined, read("git/onnx/model.onnx"), 24);
  if (!name.startsWith("cnn"))
    return sequenceDecoder(ort, read(`${name}/onnx/encoder_model.onnx`), read(`${name}/onnx/decoder_model.onnx`), 24);
  const { encoder, decoder } = JSON.parse(readFileSync(`${folder}/${name}/captioner.json`, "utf8"));
  const names = { ...decoder, image: encoder.image };
  return stepDecoder(ort, read(`${name}/encoder.onnx`), read(`${name}/decoder.onnx`), names);
}

test.each(["cnn-lstm", "cnn-gru", "vit-gpt2", "blip", "git"])("all words of %s are rows of one run", async (name) => {
  const narrator = narratorOf(name);
  const sentences = new SequenceExplainer(ort, (places) => narrator.teller(places), {
    session: { intraOpNumThreads: 1 },
  });
  const teller = narrator.teller(8);
  const seen = { [teller.image]: new ort.Tensor("float32", new Float32Array(3 * 32 * 32), [1, 3, 32, 32]) };
  const known = await sentences.see(seen).known(teller, []);
  const { plan, layers } = await sentences.plan(8, { ...seen, ...teller.feed([[1, 2, 3, 4, 5, 6, 7, 8]], known) });
  const together = plan.atLayer(layers[0].name, gradCamSum, plan.usual, async (adjoint) => adjoint.together);
  expect(await together).toBe(true);
  await sentences.release();
});

const ofLayers = methods.filter(({ space, graph }) => space === "layer" && graph);
const layerMethods = ofLayers.filter(({ readsAttentions }) => !readsAttentions).map(({ name }) => name);

test.each(["cnn-lstm", "vit-gpt2"])("maps of the words of %s together are those of each", async (name) => {
  const narrator = narratorOf(name);
  const sentences = new SequenceExplainer(ort, (places) => narrator.teller(places), {
    session: { intraOpNumThreads: 1 },
  });
  const pixels = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(0.37 * i));
  const seen = { [narrator.teller(3).image]: new ort.Tensor("float32", pixels, [1, 3, 32, 32]) };
  const told = await sentences.see(seen).score([1, 5, 6], [5, 6, 7]);
  const each = [0, 1, 2].map((word) => [0, 1, 2].map((place) => Number(place === word)));
  for (const method of layerMethods) {
    const together = (await told.explain(each, { method })).maps;
    for (const [word, weights] of each.entries()) {
      const { data } = (await told.explain([weights], { method })).maps;
      const own = together.data.subarray(word * data.length, (word + 1) * data.length);
      expect(Math.max(...data), method).toBeGreaterThan(0);
      expect(apart([...own], [...data]), method).toBeLessThan(1e-4);
    }
  }
  await sentences.release();
});

test("an operator that mixes rows is seen where it is needed, and only there", () => {
  const build = new RowBuilder(13);
  const rows = build.asRows(build.input(DataType.FLOAT, [-1, 4]));
  const mixed = build.op("CumSum", [rows, build.ints(0)], undefined, DataType.FLOAT, [-1, 4]);
  expect(build.together([build.mul(rows, 2)])).toBe(true);
  expect(build.together([build.mul(mixed, 2)])).toBe(false);
});
