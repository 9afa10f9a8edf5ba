/**
 * @file Answerers that write their answers against PyTorch, word by word: BLIP for question answering, and a vision-language model (LLaVA)
 * in the layout of transformers.js, three ONNX files each. Tiny models with random weights, made by scripts/export-language-models.py.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LoadedAnswerer, loadAnswerer } from "../../src/node/load-answerer.ts";
import { loadCaptioner } from "../../src/node/load-captioner.ts";
import type { AnswerExplanation, Answered } from "../../src/tasks/language/answering.ts";
import { farthest, testPicture } from "./picture.ts";

interface Word {
  readonly logProbability: number;
  readonly map: readonly number[];
  readonly pixels: readonly number[];
}

/** Of some words, the sum. */
const sum = (words: readonly Word[], key: "map" | "pixels") =>
  words.reduce<number[]>((total, word) => word[key].map((v, i) => v + (total[i] ?? 0)), []);
const logOf = (words: readonly Word[]) => words.reduce((total, { logProbability }) => total + logProbability, 0);
const rectified = (map: readonly number[]) => map.map((v) => Math.max(0, v));

describe.each(["blip-vqa", "llava"])("%s", (name) => {
  const folder = fileURLToPath(new URL(`models/${name}`, import.meta.url));
  const expected: {
    readonly question: string;
    readonly grid: readonly number[];
    readonly greedy: readonly number[];
    readonly text: string;
    readonly words: readonly Word[];
    readonly beams3: readonly (readonly number[])[];
    readonly given: { readonly text: string; readonly tokens: readonly number[]; readonly words: readonly Word[] };
  } = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));

  let model: LoadedAnswerer;
  let why: Answered;
  const ask = (options: Parameters<LoadedAnswerer["ask"]>[2]) => model.ask(testPicture(), expected.question, options);
  beforeAll(async () => {
    model = await loadAnswerer(folder, { session: { intraOpNumThreads: 1 } });
    why = await ask({});
  });
  afterAll(() => model.release());

  function expectMap({ map, question }: AnswerExplanation, reference: readonly number[]): void {
    expect(map.dims).toEqual(expected.grid);
    expect(farthest([...map.data], rectified(reference)), question).toBeLessThan(2e-4);
  }

  test("the answer, greedy, and its tokens' probabilities", () => {
    const [{ label, tokens = [], score, probability }] = why.predictions;
    expect(tokens.map(({ id }) => id)).toEqual(expected.greedy);
    expect(label).toBe(expected.text);
    const logs = expected.words.map(({ logProbability }) => logProbability);
    expect(
      farthest(
        tokens.map(({ logProbability }) => logProbability),
        logs,
      ),
    ).toBeLessThan(1e-5);
    expect(farthest([score], [logOf(expected.words)])).toBeLessThan(1e-5);
    expect(probability).toBeCloseTo(Math.exp(logOf(expected.words)), 6);
  });

  test("the maps of the answer and of each of its words lie on the vision encoder", () => {
    const words = why.explanations.filter(({ word }) => word);
    expect(words.length).toBeGreaterThan(1);
    expect(why.explanations).toHaveLength(1 + words.length);
    expect(why.explanations[0].layer).toMatch(/^encoder\//);
    expectMap(why.explanations[0], sum(expected.words, "map"));
    for (const explanation of words)
      expectMap(explanation, sum(expected.words.slice(...(explanation.word?.tokens ?? [])), "map"));
  });

  test("the gradients at the pixels", async () => {
    const { explanations } = await ask({ method: "gradient" });
    for (const { pixels, word, question } of explanations) {
      const some = [...(pixels?.data ?? [])].filter((_, i) => i % 97 === 0);
      const reference = sum(expected.words.slice(...(word?.tokens ?? [0])), "pixels");
      expect(farthest(some, reference), question).toBeLessThan(2e-4);
    }
  });

  test("the best answers, as beams find them", async () => {
    const { predictions, explanations } = await ask({ answers: ["top3"] });
    expect(predictions.map(({ tokens }) => tokens?.map(({ id }) => id))).toEqual(expected.beams3);
    expect(new Set(explanations.map((e) => e.class))).toEqual(new Set([0, 1, 2]));
  });

  test("an answer of a person's, what speaks against it, and rather than another", async () => {
    const { text, tokens, words } = expected.given;
    const { predictions, explanations } = await ask({ answers: [text] });
    expect(predictions).toHaveLength(2);
    expect(predictions[1].tokens?.map(({ id }) => id)).toEqual(tokens);
    expect(farthest([predictions[1].score], [logOf(words)])).toBeLessThan(1e-5);
    expectMap(explanations[0], sum(words, "map"));
    const against = await ask({ answers: [text], counterfactual: true });
    expectMap(
      against.explanations[0],
      sum(words, "map").map((v) => -v),
    );
    const rather = await ask({ against: text });
    expect(rather.explanations).toHaveLength(1);
    const other = sum(words, "map");
    expectMap(
      rather.explanations[0],
      sum(expected.words, "map").map((v, i) => v - other[i]),
    );
  });
});

test("a vision-language model is asked for a caption", async () => {
  const folder = fileURLToPath(new URL("models/llava", import.meta.url));
  const { caption, grid } = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));
  const model = await loadCaptioner(folder, { session: { intraOpNumThreads: 1 } });
  const said = await model.explain(testPicture());
  await model.release();
  expect(said.caption.tokens.map(({ id }) => id)).toEqual(caption.tokens);
  for (const { map, tokens, question } of said.explanations) {
    expect(map.dims).toEqual(grid);
    const words: Word[] = caption.words.slice(...tokens);
    expect(farthest([...map.data], rectified(sum(words, "map"))), question).toBeLessThan(2e-4);
  }
});
