/** @file Options of methods: what is told reaches the method, whoever asks; what no method has, or no range holds, is refused. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { notesOf } from "../../src/explain/compiled.ts";
import { defineMethod, type GivenOptions, methods, openExplainer } from "../../src/index.ts";
import { optionsFor, ownOptions } from "../../src/methods/options.ts";
import { readModel } from "../../src/onnx/model.ts";
import { Classifier } from "../../src/tasks/classify/classification.ts";
import { ask, expectUserError, numbers, session } from "../explain/ask.ts";
import { small, smallPicture, weighted } from "./nets.ts";

const signed = methods.filter(
  ({ options = [], readsAttentions }) => !readsAttentions && options.some(({ name }) => name === "sign"),
);
const mapOf = async (method: string, options: GivenOptions) =>
  numbers((await ask(small, smallPicture, { method: method as "grad-cam", target: 1, options })).maps);

test("class 1 of the small network: 3 A0 - A1 over 4, by its sign", async () => {
  const sum = [0.5, -1, -0.75, 2.25];
  expect(await mapOf("grad-cam", {})).toEqual([0.5, 0, 0, 2.25]);
  expect(await mapOf("grad-cam", { sign: "positive" })).toEqual([0.5, 0, 0, 2.25]);
  expect(await mapOf("grad-cam", { sign: "negative" })).toEqual([0, 1, 0.75, 0]);
  expect(await mapOf("grad-cam", { sign: "absolute" })).toEqual(sum.map(Math.abs));
  expect(await mapOf("grad-cam", { sign: "signed" })).toEqual(sum);
});

test.each(signed.map(({ name }) => [name]))(
  "%s: positive less negative is signed, both together absolute",
  async (method) => {
    const of = (sign: GivenOptions["sign"]) => mapOf(method, { sign });
    const [positive, negative] = [await of("positive"), await of("negative")];
    const [absolute, whole] = [await of("absolute"), await of("signed")];
    positive.forEach((value, i) => {
      expect(value - negative[i]).toBeCloseTo(whole[i], 5);
      expect(value + negative[i]).toBeCloseTo(absolute[i], 5);
      expect(Math.min(value, negative[i])).toBeGreaterThanOrEqual(0);
    });
  },
);

test("occlusion by a patch of its own", async () => {
  const x = new ort.Tensor(
    "float32",
    Float32Array.from({ length: 16 }, (_, i) => i),
    [1, 1, 4, 4],
  );
  const options = { patch: 2, stride: 2 };
  const { maps } = await ask(
    weighted(Array(16).fill(1), [1, 4, 4]),
    { x },
    { method: "occlusion", target: 0, options },
  );
  const sums = [0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9 + 12 + 13, 10 + 11 + 14 + 15];
  expect(numbers(maps)).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3].map((patch) => sums[patch]));
});

test("defaults are within their ranges, and ranges are said", () => {
  for (const { name, options = [] } of methods)
    for (const option of options) {
      expect(option.fits(option.default), `${option.name} of ${name}`).toBe(true);
      expect(option.range).toMatch(/^(an|a|one of) /);
      for (const unfit of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY, {}, "no such"])
        if (option.name !== "layers" || unfit !== "no such")
          // which is the name of a layer, until there is a model
          expect(option.fits(unfit), `${option.name} of ${name}: ${unfit}`).toBe(false);
    }
});

describe("refused before any run", () => {
  const refused = (method: "grad-cam" | "gradient" | "occlusion", options: unknown, words: string) =>
    expectUserError(ask(small, smallPicture, { method, options: options as GivenOptions }), "invalid-option", words);
  test("an option that the method has not", () =>
    refused("grad-cam", { samples: 50 }, 'unknown option of grad-cam: "samples"; allowed are sign'));
  test("an option of a method that has none", () =>
    refused("gradient", { sign: "signed" }, 'unknown option of gradient: "sign"; allowed are augment'));
  test("a value out of range", () =>
    refused(
      "grad-cam",
      { sign: "both" },
      'invalid option sign of grad-cam: "both"; allowed is one of positive, negative',
    ));
  test("a fraction of a pixel", () => refused("occlusion", { patch: 1.5 }, "1.5; allowed is an integer of at least 1"));
  test("steps that would skip pixels", () => refused("occlusion", { patch: 1, stride: 2 }, "invalid stride: 2"));
  test("no object", () => refused("grad-cam", ["sign"], "invalid options"));
});

describe("several methods", () => {
  const [cam, gradient, occlusion] = ["grad-cam", "gradient", "occlusion"].map((name) =>
    methods.find((method) => method.name === name),
  ) as [(typeof methods)[number], (typeof methods)[number], (typeof methods)[number]];
  test("an option belongs to those that have it, the others keep theirs", () => {
    const told = optionsFor([cam, gradient, occlusion], { sign: "absolute", patch: 8, stride: 4 });
    expect(told).toEqual([{ sign: "absolute" }, {}, { patch: 8, stride: 4 }]);
    expect(ownOptions(occlusion, { sign: "absolute", patch: 8 })).toEqual({ patch: 8 });
  });
  test("one that none has", () =>
    expect(() => optionsFor([cam, gradient], { patch: 8 })).toThrow(
      'unknown option of grad-cam, gradient: "patch"; allowed are sign',
    ));
  test("a classifier tells each its own", async () => {
    const classifier = await Classifier.open(ort, small, { name: "small", session });
    const sample = { data: smallPicture.x.data as Float32Array, dims: [1, 1, 2, 2] };
    const asked = { method: ["grad-cam", "gradient"] as const, classes: [1], options: { sign: "signed" } as const };
    const { explanations } = await classifier.explain(sample as never, asked);
    expect([...explanations[0].map.data]).toEqual([0.5, -1, -0.75, 2.25]);
    await expectUserError(
      classifier.explain(sample as never, { ...asked, options: { patch: 8 } }),
      "invalid-option",
      "unknown option of grad-cam, gradient",
    );
    // Class 0 has no negative part: A0 + 2 A1.
    const [none] = (await classifier.explain(sample as never, { classes: [0], options: { sign: "negative" } }))
      .explanations;
    expect(none.blank).toBe('no negative evidence for "class 0" at A');
    await classifier.release();
  });
});

test("a method of one's own has options too", async () => {
  const scaled = defineMethod({
    ...{ name: "scaled", space: "pixels" },
    options: [{ name: "by", default: 2, range: "a number", fits: (value) => typeof value === "number" }],
    explain: async ({ image, options }) => ({
      maps: { data: image.data.map((v) => v * Number(options.by)), dims: [1, 2, 2] },
    }),
  });
  const of = async (options?: GivenOptions) =>
    numbers((await ask(small, smallPicture, { method: scaled, options })).maps);
  expect(await of()).toEqual([2, -4, -2, 6]);
  expect(await of({ by: 3 })).toEqual([3, -6, -3, 9]);
  await expectUserError(of({ sign: "signed" }), "invalid-option", 'unknown option of scaled: "sign"; allowed are by');
});

describe("compiled", () => {
  test("the sign is a constant of the graph", async () => {
    const explainer = await openExplainer(ort, small, { session });
    const bytes = compile(explainer, { options: { sign: "signed" }, classInput: "required" });
    const compiled = await ort.InferenceSession.create(bytes, session);
    const asked = { gradcam_target: new ort.Tensor("int64", BigInt64Array.of(1n), [1]) };
    const { gradcam_map } = await compiled.run({ x: smallPicture.x as ort.Tensor, ...asked });
    expect([...(gradcam_map.data as Float32Array)]).toEqual([0.5, -1, -0.75, 2.25]);
    expect(notesOf(readModel(bytes))?.options).toBe('{"sign":"signed"}');
    expect(() => compile(explainer, { options: { samples: 3 } })).toThrow("unknown option of grad-cam");
    await explainer.release();
  });
});
