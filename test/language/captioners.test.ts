/**
 * @file Captioners in users' layouts against PyTorch, word by word: the sentence that greedy and beam search find, each word's probability,
 * its map and its gradient at the pixels. Tiny models with random weights, made by scripts/export-language-models.py.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradCamSum } from "../../src/methods/grad-cam.ts";
import { layerMethod } from "../../src/methods/layer-map.ts";
import { type LoadedCaptioner, loadCaptioner } from "../../src/node/load-captioner.ts";
import type { Captioned, WordExplanation } from "../../src/tasks/language/captioning.ts";
import { farthest, testPicture } from "./picture.ts";

const models = fileURLToPath(new URL("models", import.meta.url));
const session = { intraOpNumThreads: 1 };

interface Expected {
  readonly greedy: readonly number[];
  readonly text: string;
  readonly beams3: readonly number[];
  readonly grid: readonly number[];
  readonly words: readonly {
    readonly word: number;
    readonly logProbability: number;
    readonly map: readonly number[];
    readonly pixels: readonly number[];
  }[];
}

describe.each(["cnn-lstm", "cnn-gru", "vit-gpt2", "merged", "blip", "git"])("%s", (name) => {
  const expected: Expected = JSON.parse(readFileSync(`${models}/${name}/expected.json`, "utf8"));
  let model: LoadedCaptioner;
  let said: Captioned;
  beforeAll(async () => {
    model = await loadCaptioner(`${models}/${name}`, { session });
    said = await model.explain(testPicture(), { beams: 1 });
  });
  afterAll(() => model.release());

  test("the sentence, greedy", () => {
    expect(said.caption.tokens.map(({ id }) => id)).toEqual(expected.greedy);
    expect(said.caption.text).toBe(expected.text);
    expect(said.generated).toBe(true);
  });

  test("the sentence, by three beams", async () => {
    const { tokens } = await model.captioner.caption(testPicture(), { beams: 3 });
    expect(tokens.map(({ id }) => id)).toEqual(expected.beams3);
  });

  test("a method by hand explains the words as a built-in one does", async () => {
    const mine = layerMethod(({ build, ...parts }) => build.mul(gradCamSum({ build, ...parts }), 2), {
      ...{ name: "mine", title: "Mine", summary: "Twice Grad-CAM's sum.", paper: "" },
    });
    const { explanations } = await model.explain(testPicture(), { beams: 1, method: [mine, "grad-cam"] });
    const [own, other] = ["mine", "grad-cam"].map((method) => explanations.filter((e) => e.method === method));
    expect(own.length).toBe(other.length);
    for (const [i, { map, methodTitle, layer }] of own.entries()) {
      expect([methodTitle, layer]).toEqual(["Mine", other[i].layer]);
      const rectified = Array.from(map.data, (v) => Math.max(0, v) / 2);
      expect(farthest(rectified, Array.from(other[i].map.data))).toBeLessThan(1e-5);
    }
  });

  test("each token's probability", () => {
    const got = said.caption.tokens.map(({ logProbability }) => logProbability);
    expect(
      farthest(
        got,
        expected.words.map(({ logProbability }) => logProbability),
      ),
    ).toBeLessThan(1e-5);
  });

  /** What several tokens share is the sum of theirs. */
  const reference = ({ tokens: [from, to] }: WordExplanation, key: "map" | "pixels") =>
    expected.words.slice(from, to).reduce<number[]>((sum, word) => word[key].map((v, i) => v + (sum[i] ?? 0)), []);

  test("each word's map, and the whole sentence's", () => {
    expect(said.explanations.length).toBeGreaterThan(1);
    for (const word of said.explanations) {
      expect(word.map.dims).toEqual(expected.grid);
      const map = reference(word, "map").map((v) => Math.max(0, v));
      expect(farthest([...word.map.data], map), word.question).toBeLessThan(2e-4);
    }
  });

  test("each word's gradient at the pixels", async () => {
    const { explanations } = await model.explain(testPicture(), { beams: 1, method: "gradient" });
    for (const word of explanations) {
      const pixels = [...(word.pixels?.data ?? [])].filter((_, i) => i % 97 === 0);
      expect(farthest(pixels, reference(word, "pixels")), word.question).toBeLessThan(2e-4);
    }
  });

  test("one word, and its opposite", async () => {
    const { text } = said.explanations[1];
    const one = await model.explain(testPicture(), { words: [text], beams: 1 });
    expect(one.explanations.every((word) => word.text === text)).toBe(true);
    const own = reference(one.explanations[0], "map").map((v) => Math.max(0, v));
    expect(farthest([...one.explanations[0].map.data], own)).toBeLessThan(2e-4);
    const against = await model.explain(testPicture(), { words: [text], beams: 1, counterfactual: true });
    const map = reference(one.explanations[0], "map").map((v) => Math.max(0, -v));
    expect(farthest([...against.explanations[0].map.data], map)).toBeLessThan(2e-4);
  });
});
