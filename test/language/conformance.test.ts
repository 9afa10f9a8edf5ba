/**
 * @file Captioners of the reference cases, word by word: every word's map is that of its own gradient, all of them come from one run, and
 * their sum is the reference's map of the whole caption. The cases lie in a folder beside the repository, on some machines.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Dense } from "../../src/array/dense.ts";
import { SequenceExplainer } from "../../src/explain/sequence-explainer.ts";
import type { SequenceModel } from "../../src/explain/sequence-plan.ts";
import { vjp } from "../../src/index.ts";
import { range } from "../../src/onnx/dims.ts";
import { readModel } from "../../src/onnx/model.ts";
import { distance, readNpy } from "../arrays.ts";

const shared = fileURLToPath(new URL("../../../shared/conformance", import.meta.url));
const session = { intraOpNumThreads: 1 };

describe.each(["captioner_lstm_op14", "captioner_vit_gpt2"])("%s", (name) => {
  const folder = path.join(shared, name);
  if (!existsSync(folder)) {
    test.skip(`${name}: not run, for ../shared/conformance is not there`);
    return;
  }
  const file = (name: string) => path.join(folder, name);
  const c = JSON.parse(readFileSync(file("case.json"), "utf8"));
  const bytes = new Uint8Array(readFileSync(file("model.onnx")));
  const ids = c.reduction.token_input;
  const images = readNpy(file(c.inputs.find((input: { name: string }) => input.name === c.image_input).file));
  const sentences = readNpy(file(c.inputs.find((input: { name: string }) => input.name === ids).file));
  const teller: SequenceModel = {
    parts: [{ name: "model", model: readModel(bytes) }],
    connections: {},
    image: `model/${c.image_input}`,
    scores: `model/${c.output}`,
    feed: (batch) => ({ [`model/${ids}`]: int64(batch.flat(), [batch.length, batch[0].length]) }),
  };
  const [, places] = sentences.dims;
  const spoken = (i: number) => Array.from(sentences.data as BigInt64Array, Number).slice(i * places, (i + 1) * places);
  const one = (i: number) => slice(images, i);

  test("the default layer is the image encoder's last", async () => {
    const open = new SequenceExplainer(ort, () => teller, { session });
    const told = await open.see({ [teller.image]: one(0) }).score(spoken(0), spoken(0).slice(1));
    expect(told.layer).toBe(`model/${c.layer}`);
    await open.release();
  });

  test.each([0, 1])("picture %i: the words of the caption", async (i) => {
    const open = new SequenceExplainer(ort, () => teller, { session, layer: c.layer });
    const words = spoken(i).slice(1);
    const told = await open.see({ [teller.image]: one(i) }).score(spoken(i), words);
    expect(told.logProbabilities.reduce((a, b) => a + b)).toBeCloseTo(c.scalars[i], 3);

    const eachWord = words.map((_, t) => words.map((_, s) => (s === t ? 1 : 0)));
    const maps = await told.signedMaps(eachWord);
    const reference = readNpy(file(c.expected.grad_cam));
    expect(maps.dims).toEqual([words.length, ...reference.dims.slice(1)]);
    const whole = (await told.explain([words.map(() => 1)])).maps;
    expect(distance(tensor(whole), slice(reference, i))).toBeLessThan(c.tolerance.grad_cam);
    expect(distance(tensor(rectified(summed(maps))), slice(reference, i))).toBeLessThan(c.tolerance.grad_cam);

    // Each word by the primitive alone: one cotangent, one gradient.
    const logits = readNpy(file(c.expected.output));
    for (const t of range(words.length)) {
      const seed = cotangent(logits, i, t, words[t]);
      const feeds = { [c.image_input]: one(i), [ids]: int64(spoken(i), [1, places]) };
      const { gradients } = await vjp(ort, bytes, {
        feeds,
        seeds: { [c.output]: seed },
        wrt: [c.layer, c.image_input],
        session,
      });
      const activation = slice(readNpy(file(c.expected.activation)), i);
      const expected = gradCam(activation, gradients[c.layer], c.tokens);
      const got = { data: maps.data.slice(t * expected.length, (t + 1) * expected.length), dims: [expected.length] };
      expect(distance(tensor(got), tensor({ data: expected, dims: [expected.length] }))).toBeLessThan(1e-3);
      const pixels = (await told.explain([eachWord[t]], { method: "gradient" })).pixels as Dense;
      expect(distance(tensor(pixels), gradients[c.image_input])).toBeLessThan(1e-3);
    }
    const together = (await told.explain(eachWord, { method: "gradient" })).pixels as Dense;
    expect(together.dims).toEqual([words.length, ...images.dims.slice(1)]);
    const sum = tensor({ ...summed(together), dims: [1, ...together.dims.slice(1)] });
    expect(distance(sum, slice(readNpy(file(c.expected.input_gradient)), i))).toBeLessThan(c.tolerance.input_gradient);
    await open.release();
  });
});

function int64(values: readonly number[], dims: readonly number[]) {
  return new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
}
const tensor = ({ data, dims }: Dense) => new ort.Tensor("float32", data, dims);

function slice(whole: ort.Tensor, i: number): ort.Tensor {
  const data = whole.data as Float32Array;
  const size = data.length / whole.dims[0];
  return new ort.Tensor("float32", data.slice(i * size, (i + 1) * size), [1, ...whole.dims.slice(1)]);
}

function summed({ data, dims: [k, ...rest] }: Dense): Dense {
  const size = data.length / k;
  return {
    data: data.slice(0, size).map((_, p) => range(k).reduce((sum, r) => sum + data[r * size + p], 0)),
    dims: [1, ...rest],
  };
}
const rectified = ({ data, dims }: Dense): Dense => ({ data: data.map((v) => Math.max(0, v)), dims });

/** onehot - softmax at one place of one picture's scores. */
function cotangent(logits: ort.Tensor, picture: number, place: number, word: number): ort.Tensor {
  const [, places, vocabulary] = logits.dims;
  const from = (picture * places + place) * vocabulary;
  const row = (logits.data as Float32Array).slice(from, from + vocabulary);
  const total = row.reduce((sum, z) => sum + Math.exp(z), 0);
  const data = new Float32Array(places * vocabulary);
  row.forEach((z, v) => {
    data[place * vocabulary + v] = (v === word ? 1 : 0) - Math.exp(z) / total;
  });
  return new ort.Tensor("float32", data, [1, places, vocabulary]);
}

/** The sum of Grad-CAM before its rectifier, by its definition. */
function gradCam(a: ort.Tensor, da: ort.Tensor, tokens: { prefix: number } | null): Float32Array {
  const [values, slopes] = [a.data as Float32Array, da.data as Float32Array];
  const [channels, places] = tokens ? [a.dims[2], a.dims[1] - tokens.prefix] : [a.dims[1], a.dims[2] * a.dims[3]];
  const at = (p: number, k: number) => (tokens ? (p + tokens.prefix) * channels + k : k * places + p);
  const weights = range(channels).map((k) => range(places).reduce((sum, p) => sum + slopes[at(p, k)], 0) / places);
  return Float32Array.from(range(places), (p) => weights.reduce((sum, w, k) => sum + w * values[at(p, k)], 0));
}
