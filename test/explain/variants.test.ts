/** @file The gradient at variants of a picture is the gradient at a picture that is the variant, whatever the model takes at once and whatever is asked. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Dense } from "../../src/array/dense.ts";
import { ElementPass } from "../../src/explain/elements.ts";
import { SequenceExplainer } from "../../src/explain/sequence-explainer.ts";
import { defineMethod, type Question, type Target } from "../../src/index.ts";
import { range } from "../../src/onnx/dims.ts";
import { readModel } from "../../src/onnx/model.ts";
import type { Feeds, Session } from "../../src/onnx/runtime.ts";
import { sequenceDecoder } from "../../src/tasks/language/sequence-decoder.ts";
import { model, node } from "../models.ts";
import { gap, images, unet, vgg, weights } from "../nets.ts";
import { apart, ask, expectUserError, numbers, open } from "./ask.ts";

/** Pictures of which the first are variants of any picture. */
const variantsOf = (count: number): Dense => {
  const { data, dims } = images(count, 8, 99).x;
  return { data: data as Float32Array, dims };
};

/** Asks for gradients at variants of each picture, and hands them out. */
function asking(variants: Dense, only?: readonly number[]) {
  const found: Dense[] = [];
  const method = defineMethod({
    name: "variants",
    space: "pixels",
    async explain({ image, k, atInputs }: Question) {
      const [n = 0, , ...grid] = image.dims;
      for (const i of range(n)) found.push(await atInputs(i, variants, "plain", only));
      const size = grid.reduce((a, b) => a * b, 1);
      return { maps: { data: new Float32Array(n * k * size).fill(1), dims: [n * k, ...grid] } };
    },
  });
  return { found, method };
}

/** The gradient of each class at each variant, as a picture of its own. */
async function reference(bytes: Uint8Array, variants: Dense, targets: readonly Target[], more: Feeds = {}) {
  const [count = 0, ...shape] = variants.dims;
  const size = variants.data.length / count;
  const all: number[] = [];
  const explainer = await open(bytes);
  for (const v of range(count))
    for (const target of targets) {
      const x = new ort.Tensor("float32", variants.data.slice(v * size, (v + 1) * size), [1, ...shape]);
      all.push(...numbers((await explainer.explain({ x, ...more }, { method: "gradient", target })).pixels));
    }
  await explainer.release();
  return all;
}

describe("of classes", () => {
  const variants = variantsOf(5);
  test.each([
    ["any number of pictures", vgg(), 2],
    ["one picture at a time", vgg({ free: [], input: [1, 3, 8, 8] }), 1],
  ])("a model of %s", async (_, bytes, n) => {
    for (const [target, targets] of [
      [3, [3]],
      [{ each: [0, 3] }, [0, 3]],
      [{ for: 1, against: 2 }, [{ for: 1, against: 2 }]],
    ] as const) {
      const { found, method } = asking(variants);
      await ask(bytes, images(n), { method, target: target as Target });
      const expected = await reference(bytes, variants, targets);
      expect(found.length).toBe(n);
      for (const { data, dims } of found) {
        expect(dims).toEqual([5 * targets.length, 3, 8, 8]);
        expect(apart([...data], expected)).toBeLessThan(1e-5);
      }
    }
  });

  test("a model of two pictures at a time, each with what is asked of it", async () => {
    const [fixed, free] = [vgg({ free: [] }), vgg()];
    const { found, method } = asking(variants);
    await ask(fixed, images(2), { method, target: [1, 4] });
    for (const [i, target] of [1, 4].entries())
      expect(apart([...(found[i]?.data ?? [])], await reference(free, variants, [target]))).toBeLessThan(1e-5);
  });

  test("one target of each variant", async () => {
    const { found, method } = asking(variants, [1, 0, 0, 1, 0]);
    await ask(vgg(), images(1), { method, target: { each: [0, 3] } });
    const all = await reference(vgg(), variants, [0, 3]);
    const expected = [1, 0, 0, 1, 0].flatMap((j, v) => all.slice((2 * v + j) * 192, (2 * v + j + 1) * 192));
    expect(found[0]?.dims).toEqual([5, 3, 8, 8]);
    expect(apart([...(found[0]?.data ?? [])], expected)).toBeLessThan(1e-5);
  });

  test("seeds, and another input that is the same for every picture", async () => {
    // y = flattened (x * factor)^2 times weights: the gradient depends on the picture and on the other input.
    const bytes = model({
      opset: 13,
      free: ["x"],
      inputs: { x: [1, 3, 8, 8], factor: [1, 3, 1, 1], w: weights([192, 5], 1) },
      nodes: [
        node("Mul", "x factor", "scaled"),
        node("Mul", "scaled scaled", "squared"),
        node("Flatten", "squared", "flat"),
        node("MatMul", "flat w", "y"),
      ],
    });
    const factor = new ort.Tensor("float32", Float32Array.of(1, 2, 3), [1, 3, 1, 1]);
    const feeds = { ...images(1), factor };
    const expected = await reference(bytes, variants, [2], { factor });
    for (const target of [2, { seeds: { y: new ort.Tensor("float32", Float32Array.of(0, 0, 1, 0, 0), [1, 5]) } }]) {
      const { found, method } = asking(variants);
      await ask(bytes, feeds, { method, target });
      expect(apart([...(found[0]?.data ?? [])], expected)).toBeLessThan(1e-5);
    }
  });

  test("seeds of several rows for each of several pictures", async () => {
    const seeds = {
      logits: new ort.Tensor(
        "float32",
        Float32Array.from({ length: 20 }, (_, i) => Number([1, 8, 14, 15].includes(i))),
        [4, 5],
      ),
    };
    const { found, method } = asking(variants);
    await ask(gap(), images(2), { method, target: { seeds } });
    // Rows 0 and 1 are of the first picture: classes 1 and 3; rows 2 and 3 of the second: 4 and 0.
    for (const [i, classes] of [
      [1, 3],
      [4, 0],
    ].entries())
      expect(apart([...(found[i]?.data ?? [])], await reference(gap(), variants, classes))).toBeLessThan(1e-5);
  });
});

