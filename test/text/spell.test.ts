/** @file How steps become a text, against every alignment counted one by one. */
import { describe, expect, test } from "vitest";
import { softmax } from "../../src/tasks/classify/probability.ts";
import { namedClasses } from "../../src/tasks/text/characters.ts";
import { logProbability, spell } from "../../src/tasks/text/spell.ts";

/** What a path of classes spells, by the definition: repeats become one, then blanks are left out. */
const collapsed = (path: readonly number[], blank: number) =>
  path.filter((c, t) => c !== path[t - 1]).filter((c) => c !== blank);

/** The probability of each text, by summing over all paths. */
function byPaths(steps: readonly (readonly number[])[], blank: number): Map<string, number> {
  const sums = new Map<string, number>();
  const walk = (path: readonly number[], probability: number): void => {
    const step = steps[path.length];
    if (!step) {
      const text = collapsed(path, blank).join();
      sums.set(text, (sums.get(text) ?? 0) + probability);
    } else for (const [c, p] of step.entries()) walk([...path, c], probability * p);
  };
  walk([], 1);
  return sums;
}

const scores = (steps: number, classes: number, seed: number) =>
  Array.from({ length: steps }, (_, t) =>
    Float32Array.from({ length: classes }, (_, c) => 3 * Math.sin(seed + 7 * t + 13 * c * (t + 1))),
  );

describe.each([0, 2])("blank %i", (blank) => {
  test.each([1, 2, 3])("the probability of every text is the sum over its alignments (%i)", (seed) => {
    const steps = scores(6, 3, seed).map(softmax);
    const all = byPaths(steps, blank);
    expect([...all.values()].reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    for (const [text, probability] of all) {
      const classes = text === "" ? [] : text.split(",").map(Number);
      expect(Math.exp(logProbability(steps, classes, blank)), text).toBeCloseTo(probability, 8);
    }
    const spelled = spell(scores(6, 3, seed), blank, "ctc");
    expect(spelled.probability).toBeCloseTo(all.get(spelled.characters.map((c) => c.class).join()) ?? 0, 8);
  });
});

test("repeats are one character, at its most probable step; a blank between them makes two", () => {
  const at = (c: number, score: number) => Float32Array.from({ length: 3 }, (_, k) => (k === c ? score : 0));
  const { characters } = spell([at(1, 2), at(1, 5), at(0, 4), at(1, 3), at(2, 6), at(2, 1)], 0, "ctc");
  expect(characters.map(({ class: c, step }) => [c, step])).toEqual([
    [1, 1],
    [1, 3],
    [2, 4],
  ]);
  expect(characters[0]?.probability).toBeCloseTo(Math.exp(5) / (Math.exp(5) + 2), 6);
});

test("an attention head says a character a step, equal ones too, until the text ends", () => {
  const at = (c: number) => Float32Array.from({ length: 3 }, (_, k) => (k === c ? 4 : 0));
  const p = Math.exp(4) / (Math.exp(4) + 2);
  const { characters, probability } = spell([at(1), at(1), at(2), at(0), at(1)], 0, "attention");
  expect(characters.map((c) => c.class)).toEqual([1, 1, 2]);
  expect(probability).toBeCloseTo(p ** 4, 6);
  expect(spell([at(1)], 0, "attention").probability).toBeCloseTo(p, 6);
});

test("a picture of nothing has no characters, and the probability of silence", () => {
  const { characters, probability } = spell([Float32Array.of(2, 0), Float32Array.of(2, 0)], 0, "ctc");
  expect(characters).toEqual([]);
  expect(probability).toBeCloseTo((Math.exp(2) / (Math.exp(2) + 1)) ** 2, 6);
});

describe("lists of characters", () => {
  test.each([
    ["with the blank by its name", ["<blank>", "a", "b"], 3, undefined, ["<blank>", "a", "b"], 0],
    ["with the blank last", ["a", "b", "[blank]"], 3, undefined, ["a", "b", "[blank]"], 2],
    ["without the blank, which is the first", ["a", "b"], 3, 0, ["", "a", "b"], 0],
    ["without the blank, which is the last", ["a", "b"], 3, 2, ["a", "b", ""], 2],
    ["without blank and space, as PaddleOCR's", ["a", "b"], 4, undefined, ["", "a", "b", " "], 0],
  ])("%s", (_, list, classes, at, characters, silent) => {
    const named = namedClasses(list, classes);
    expect(named.silent ?? at).toBe(silent);
    expect(named.characters(silent)).toEqual(characters);
  });

  test("of another length are refused", () => {
    expect(() => namedClasses(["a"], 4)).toThrow(
      /^invalid labels: 1 characters for a model of 4 classes; expected 4 with the blank, 3 without it, or 2 without blank and space$/,
    );
  });
});
