/** @file Every method of the registry, by one table: a new method needs a row here. */
import { describe, expect, test } from "vitest";
import { methods } from "../../src/index.ts";
import { loadMethod, methodNames } from "../../src/methods/by-name.ts";
import { ask, numbers } from "../explain/ask.ts";
import { gap, images, vgg } from "../nets.ts";
import { vit } from "../vit.ts";

const plain = { bytes: vgg, layer: "features", grid: [8, 8] };
const pooled = { ...plain, bytes: gap };
const transformer = { bytes: vit, layer: "b1n", grid: [4, 4] };

/** What a method answers to 2 images [3, 8, 8] and 2 classes; of a network of its own where it takes no other. */
const cases: Readonly<
  Record<
    string,
    | {
        readonly signed: boolean;
        readonly pixels: boolean;
        readonly net?: { readonly bytes: () => Uint8Array; readonly layer: string; readonly grid: readonly number[] };
      }
    | { readonly refused: RegExp }
  >
> = {
  "grad-cam": { signed: false, pixels: false },
  "hires-cam": { signed: false, pixels: false },
  "guided-backprop": { signed: false, pixels: true },
  "guided-grad-cam": { signed: false, pixels: true },
  deconvolution: { signed: false, pixels: true },
  gradient: { signed: false, pixels: true },
  occlusion: { signed: true, pixels: false },
  "layer-cam": { signed: false, pixels: false },
  "d-rise": { refused: /^invalid method: d-rise compares boxes, [^\n]*$/ },
  odam: { signed: false, pixels: false },
  "grad-cam++": { signed: false, pixels: false },
  "element-wise-grad-cam": { signed: false, pixels: false },
  "xgrad-cam": { signed: false, pixels: false },
  "eigen-cam": { signed: false, pixels: false },
  "eigen-grad-cam": { signed: false, pixels: false },
  "score-cam": { signed: false, pixels: false },
  "ablation-cam": { signed: false, pixels: false },
  "finer-cam": { signed: false, pixels: false },
  cam: { signed: true, pixels: false, net: pooled },
  "smooth-grad-cam++": { signed: false, pixels: false },
  "recipro-cam": { signed: true, pixels: false },
  random: { signed: false, pixels: false },
  "input-x-gradient": { signed: false, pixels: true },
  smoothgrad: { signed: false, pixels: true },
  vargrad: { signed: false, pixels: true },
  squaregrad: { signed: false, pixels: true },
  "integrated-gradients": { signed: false, pixels: true },
  "gradient-shap": { signed: false, pixels: true },
  "blur-ig": { signed: false, pixels: true },
  "guided-ig": { signed: false, pixels: true },
  deeplift: { signed: false, pixels: true },
  rise: { signed: true, pixels: false },
  lime: { signed: true, pixels: false },
  "kernel-shap": { signed: true, pixels: false },
  sobol: { signed: false, pixels: false },
  hsic: { signed: false, pixels: false },
  "extremal-perturbation": { signed: false, pixels: false },
  "minimal-sufficient": { signed: false, pixels: false },
  xrai: { signed: true, pixels: false },
  edges: { signed: false, pixels: false },
  lrp: { signed: true, pixels: true },
  "attn-lrp": { signed: true, pixels: true },
  "excitation-backprop": { signed: false, pixels: true },
  attention: { signed: false, pixels: false, net: transformer },
  "attention-rollout": { signed: false, pixels: false, net: transformer },
  "gradient-x-attention": { signed: false, pixels: false, net: transformer },
  chefer: { signed: false, pixels: false, net: transformer },
  legrad: { signed: false, pixels: false, net: transformer },
  "shapley-cam": { signed: false, pixels: false },
  "full-grad": { signed: false, pixels: false },
  "deconv-grad-cam": { signed: false, pixels: true },
  "deep-feature-factorisation": { signed: true, pixels: false },
};

test("every method has a case, and every case a method", () => {
  const names = methods.map(({ name }) => name);
  expect(names.filter((name) => !cases[name]).map((name) => `add a case for ${name}`)).toEqual([]);
  expect(Object.keys(cases).filter((name) => !(names as string[]).includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test("a method is loaded by its name, and is the registry's", async () => {
  expect([...methodNames].sort()).toEqual(methods.map(({ name }) => name).sort());
  for (const method of methods) expect(await loadMethod(method.name)).toBe(method);
});

describe.each(methods.map((method) => [method.name, method] as const))("%s", (name, method) => {
  test("says what it is", () => {
    expect(method.title).toMatch(/^[A-Z]/);
    expect(method.summary).toMatch(/\.$/);
    expect(method.paper).toMatch(/\d{4}, https:\/\/(arxiv\.org\/abs\/\d{4}\.\d{4,5}|doi\.org\/10\.\d{4,}\/\S+)$/);
    expect(Object.values(method).join()).not.toContain("TODO");
  });

  const expected: (typeof cases)[string] = cases[name] ?? { signed: true, pixels: false };
  if ("refused" in expected)
    test("refuses what is no question of its kind", () =>
      expect(ask(vgg(), images(), { method: name, target: { each: [0, 3] } })).rejects.toThrow(expected.refused));
  else
    test("answers with maps of the right form that are not all alike", async () => {
      const { bytes, layer, grid } = expected.net ?? plain;
      const answer = await ask(bytes(), images(), { method: name, target: { each: [0, 3] } });
      expect(answer.maps).toMatchObject({ type: "float32", dims: [4, ...grid] });
      expect(answer.layer).toBe(method.space === "layer" ? layer : undefined);
      expect(answer.pixels?.dims).toEqual(expected.pixels ? [4, 3, 8, 8] : undefined);
      const values = [...numbers(answer.maps), ...numbers(answer.pixels)];
      expect(values.every(Number.isFinite)).toBe(true);
      expect(new Set(numbers(answer.maps)).size).toBeGreaterThan(1);
      if (!expected.signed) expect(Math.min(...numbers(answer.maps))).toBeGreaterThanOrEqual(0);
    });
});