test("no run has more rows than are allowed, and it ends between two of them", async () => {
  const explainer = await open(vgg());
  onTestFinished(() => explainer.release());
  const run = vi.spyOn((ort.InferenceSession as unknown as { prototype: Session }).prototype, "run");
  onTestFinished(() => run.mockRestore());
  const options = { target: { each: [0, 3] }, method: "smoothgrad", maxRows: 3 } as const;
  await explainer.explain(images(1), options);
  const sizes = run.mock.calls.map(([feeds]) => (feeds as Feeds).x?.dims[0] ?? 0);
  expect(Math.max(...sizes)).toBe(3);

  const controller = new AbortController();
  const seen: number[] = [];
  const asked = explainer.explain(images(1), {
    ...options,
    signal: controller.signal,
    onProgress: (done) => {
      seen.push(done);
      if (done > 0.4) controller.abort();
    },
  });
  await expectUserError(asked, "cancelled", "cancelled");
  expect(seen.at(-1)).toBeLessThan(0.6);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("of elements: pixels of several classes, asked together", async () => {
  const explainer = await open(unet());
  onTestFinished(() => explainer.release());
  const { name } = explainer.score;
  const pass = await ElementPass.run(ort, explainer, images(1), { wanted: [], prospects: [] });
  const places = [5, 70, 130];
  const questions = places.map((place) => ({ sum: [{ tensor: name, place, weight: 2 }], layer: undefined }));
  const variants = variantsOf(3);
  const { found, method } = asking(variants);
  await pass.explain(questions, { method });
  const [{ data, dims }] = found as [Dense];
  expect(dims).toEqual([9, 3, 8, 8]);
  const { dims: scores } = await explainer.forward(images(1)).then((forward) => forward.scores);
  for (const v of range(3))
    for (const [q, place] of places.entries()) {
      const x = new ort.Tensor("float32", variants.data.slice(v * 192, (v + 1) * 192), [1, 3, 8, 8]);
      const seed = new Float32Array(scores.reduce((a, b) => a * b, 1));
      seed[place] = 2;
      const seeds = { [name]: new ort.Tensor("float32", seed, scores) };
      const expected = numbers((await explainer.explain({ x }, { method: "gradient", target: { seeds } })).pixels);
      const from = (v * 3 + q) * 192;
      expect(apart([...data.subarray(from, from + 192)], expected)).toBeLessThan(1e-5);
    }
});

test("of words: with the probabilities that they have on the variant", async () => {
  const folder = fileURLToPath(new URL("../language/models", import.meta.url));
  const read = (file: string) => readModel(new Uint8Array(readFileSync(`${folder}/${file}`)));
  const narrator = sequenceDecoder(
    ort,
    read("vit-gpt2/onnx/encoder_model.onnx"),
    read("vit-gpt2/onnx/decoder_model.onnx"),
    24,
  );
  const sentences = new SequenceExplainer(ort, (places) => narrator.teller(places), {
    session: { intraOpNumThreads: 1 },
  });
  onTestFinished(() => sentences.release());
  const picture = (phase: number) => Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(0.37 * i + phase));
  const told = (data: Float32Array) =>
    sentences
      .see({ [narrator.teller(3).image]: new ort.Tensor("float32", data, [1, 3, 32, 32]) })
      .score([1, 5, 6], [5, 6, 7]);
  const words = [
    [1, 0, 0],
    [0, 1, 1],
  ];
  const variants = { data: new Float32Array([...picture(1), ...picture(2)]), dims: [2, 3, 32, 32] };
  const { found, method } = asking(variants);
  await (await told(picture(0))).explain(words, { method });
  const expected: number[] = [];
  for (const phase of [1, 2]) {
    const { pixels } = await (await told(picture(phase))).explain(words, { method: "gradient" });
    expected.push(...(pixels?.data ?? []));
  }
  expect(apart([...(found[0]?.data ?? [])], expected)).toBeLessThan(1e-5);
});
