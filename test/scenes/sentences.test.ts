/** @file Captions and questions: what is drawn is true, the parser understands it, and truth is that of a scene laid out by hand. */
import { expect, test } from "vitest";
import {
  answers,
  answerTo,
  captionOf,
  captions,
  isTrue,
  makeScene,
  parseCaption,
  parseQuestion,
  questionKinds,
  questions,
  questionText,
  type Scene,
  type SceneObject,
  vocabulary,
} from "../../src/scenes/index.ts";

const seeds = Array.from({ length: 300 }, (_, seed) => seed);
const object = (
  shape: SceneObject["shape"],
  colour: SceneObject["colour"],
  rest: Partial<SceneObject>,
): SceneObject => ({
  shape,
  colour,
  size: "small",
  texture: "plain",
  x: 512,
  y: 512,
  radius: 100,
  tilt: 0,
  ...rest,
});
/** Above left a small red circle, above right a big striped blue square, below it a small dotted red star. */
const scene: Scene = {
  seed: 0,
  objects: [
    object("circle", "red", { x: 200, y: 200 }),
    object("square", "blue", { x: 800, y: 220, size: "big", texture: "striped" }),
    object("star", "red", { x: 780, y: 800, texture: "dotted" }),
  ],
};

test.each([
  ["a red circle left of a blue square", true],
  ["a small red circle left of a big striped blue square", true],
  ["A small red object LEFT of a  dotted star", true],
  ["a blue square right of a circle", true],
  ["a star below a square", true],
  ["a red circle above a red star", true],
  ["a blue square left of a red circle", false],
  ["a big red circle left of a blue square", false],
  ["a striped red circle left of a blue square", false],
  ["a red circle left of a dotted blue square", false],
  ["a green circle left of a blue square", false],
  // Their centres differ by less than a sixteenth of the side.
  ["a red circle above a blue square", false],
  // One object is not left of itself, nor two objects at once.
  ["a square left of a square", false],
  ["a red circle", false],
  ["a red circle left of", false],
  ["a circle red left of a blue square", false],
  ["", false],
])("%s: %s", (caption, truth) => {
  expect(isTrue(scene, caption)).toBe(truth);
});

test.each([
  ["what colour is the square", "blue"],
  ["What color is the star?", "red"],
  ["what colour is the small object", undefined],
  ["what shape is the blue object", "square"],
  ["what shape is the red object", undefined],
  ["what shape is the dotted red object", "star"],
  ["is there a red square", "no"],
  ["is there a striped object", "yes"],
  ["how many red objects are there", "2"],
  ["how many crosses are there", "0"],
  ["how many small red objects are there", "2"],
  ["is the circle left of the square", "yes"],
  ["is the circle right of the square", "no"],
  ["is the star below the blue square", "yes"],
  ["is the red object below the square", undefined],
  ["is the square bigger than the star", "yes"],
  ["is the star bigger than the square", "no"],
  ["is the star the same colour as the circle", "yes"],
  ["is the star the same colour as the square", "no"],
  ["are there more circles than triangles", "yes"],
  ["are there more circles than stars", "no"],
  ["why is the square blue", undefined],
  ["what colour is", undefined],
])("%s: %s", (question, answer) => {
  expect(answerTo(scene, question)).toBe(answer);
});

test("captions that are drawn are true, different, and read back as they were meant", () => {
  for (const seed of seeds) {
    const drawn = makeScene(seed);
    for (const caption of captions(drawn, 3)) {
      expect([caption, isTrue(drawn, caption)]).toEqual([caption, true]);
      expect(captionOf(parseCaption(caption)!)).toBe(caption);
    }
  }
  expect(new Set(seeds.map((seed) => captions(makeScene(seed))[0])).size).toBeGreaterThan(290);
  expect(captions(makeScene(1), 3).slice(0, 2)).toEqual(captions(makeScene(1), 2));
});

test("a caption whose relation is turned round is false where it names two single objects", () => {
  const turned = { "left of": "right of", "right of": "left of", above: "below", below: "above" } as const;
  let tried = 0;
  for (const seed of seeds) {
    const drawn = makeScene(seed);
    const claim = parseCaption(captions(drawn)[0])!;
    const single = (d: typeof claim.subject) => answerTo(drawn, { kind: "count", of: d }) === "1";
    if (!single(claim.subject) || !single(claim.object)) continue;
    tried++;
    expect(isTrue(drawn, captionOf({ ...claim, relation: turned[claim.relation] }))).toBe(false);
  }
  expect(tried).toBeGreaterThan(150);
});

test("questions that are drawn are understood, and their answers are the truth", () => {
  const seen = new Map<string, Map<string, number>>();
  for (const seed of seeds) {
    const drawn = makeScene(seed);
    for (const { kind, text, answer } of questions(drawn, 2)) {
      const question = parseQuestion(text)!;
      expect(question.kind).toBe(kind);
      expect(questionText(question)).toBe(text);
      expect(answerTo(drawn, `${text}?`)).toBe(answer);
      const counts = seen.get(kind) ?? new Map<string, number>();
      seen.set(kind, counts.set(answer, (counts.get(answer) ?? 0) + 1));
    }
  }
  expect([...seen.keys()].sort()).toEqual([...questionKinds].sort());
  // No constant answer is right much more often than half of the time.
  for (const [kind, counts] of seen) {
    const all = [...counts.values()];
    const most = Math.max(...all) / all.reduce((a, b) => a + b, 0);
    expect([kind, most < 0.6]).toEqual([kind, true]);
  }
  expect(new Set([...seen.values()].flatMap((counts) => [...counts.keys()]))).toEqual(new Set(answers));
});

test("the vocabulary has every word once, and only words that are used", () => {
  expect(new Set(vocabulary).size).toBe(vocabulary.length);
  const used = new Set(vocabulary.slice(0, 4));
  for (let seed = 0; seed < 1500; seed++) {
    const drawn = makeScene(seed);
    for (const text of [...captions(drawn, 2), ...questions(drawn, 2).map((asked) => asked.text)])
      for (const word of text.split(" ")) used.add(word);
  }
  expect([...used].filter((word) => !vocabulary.includes(word))).toEqual([]);
  expect(vocabulary.filter((word) => !used.has(word))).toEqual([]);
});
