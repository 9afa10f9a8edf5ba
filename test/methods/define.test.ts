/** @file A method by hand is taken wherever a name is, and what it does wrong is its author's error, never a map. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Dense } from "../../src/array/dense.ts";
import { compile } from "../../src/compile.ts";
import {
  byImage,
  defineMethod,
  flatGrid,
  type LayerMap,
  layerMethod,
  type Method,
  type MethodChoice,
  type MethodDefinition,
  methods,
  type Question,
} from "../../src/index.ts";
import { methodOf } from "../../src/methods/by-name.ts";
import { Classifier } from "../../src/tasks/classify/classification.ts";
import { ask, expectClose, expectUserError, numbers, open, session } from "../explain/ask.ts";
import { gap, images, vgg } from "../nets.ts";
import { blocks, blocksPicture } from "./nets.ts";

/** Grad-CAM without its rectifier: the class's evidence with its sign. */
const signedMap: LayerMap = (parts) =>
  parts.build.matMul(byImage(parts, parts.build.reduceMean(parts.da, parts.grid)), flatGrid(parts));
const about = { title: "Signed CAM", summary: "Grad-CAM without its rectifier.", paper: "None, 2026" };
const signed = layerMethod(signedMap, { name: "signed-cam", ...about });

/** Input x gradient, as the guide has it, and nothing that need not be said. */
const inputXGradient: MethodDefinition = {
  name: "own-input-x-gradient",
  space: "pixels",
  async explain({ image, k, atInput }: Question) {
    const { data, dims } = await atInput("plain");
    const size = data.length / dims[0];
    const product = data.map((g, i) => g * image.data[Math.floor(i / size / k) * size + (i % size)]);
    const cells = size / dims[1];
    const maps = new Float32Array(dims[0] * cells);
    for (const [i, v] of product.entries()) maps[Math.floor(i / size) * cells + (i % cells)] += v;
    return { maps: { data: maps, dims: [dims[0], ...dims.slice(2)] }, pixels: { data: product, dims } };
  },
};

/** One that gives what it is told. */
const giving = (answer: unknown, space: Method["space"] = "pixels") =>
  ({ name: "mine", space, explain: async () => answer }) as unknown as MethodDefinition;
const zeros = (...dims: number[]): Dense => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });
const asked = (method: MethodDefinition) =>
  ask(vgg(), images(), { method: method as Method, target: { each: [0, 3] } });

