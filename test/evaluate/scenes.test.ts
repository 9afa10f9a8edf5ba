/** @file Scenes as datasets, and questions: what is read of them is what was painted, and an answerer is measured by it. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ClassNames } from "../../src/evaluate/datasets/classes.ts";
import { readDataset } from "../../src/evaluate/datasets/index.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import { openSample } from "../../src/evaluate/sample.ts";
import { sourceAt } from "../../src/evaluate/source.ts";
import { Examiner } from "../../src/evaluate/work.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { answers, answerTo, makeScene, paint, questions, shapes } from "../../src/scenes/index.ts";
import { expectMistake } from "../cli/mistake.ts";
import { folder, repository, within } from "../cli/run.ts";

const model = (name: string) => path.join(repository, "models", name);

test("scenes have the pixels, masks and boxes that were painted", async () => {
  const source = sourceAt("scenes:500000-500004");
  const { samples, remarks } = await readDataset(source, new ClassNames(shapes));
  expect(remarks).toEqual([]);
  expect(samples.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4].map((i) => `${500_000 + i}.png`));
  for (const [i, sample] of samples.entries()) {
    const scene = makeScene(500_000 + i);
    const painting = paint(scene);
    const { picture, annotations, labels } = await openSample(sample, source);
    expect(Buffer.from(picture.data).equals(painting.picture.data)).toBe(true);
    expect(annotations.map(({ name }) => name)).toEqual(scene.objects.map(({ shape }) => shape));
    const big = scene.objects.filter(({ size }) => size === "big");
    expect(labels).toEqual(big.length === 1 ? [shapes.indexOf(big[0].shape)] : undefined);
    for (const [k, { mask, box = [0, 0, 0, 0] }] of annotations.entries()) {
      expect(Buffer.from(mask?.data ?? []).equals(painting.masks[k])).toBe(true);
      // The smallest box: every pixel is inside, and each of its sides has one.
      const points = [...painting.masks[k].keys()].filter((p) => painting.masks[k][p]);
      const [xs, ys] = [points.map((p) => p % 96), points.map((p) => Math.floor(p / 96))];
      for (const [least, most, at] of [
        [box[0], box[2], xs],
        [box[1], box[3], ys],
      ] as const) {
        expect(at.every((v) => v >= least && v < most)).toBe(true);
        expect(at).toEqual(expect.arrayContaining([least, most - 1]));
      }
    }
  }
});

test("questions about scenes come with their answers, and the objects that they are about", async () => {
  const source = sourceAt("scenes-questions:3");
  const { samples } = await readDataset(source, new ClassNames(answers));
  const asked = [0, 1, 2].flatMap((seed) => questions(makeScene(seed)).map(({ text }) => `${seed}.png: ${text}`));
  expect(samples.map(({ id }) => id)).toEqual([...new Set(asked)]);
  for (const { id, question = "", labels, objects } of samples) {
    const scene = makeScene(Number.parseInt(id, 10));
    expect(labels).toEqual([answers.indexOf(answerTo(scene, question) as (typeof answers)[number])]);
    const about = /^what (?:colour|shape) is/.test(question) ? 1 : undefined;
    if (about) expect(objects).toHaveLength(about);
    for (const { classes } of objects) expect(classes).toEqual(labels);
  }
});

test.each(["scenes:", "scenes:0", "scenes:9-3", "scenes:many", "scenes-questions:-4", "scenes:1-2-3"])(
  "%s is refused",
  (location) => {
    expect(() => sourceAt(location)).toThrow(
      `invalid dataset: ${location}; allowed are scenes:COUNT and scenes:FIRST-LAST, scenes-questions:COUNT`,
    );
  },
);

/** easy-VQA's layout, with a scene for a picture. */
async function easyVqa(cwd: string, entries: unknown): Promise<void> {
  mkdirSync(path.join(cwd, "set/images"), { recursive: true });
  writeFileSync(path.join(cwd, "set/images/0.png"), await encodePng(paint(makeScene(0)).picture));
  writeFileSync(path.join(cwd, "set/questions.json"), JSON.stringify(entries));
}

test("easy-VQA's layout; what does not fit is counted", async () => {
  const cwd = folder();
  const entry = ["is there a circle?", "yes", 0];
  await easyVqa(cwd, [entry, entry, ["is there a star?", "perhaps", 0], ["is there a star?", "no", 7]]);
  const { samples, remarks } = await readDataset(sourceAt(path.join(cwd, "set")), new ClassNames(answers));
  expect(samples).toEqual([
    {
      id: "images/0.png: is there a circle?",
      picture: "images/0.png",
      question: "is there a circle?",
      labels: [answers.indexOf("yes")],
      objects: [],
    },
  ]);
  expect(remarks.map(({ what, count }) => [what, count])).toEqual([
    ["questions that are asked twice", 1],
    ["questions with answers that the model does not have: perhaps", 1],
    ["questions without a picture", 1],
  ]);
  await easyVqa(cwd, [["is there a circle?", "yes"]]);
  await expect(readDataset(sourceAt(path.join(cwd, "set")), new ClassNames(answers))).rejects.toThrow(
    "invalid questions.json: not a list of [question, answer, number]",
  );
});

test("an answerer is evaluated on questions by what classifiers are", async () => {
  const { evaluation } = await evaluate({
    ...{ dataset: "scenes-questions:1", model: model("scenes-answerer"), out: path.join(folder(), "out") },
    ...{ methods: ["grad-cam"], metrics: ["occlusion-correlation", "energy-pointing-game"] },
    async examineAll(samples, { work, onAnswer }) {
      const examiner = await Examiner.open(work);
      for (const sample of samples) onAnswer({ id: sample.id, examined: await examiner.examine(sample), seconds: 0 });
      await examiner.close();
    },
  });
  const { samples } = await readDataset(sourceAt("scenes-questions:1"), new ClassNames(answers));
  expect(evaluation.examined).toBe(samples.length);
  expect(evaluation.right?.of).toBe(samples.length);
  // 97 % on many.
  expect(evaluation.right?.count).toBeGreaterThan(0.7 * samples.length);
  expect(evaluation.model).toMatchObject({ name: "scenes-answerer", layer: "grid" });
  const { figures } = evaluation;
  const value = (name: string) => figures.find(({ figure }) => figure === name)?.value;
  expect(value("share")).toBeGreaterThan(0.1); // an object covers about 3 % of its picture
  expect(value("correlation")).toBeGreaterThan(0);
});

test("questions are for answerers, pictures alone for classifiers", async () => {
  const cwd = folder();
  mkdirSync(path.join(cwd, "set"));
  writeFileSync(path.join(cwd, "set/0.png"), await encodePng(paint(makeScene(0)).picture));
  const run = async (name: string, lines: string) => {
    writeFileSync(path.join(cwd, "set/manifest.csv"), lines);
    return within(["evaluate", "set", "--model", model(name), "--metrics", "deletion"], cwd);
  };
  expectMistake(
    await run("scenes-answerer", "picture,label\n0.png,yes"),
    cwd,
    "answers questions, and 0.png asks none",
  );
  const asking = "picture,label,question\n0.png,281,is there a cat?";
  expectMistake(await run("efficientnet-lite0", asking), cwd, "takes no question, and 0.png: is there a cat? asks one");
});
