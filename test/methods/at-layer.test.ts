/** @file What lies behind a layer, run forwards on changed activations: of every kind of network, and of elements. */
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { defineMethod, methods } from "../../src/index.ts";
import { load } from "../../src/node.ts";
import { DataType } from "../../src/onnx/proto.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { makeScene, paint } from "../../src/scenes/index.ts";
import { ask, expectClose, expectUserError, numbers, open } from "../explain/ask.ts";
import {
  channelsLast,
  classToken,
  gap,
  halfPrecision,
  images,
  patchTokens,
  squeezeExcite,
  unet,
  vgg,
} from "../nets.ts";

/** Four numbers of each target: the score as it is, with the layer's first channel doubled, with all of it doubled, without it. */
const probe = defineMethod({
  ...{ name: "probe", space: "pixels" },
  async explain({ image, k, activations, respondAtLayer }) {
    const all: number[] = [];
    for (let i = 0; i < image.dims[0]; i++) {
      const { dims } = await activations(i);
      const [, channels, ...grid] = dims;
      const data = new Float32Array(4 * channels).fill(1);
      data[channels] = 2;
      data.fill(2, 2 * channels, 3 * channels).fill(0, 3 * channels);
      const scores = await respondAtLayer(i, { data, dims: [4, channels, ...grid.map(() => 1)] });
      for (const row of scores) all.push(...row);
    }
    const size = image.data.length / image.dims[0] / image.dims[1];
    const maps = new Float32Array(image.dims[0] * k * size);
    for (let row = 0; row < image.dims[0] * k; row++) maps.set(all.slice(row * 4, row * 4 + 4), row * size);
    return { maps: { data: maps, dims: [image.dims[0] * k, ...image.dims.slice(2)] } };
  },
});

const lastChannels = (feeds: Feeds): Feeds => ({
  image: new ort.Tensor("float32", feeds.x.data as Float32Array, [2, 8, 8, 3]),
});
const nets: Readonly<Record<string, readonly [Uint8Array, Feeds, string?]>> = {
  gap: [gap(), images()],
  vgg: [vgg(), images()],
  "vgg of a fixed batch": [vgg({ free: [] }), images()],
  squeezeExcite: [squeezeExcite(), images()],
  "unet, with a skip connection beside the layer": [unet(), images(), "deep"],
  "unet, in front of the skip connection": [unet(), images(), "last"],
  patchTokens: [patchTokens(), images()],
  classToken: [classToken(), images()],
  channelsLast: [channelsLast(), lastChannels(images())],
  halfPrecision: [halfPrecision(DataType.FLOAT), images()],
};

describe.each(Object.keys(nets))("%s", (name) => {
  const [bytes, feeds, layer] = nets[name];
  const close = name === "halfPrecision" ? 0.01 : 1e-5;

  test("factors of 1 leave every score as it is, of every picture and class; others do not", async () => {
    const explainer = await open(bytes);
    const forward = await explainer.forward(feeds, { layer });
    const { maps } = await forward.explain({ method: probe, target: { each: [0, 2] } });
    await explainer.release();
    const { data, dims } = forward.scores;
    const [n, classes, ...grid] = dims;
    const places = grid.reduce((a, b) => a * b, 1);
    const mean = (i: number, c: number) => {
      const from = (i * classes + c) * places;
      return data.slice(from, from + places).reduce((a, b) => a + b, 0) / places;
    };
    const size = numbers(maps).length / maps.dims[0];
    const rows = Array.from({ length: maps.dims[0] }, (_, row) => numbers(maps).slice(row * size, row * size + 4));
    expectClose(
      rows.map(([own]) => own),
      Array.from({ length: n }, (_, i) => [mean(i, 0), mean(i, 2)]).flat(),
      close,
    );
    expect(rows.some(([own, one, whole, none]) => own !== one && own !== whole && own !== none)).toBe(true);
  });

  test("a place at a time, alone: finite, and not all alike", async () => {
    const { maps } = await ask(bytes, feeds, { method: "recipro-cam", target: 2, layer });
    expect(numbers(maps).every(Number.isFinite)).toBe(true);
    expect(new Set(numbers(maps)).size).toBeGreaterThan(1);
  });
});

test("behind global pooling, the places alone are the score's parts: with the bias taken once they make it up", async () => {
  const { maps, outputs } = await ask(gap(), images(), { method: "recipro-cam", target: 1 });
  const none = await ask(gap(), images(), { method: probe, target: 1 });
  const [n, , size] = [2, 0, 64];
  for (let i = 0; i < n; i++) {
    const parts = numbers(maps).slice(i * size, (i + 1) * size);
    const bias = numbers(none.maps)[i * size + 3];
    const whole = parts.reduce((sum, part) => sum + part - bias, bias);
    expect(whole).toBeCloseTo(numbers(outputs.logits)[i * outputs.logits.dims[1] + 1], 4);
  }
});

describe("boxes of a detector", () => {
  const detector = fileURLToPath(new URL("../../models/scenes-detector", import.meta.url));
  const { picture } = paint(makeScene(17), 224);
  const ofClasses = ["finer-cam", "smooth-grad-cam++"] as const;
  const family = methods.filter(
    ({ family, name }) => family === "cam" && ![...ofClasses, "score-cam", "cam"].includes(name),
  );

  test("all but those that compare classes explain them", async () => {
    const model = await load(detector);
    try {
      const names = family.map(({ name }) => name);
      const { explanations } = await model.explain(picture, {
        targets: ["box:0", "box:1"],
        method: names,
        options: { sign: "absolute" },
      });
      expect(explanations).toHaveLength(2 * names.length);
      for (const { map, method } of explanations) {
        expect(map.data.every(Number.isFinite), method).toBe(true);
        expect(new Set(map.data).size, method).toBeGreaterThan(1);
      }
      for (const method of ofClasses) {
        const asked = model.explain(picture, { targets: ["box:0"], method });
        await expectUserError(asked, "invalid-option", `invalid method: ${method} `);
      }
    } finally {
      await model.release();
    }
  });
});
