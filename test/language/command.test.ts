/** @file `gradcam caption` and `gradcam ask` as a person runs them. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { encodePng } from "../../src/image/sharp.ts";
import { filesIn, folder, gradcam, within } from "../cli/run.ts";
import { testPicture } from "./picture.ts";

const models = fileURLToPath(new URL("models", import.meta.url));
let picture: Uint8Array;
beforeAll(async () => {
  picture = await encodePng(testPicture());
});

test("a mask of a word that is not explained is refused", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "scene.png"), picture);
  const asked = ["caption", "scene.png", "--model", path.join(models, "cnn-lstm"), "--caption", "a red circle"];
  const { code, stderr } = await gradcam([...asked, "--mask", "unicorn=scene.png", "--threads", "1"], cwd);
  expect([code, stderr]).toEqual([
    2,
    'gradcam: unknown word in --mask: "unicorn"; the explained words are a, red, circle\n',
  ]);
});

test("caption: a line of JSON, a sheet, a page, and a map for each word", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "scene.png"), picture);
  const half = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).map((_, i) => (i % 96 < 48 ? 255 : 0)) };
  writeFileSync(path.join(cwd, "mask.png"), await encodePng(half));
  const model = path.join(models, "cnn-lstm");
  const options = [
    "--caption",
    "a red circle",
    "--instead",
    "a blue square",
    "--mask",
    "circle=mask.png",
    "--threads",
    "1",
  ];
  const { code, stdout, stderr } = await within(["caption", "scene.png", "--model", model, ...options, "--json"], cwd);
  expect([code, stderr]).toEqual([0, ""]);
  const result = JSON.parse(stdout);
  expect(result.image).toBe("scene.png");
  expect(result.model.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(result.caption.text).toBe("a red circle");
  expect(result.caption.tokens.map(({ text }: { text: string }) => text)).toEqual(["a", "red", "circle", "<end>"]);
  const total = result.caption.tokens.reduce((sum: number, t: { logProbability: number }) => sum + t.logProbability, 0);
  expect(result.caption.logProbability).toBeCloseTo(total, 5);
  const questions = [
    "a red circle",
    "a",
    "red",
    "circle",
    "a red circle rather than a blue square",
    "a blue square rather than a red circle",
  ];
  expect(result.explanations.map(({ question }: { question: string }) => question)).toEqual(questions);
  expect(result.explanations[3].insideOutside).toBeGreaterThan(0);
  expect(result.explanations[2].insideOutside).toBeUndefined();
  const out = path.join(cwd, "gradcam-out");
  const files = filesIn(out);
  expect(files).toEqual(expect.arrayContaining(["manifest.json", "scene.grad-cam.html", "scene.grad-cam.sheet.png"]));
  for (const { map, overlay } of result.explanations)
    expect(files).toEqual(expect.arrayContaining([map.file, overlay]));
  const page = readFileSync(path.join(out, "scene.grad-cam.html"), "utf8");
  expect(page).not.toMatch(/(src|href)="(?!data:)/);
  expect(page.match(/<button /g)).toHaveLength(6);
});

test("ask: answers with probabilities, and the maps of the best side by side", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "scene.png"), picture);
  const model = path.join(models, "cnn-lstm-answers");
  const asked = ["ask", "scene.png", "a red circle", "--model", model, "--answers", "top2", "--threads", "1"];
  const { code, stdout, stderr } = await within([...asked, "--json"], cwd);
  expect([code, stderr]).toEqual([0, ""]);
  const result = JSON.parse(stdout);
  expect(result.question).toBe("a red circle");
  expect(result.answers).toHaveLength(5);
  expect(result.answers.reduce((sum: number, a: { probability: number }) => sum + a.probability, 0)).toBeCloseTo(1, 5);
  expect(result.explanations.map((e: { class: number }) => e.class)).toEqual(
    result.answers.slice(0, 2).map((a: { class: number }) => a.class),
  );
  expect(filesIn(path.join(cwd, "gradcam-out"))).toContain(result.sheets[0].sheet);
});

test("ask: a generated answer, as a whole and word by word", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "scene.png"), picture);
  const asked = ["ask", "scene.png", "a red circle ?", "--model", path.join(models, "blip-vqa"), "--threads", "1"];
  const { code, stdout, stderr } = await within([...asked, "--answers", "a red circle", "--json"], cwd);
  expect([code, stderr]).toEqual([0, ""]);
  const { answers, explanations, sheets } = JSON.parse(stdout);
  expect(answers).toHaveLength(2);
  expect(answers[1].label).toBe("a red circle");
  const total = answers[1].tokens.reduce((sum: number, t: { logProbability: number }) => sum + t.logProbability, 0);
  expect(answers[1].score).toBeCloseTo(total, 5);
  const texts = explanations.map((e: { question: string; word?: { text: string } }) => [e.question, e.word?.text]);
  expect(texts[0]).toEqual(["a red circle", undefined]);
  expect(texts).toContainEqual(['"circle" of a red circle', "circle"]);
  const files = filesIn(path.join(cwd, "gradcam-out"));
  for (const { map, overlay } of explanations) expect(files).toEqual(expect.arrayContaining([map.file, overlay]));
  expect(files).toContain(sheets[0].sheet);
});

test("a mistake is one line, and ends with 2", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "scene.png"), picture);
  const model = path.join(models, "cnn-lstm-answers");
  const { code, stdout, stderr } = await within(["ask", "scene.png", "where is waldo", "--model", model], cwd);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^gradcam: unknown words: "where", "is", "waldo" in the question; the model knows [^\n]*\n$/);
});
