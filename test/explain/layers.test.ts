/** @file Where a map lies: the default layer of several plans, the list of candidates, and names that will not do. */
import { describe, expect, test } from "vitest";
import type { TokenGrid } from "../../src/read/layout.ts";
import { node } from "../models.ts";
import {
  channelsLast,
  classToken,
  gap,
  images,
  linear,
  patchTokens,
  squeezeExcite,
  unet,
  unruled,
  vgg,
  weights,
  windows,
  withInput,
} from "../nets.ts";
import { ask, expectUserError, numbers, open } from "./ask.ts";

const nets = {
  "global pooling": [gap(), ["features"]],
  "Flatten behind a MaxPool": [vgg(), ["features"]],
  "squeeze and excitation": [squeezeExcite(), ["scaled", "features"]],
  segmentation: [unet(), ["deep", "last", "joined", "up", "features"]],
  "channels last": [channelsLast(), ["features"]],
  "tokens and a sum": [patchTokens(), ["tokens", "hidden", "embedded"]],
  "windows joined again": [windows(), ["joined", "features"]],
  "segmentation of free size": [withInput(unet(), ["N", 3, "H", "W"]), ["deep", "last", "joined", "up", "features"]],
} as const;

describe("layers, the default first", () => {
  test.each(Object.keys(nets) as (keyof typeof nets)[])("%s", async (name) => {
    const [bytes, expected] = nets[name];
    const explainer = await open(bytes);
    expect(explainer.layers.map((layer) => layer.name)).toEqual(expected);
    await explainer.release();
  });

  test("shape and grid; -1 for the batch", async () => {
    const explainer = await open(vgg());
    expect(explainer.layers).toEqual([{ name: "features", shape: [-1, 6, 8, 8], grid: [8, 8] }]);
    await explainer.release();
  });

  test("a named layer comes first, even one that is no candidate", async () => {
    const explainer = await open(unet(), { layer: "features" });
    expect(explainer.layers.map(({ name }) => name)).toEqual(["features", "deep", "last", "joined", "up"]);
    await explainer.release();
    const inner = await open(gap(), { layer: "conv" });
    expect(inner.layers[0]).toEqual({ name: "conv", shape: [-1, 6, 8, 8], grid: [8, 8] });
    await inner.release();
  });
});

describe("patches that do not reach the score", () => {
  test("are not listed, and the nearest layer that does takes their place, which says so", async () => {
    const usual = await open(classToken());
    expect(usual.layers[0]).toEqual({ name: "tokens", shape: [-1, 17, 6], grid: [4, 4] });
    const named = await open(classToken(), { layer: "last" });
    expect(named.layers[0]).toEqual({ ...usual.layers[0], insteadOf: "last" });
    const feeds = images();
    const { maps, layer } = await usual.explain(feeds, { target: 1, layer: "last" });
    expect(layer).toBe("tokens");
    expect(numbers(maps)).toEqual(numbers((await usual.explain(feeds, { target: 1 })).maps));
    expect(numbers(maps).some((v) => v > 0)).toBe(true);
    await usual.release();
    await named.release();
  });
});

describe("tokens laid out as the caller says", () => {
  const grids = async (tokens: TokenGrid) => {
    const { maps } = await ask(patchTokens(), images(), { target: 0 }, { tokens });
    return maps.dims;
  };
  test("another grid of as many", async () => expect(await grids({ grid: [2, 8] })).toEqual([2, 2, 8]));
  test("behind a token", async () => expect(await grids({ grid: [3, 5], prefix: 1 })).toEqual([2, 3, 5]));
  test("the map is that of the tokens named", async () => {
    const feeds = images();
    const [found, said] = [{}, { tokens: { grid: [2, 8] } }].map((o) => ask(patchTokens(), feeds, { target: 0 }, o));
    expect(numbers((await said).maps)).toEqual(numbers((await found).maps));
  });
  test.each([{ grid: [4, 5] }, { grid: [4, 4], prefix: 1 }])("no room: %o", (tokens) =>
    expectUserError(open(patchTokens(), { tokens }), "invalid-option", /^UserError: invalid tokens: no layer has room/),
  );
  test("a layer of other channels is followed to its grid, and takes another one", async () => {
    const layer = "hidden";
    const found = await ask(patchTokens(), images(), { target: 0 }, { layer });
    expect(found.maps.dims).toEqual([2, 4, 4]);
    const { maps } = await ask(patchTokens(), images(), { target: 0 }, { layer, tokens: { grid: [2, 8] } });
    expect(maps.dims).toEqual([2, 2, 8]);
    expect(numbers(maps)).toEqual(numbers(found.maps));
  });
});

test("a layer named in the question", async () => {
  const { maps, layer } = await ask(unet(), images(), { target: 0, layer: "last" });
  expect({ layer, dims: maps.dims }).toEqual({ layer: "last", dims: [2, 8, 8] });
});

describe("layers that will not do", () => {
  /** "aside" is computed from the features, but no score reads it; "steps" is read through a declared zero only. */
  const aside = gap({
    after: [
      node("Conv", "features aw", "aside"),
      node("Floor", "features", "steps"),
      node("ReduceMean", "steps", "level", { axes: [2, 3], keepdims: 0 }),
      node("ReduceSum", "level", "total", { keepdims: 1 }),
      node("Add", "logits total", "scores"),
    ],
    constants: { aw: weights([2, 6, 1, 1], 20) },
    outputs: ["scores", "aside"],
  });
  const asked = (layer: string) => [open(aside, { layer }), ask(aside, images(), { target: 0, layer })];

  test.each([
    ["nowhere", "unknown-name", 'unknown layer: "nowhere"; candidates are features'],
    ["x", "unknown-name", 'unknown layer: "x"'],
    ["aside", "no-path", '"aside" has no differentiable path to scores'],
    ["flat", "invalid-option", 'invalid layer: "flat" has shape [-1,6] and no grid; candidates are features'],
  ] as const)("%s", async (layer, code, words) => {
    for (const promise of asked(layer)) await expectUserError(promise, code, words);
  });

  test("a candidate is what the score depends on", async () => {
    const explainer = await open(aside);
    expect(explainer.layers.map(({ name }) => name)).toEqual(["features"]);
    await explainer.release();
  });

  test("an operator without a rule behind the layer is named, and methods without gradients do without it", async () => {
    const bytes = unruled();
    const words = /com.microsoft.Trilu node "triangle".*has no gradient rule/;
    await expectUserError(ask(bytes, images(), { target: 0 }), "unsupported-operator", words);
    await expectUserError(ask(bytes, images(), { target: 0, method: "gradient" }), "unsupported-operator", words);
    expect((await ask(bytes, images(), { target: 0, method: "occlusion" })).maps.dims).toEqual([2, 8, 8]);
  });

  test("a model without a layer still answers in pixel space, and says so of maps", async () => {
    const flat = linear();
    const { maps } = await ask(flat, images(), { target: 0, method: "gradient" });
    expect(maps.dims).toEqual([2, 8, 8]);
    await expectUserError(ask(flat, images(), { target: 0 }), "no-path", "no layer with a grid");
  });
});