describe("what is taken", () => {
  test("at a layer: Grad-CAM is its positive part", async () => {
    for (const target of [{ each: [0, 3] }, 1, { for: 0, against: 3 }] as const) {
      const mine = await ask(vgg(), images(), { method: signed, target });
      const builtIn = await ask(vgg(), images(), { method: "grad-cam", target });
      expect(mine.layer).toBe("features");
      expect(mine.maps.dims).toEqual(builtIn.maps.dims);
      expect(Math.min(...numbers(mine.maps))).toBeLessThan(0);
      expect(numbers(mine.maps).map((v) => Math.max(0, v))).toEqual(numbers(builtIn.maps));
    }
  });

  test("at the pixels, by an object that says the least; of a linear score the map's sum is what it tells of it", async () => {
    const { maps, pixels } = await asked(inputXGradient);
    const { pixels: gradient } = await ask(vgg(), images(), { method: "gradient", target: { each: [0, 3] } });
    expect(maps.dims).toEqual([4, 8, 8]);
    const x = numbers(images().x);
    const expected = numbers(gradient).map((g, i) => Math.fround(g * x[Math.floor(i / 384) * 192 + (i % 192)]));
    expect(numbers(pixels)).toEqual(expected);
  });

  test("of a forward pass, beside names, and by whatever is passed on: its method is its own", async () => {
    const explainer = await open(vgg());
    class Mine implements Method {
      readonly name = "of-a-class";
      readonly title = "Of a class";
      readonly summary = "";
      readonly paper = "";
      readonly space = "layer";
      readonly map = signedMap;
      async explain(question: Question) {
        return { maps: await question.atLayer(this.map) };
      }
    }
    const forward = await explainer.forward(images());
    const [own, same] = [await forward.explain({ method: new Mine() }), await forward.explain({ method: signed })];
    expect(numbers(own.maps)).toEqual(numbers(same.maps));
    await explainer.release();
  });

  test("two methods whose maps have the same text", async () => {
    const scaled = (factor: number) =>
      layerMethod((parts) => parts.build.mul(signedMap(parts), factor), { ...about, name: `times-${factor}` });
    const explainer = await open(vgg());
    const [once, twice] = [scaled(1), scaled(2)];
    for (const target of [1, { for: 0, against: 3 }] as const) {
      const [one, two] = [
        await explainer.explain(images(), { method: once, target }),
        await explainer.explain(images(), { method: twice, target }),
      ];
      expectClose(
        numbers(two.maps),
        numbers(one.maps).map((v) => 2 * v),
      );
    }
    await explainer.release();
  });

  test("by classifiers, whose answers have its name and title", async () => {
    const labels = ["a", "b", "c", "d", "e"];
    const classifier = await Classifier.open(ort, gap({ input: [1, 3, 8, 8] }), { name: "gap", labels, session });
    const picture = { width: 8, height: 8, data: new Uint8Array(192).map((_, i) => (i * 37) % 256) };
    const { explanations } = await classifier.explain(picture, {
      method: [signed, "grad-cam", inputXGradient as Method],
    });
    expect(explanations.map(({ method }) => method)).toEqual(["signed-cam", "grad-cam", "own-input-x-gradient"]);
    expect(explanations.map(({ methodTitle }) => methodTitle)).toEqual([
      "Signed CAM",
      "Grad-CAM",
      "own-input-x-gradient",
    ]);
    const twice = classifier.explain(picture, { method: [signed, { ...signed }] });
    await expectUserError(twice, "invalid-option", /invalid methods: .*; allowed is different names/);
    await classifier.release();
  });

  test("by compile: the file's maps are the explainer's, and it says the name", async () => {
    const explainer = await open(vgg({ input: [2, 3, 8, 8] }));
    const bytes = compile(explainer, { method: signed });
    expect(Buffer.from(bytes).includes("signed-cam")).toBe(true);
    const run = await ort.InferenceSession.create(bytes, session);
    const { x } = images();
    const { gradcam_map: map } = await run.run({ x }, ["gradcam_map"]);
    const { maps } = await explainer.explain({ x }, { method: signed });
    expect(numbers(map)).toEqual(numbers(maps));
    expect(() => compile(explainer, { method: inputXGradient as Method })).toThrow(
      'invalid method: "own-input-x-gradient" takes many runs',
    );
    await run.release();
    await explainer.release();
  });

  test("nobody's method has a built-in one's name", async () => {
    const taken = { ...methods[0] } as Method;
    await expect(methodOf(taken)).rejects.toThrow('invalid name of a method: "grad-cam"; allowed is a name of its own');
  });

  test("a built-in method's object is the method itself, and a definition has one identity", async () => {
    for (const method of methods) expect(await methodOf(method)).toBe(method);
    const mine = defineMethod(inputXGradient);
    expect(defineMethod(inputXGradient)).toBe(mine);
    expect(defineMethod(mine)).toBe(mine);
  });
});

describe("what is refused when it is defined", () => {
  const { explain } = inputXGradient;
  const rows: readonly (readonly [string, unknown, string])[] = [
    ["no object", 3, "invalid method: 3; allowed is a name, or an object { name, space, explain }"],
    ["nothing", null, "invalid method: null"],
    ["no name", { space: "layer", explain }, "invalid name of a method: undefined"],
    [
      "a name that is no file's",
      { name: "a/b", space: "layer", explain },
      'invalid name of a method: "a/b"; allowed is letters',
    ],
    [
      "no space",
      { name: "mine", explain },
      'invalid space of the method "mine": undefined; allowed is "layer" or "pixels"',
    ],
    ["no explain", { name: "mine", space: "layer" }, 'invalid explain of the method "mine": undefined'],
    [
      "a graph that is none",
      { name: "mine", space: "layer", explain, graph: 1 },
      'invalid graph of the method "mine": 1',
    ],
  ];
  test.each(rows)("%s", async (_, given, words) => {
    expect(() => defineMethod(given as MethodDefinition)).toThrow(words);
    if (given !== null) await expectUserError(asked(given as MethodDefinition), "invalid-option", words.slice(0, 30));
  });
  test("a name that is none says the names", () =>
    expectUserError(
      ask(gap(), images(), { method: "gradcam" as MethodChoice as "grad-cam" }),
      "unknown-name",
      "allowed are grad-cam",
    ));
});

