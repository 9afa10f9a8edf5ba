/** @file What any method can be told: layers fused, images augmented, channels smoothed; of every method that says it can. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { type GivenOptions, type MethodName, methods, openExplainer } from "../../src/index.ts";
import { firstComponent } from "../../src/methods/first-component.ts";
import { fused } from "../../src/methods/fuse.ts";
import { ask, expectClose, expectUserError, numbers, session } from "../explain/ask.ts";
import { tensor } from "../models.ts";
import { gap, images, unet, vgg } from "../nets.ts";
import { small, smallPicture } from "./nets.ts";

const others = new Set(["d-rise", "cam", "edges"]);
const pixels = new Set(["gradient", "guided-grad-cam", "input-x-gradient", "smoothgrad", "full-grad"]);
const having = (option: string) =>
  methods
    .filter(({ name, family, options = [] }) => {
      const asked = family === "cam" || family === "concepts" || pixels.has(name);
      return asked && !others.has(name) && options.some((one) => one.name === option);
    })
    .map(({ name }) => [name] as const);
const mapOf = async (bytes: Uint8Array, method: MethodName, options: GivenOptions = {}, target = 1) => {
  const { maps } = await ask(bytes, images(), { method, target, options });
  return { data: Float32Array.from(numbers(maps)), dims: [...maps.dims] };
};

describe("layers", () => {
  const at = async (layer: string) => {
    const { maps } = await ask(unet(), images(), { target: 1, layer });
    return { data: Float32Array.from(numbers(maps)), dims: [...maps.dims] };
  };
  test("a number: the layer and the last one of each finer grid", async () => {
    const { data, dims } = await mapOf(unet(), "grad-cam", { layers: 2 });
    expect(dims).toEqual([2, 8, 8]);
    expectClose([...data], [...fused([await at("deep"), await at("last")]).data]);
  });
  test("names, and the map lies on the finest", async () => {
    const answer = await ask(unet(), images(), { target: 1, options: { layers: "deep, features" } });
    expect(answer.layer).toBe("features");
    expectClose(numbers(answer.maps), [...fused([await at("deep"), await at("features")]).data]);
  });
  test("what there is not", async () => {
    await expectUserError(mapOf(unet(), "grad-cam", { layers: 9 }), "invalid-option", /layers on 2 grids/);
    await expectUserError(mapOf(unet(), "grad-cam", { layers: "deep,none" }), "unknown-name", /unknown layer: "none"/);
    await expectUserError(mapOf(unet(), "grad-cam", { layers: 0 }), "invalid-option", /an integer of at least 1/);
  });
});

describe("augment", () => {
  // The network treats every pixel alike, so that the mirror image has the mirrored map.
  test("mirrored, and back again", async () => {
    const { maps } = await ask(small, smallPicture, { target: 0, options: { augment: "mirror" } });
    expectClose(numbers(maps), [0.75, 2, 1.5, 0.75]);
  });
  test("brighter and darker: the mean of the three", async () => {
    const one = async (factor: number) => {
      const x = tensor(
        [1, -2, -1, 3].map((v) => v * factor),
        [1, 1, 2, 2],
      );
      return numbers((await ask(small, { x }, { target: 0 })).maps);
    };
    const [dark, usual, bright] = [await one(0.9), await one(1), await one(1.1)];
    const { maps } = await ask(small, smallPicture, { target: 0, options: { augment: "brightness" } });
    expectClose(
      numbers(maps),
      usual.map((v, i) => (v + dark[i] + bright[i]) / 3),
    );
  });
  test.each(having("augment"))("%s: of as many images, in its own shape", async (name) => {
    const few = methods.find((method) => method.name === name)?.options?.some((one) => one.name === "samples") ?? false;
    const usual = await mapOf(vgg(), name, few && name !== "score-cam" ? { samples: 2 } : {});
    const other = await mapOf(vgg(), name, { augment: "mirror", ...(few && name !== "score-cam" && { samples: 2 }) });
    expect(other.dims).toEqual(usual.dims);
    expect(other.data.every(Number.isFinite)).toBe(true);
    expect([...other.data]).not.toEqual([...usual.data]);
  });
  test("seeds are those of one image", () =>
    expectUserError(
      ask(small, smallPicture, { target: { seeds: { y: tensor([1, 0], [1, 2]) } }, options: { augment: "mirror" } }),
      "invalid-option",
      /augment shows other images/,
    ));
});

describe("smooth", () => {
  test("the first principal component of the weighted channels", async () => {
    // 1/4 A0 and 2/4 A1, each less its mean.
    const weighted = Float32Array.of(...[1, 0, 0, 3].map((v) => v / 4), ...[1, 4, 3, 0].map((v) => v / 2));
    const { maps } = await ask(small, smallPicture, {
      target: 0,
      options: { smooth: "principal-component", sign: "signed" },
    });
    expectClose(numbers(maps), [...firstComponent(weighted, 2)]);
  });
  test.each(having("smooth"))("%s: another map, with a mean of 0", async (name) => {
    const [usual, smooth] = [
      await mapOf(vgg(), name, { sign: "signed" }),
      await mapOf(vgg(), name, { sign: "signed", smooth: "principal-component" }),
    ];
    expect(smooth.dims).toEqual(usual.dims);
    expect([...smooth.data]).not.toEqual([...usual.data]);
    const places = smooth.data.slice(0, 64);
    const scale = Math.max(...places.map(Math.abs));
    expect(scale).toBeGreaterThan(0);
    expect(Math.abs(places.reduce((a, b) => a + b, 0)) / scale).toBeLessThan(1e-3);
  });
  test("compiled, it is the same", async () => {
    const explainer = await openExplainer(ort, gap({ free: ["x"] }), { session });
    const options = { smooth: "principal-component" };
    const bytes = compile(explainer, { options, classInput: "required" });
    const runner = await ort.InferenceSession.create(bytes, session);
    const asked = { gradcam_target: new ort.Tensor("int64", BigInt64Array.of(1n), [1]) };
    const { gradcam_map } = await runner.run({ x: images().x as ort.Tensor, ...asked });
    expectClose([...(gradcam_map.data as Float32Array)], [...(await mapOf(gap(), "grad-cam", options)).data]);
    expect(() => compile(explainer, { options: { layers: 2 } })).toThrow(/"layers" is no constant of the graph/);
    await explainer.release();
  });
});