describe("what is refused when it explains: expected and seen", () => {
  const nan = zeros(4, 8, 8);
  nan.data[3 * 64 + 2 * 8 + 5] = Number.NaN;
  const rows: readonly (readonly [string, MethodDefinition, string, string])[] = [
    ["nothing", giving(undefined), "invalid-option", 'invalid answer of the method "mine": undefined'],
    ["no maps", giving({}), "invalid-option", "invalid maps .*allowed is { data: a Float32Array"],
    ["a plain list", giving({ maps: [1, 2] }), "invalid-option", "allowed is { data: a Float32Array"],
    [
      "a map for each image alone",
      giving({ maps: zeros(2, 8, 8) }),
      "invalid-option",
      "expected \\[4, 8, 8\\], seen \\[2, 8, 8\\] with 128",
    ],
    [
      "channels",
      giving({ maps: zeros(4, 3, 8, 8) }),
      "invalid-option",
      "expected \\[4, 8, 8\\], seen \\[4, 3, 8, 8\\]",
    ],
    ["another size", giving({ maps: zeros(4, 4, 4) }), "invalid-option", "seen \\[4, 4, 4\\]"],
    [
      "a shape that lies",
      giving({ maps: { ...zeros(4, 8, 8), data: new Float32Array(7) } }),
      "invalid-option",
      "with 7 values",
    ],
    [
      "another grid than the layer's",
      giving({ maps: zeros(4, 4, 4) }, "layer"),
      "invalid-option",
      "expected \\[4, 8, 8\\], seen \\[4, 4, 4\\]",
    ],
    ["no number", giving({ maps: nan }), "not-finite", "expected finite numbers, seen NaN at \\[3, 2, 5\\]"],
    [
      "infinity",
      giving({ maps: zeros(4, 8, 8), pixels: { data: new Float32Array(768).fill(1 / 0), dims: [4, 3, 8, 8] } }),
      "not-finite",
      "pixels .* seen Infinity at \\[0, 0, 0, 0\\]",
    ],
    [
      "pixels of another shape",
      giving({ maps: zeros(4, 8, 8), pixels: zeros(4, 8, 8) }),
      "invalid-option",
      "pixels .*expected \\[4, 3, 8, 8\\]",
    ],
  ];
  test.each(rows)("%s", (_, method, code, words) =>
    expectUserError(asked(method), code as "not-finite", new RegExp(words)),
  );

  test("a layer's map for the pixels", () => {
    const explain = async (question: Question) => ({ maps: await question.atLayer(signedMap) });
    const method = { name: "mine", space: "pixels", explain } as Method;
    return expectUserError(
      ask(blocks, blocksPicture, { method, target: 0 }),
      "invalid-option",
      /expected \[1, 4, 4\], seen \[1, 2, 2\]/,
    );
  });

  const maps: Readonly<Record<string, readonly [LayerMap, RegExp]>> = {
    "a map of each channel": [flatGrid, /expected \[4, 8, 8\], seen \[\d+, 8, 8\]/],
    "a sum over positions": [(p) => p.build.reduceSum(signedMap(p), [2]), /expected \[n, k, 64\], seen \[n, k, 1\]/],
    "gradients as they are": [({ da }) => da, /expected \[n, k, 64\], seen \[n, 6, 8, 8\]/],
    "no tensor": [() => undefined as never, /seen no tensor/],
  };
  test.each(Object.entries(maps))("at a layer, %s", async (title, [map, words]) => {
    const method = layerMethod(map, { ...about, name: "mine" });
    await expectUserError(asked(method), "invalid-option", words);
    const explainer = await open(vgg());
    expect(() => compile(explainer, { method }), title).toThrow(/expected \[n, 1, 64\], seen/);
    await explainer.release();
  });

  test("what divides by nothing, at a layer", () =>
    expectUserError(
      asked(layerMethod((p) => p.build.div(signedMap(p), p.build.mul(signedMap(p), 0)), { ...about, name: "mine" })),
      "not-finite",
      /seen (NaN|-?Infinity) at/,
    ));
});
