/** @file The bundled scene models: files as their checksums say, and right as often as their cards say, on a few scenes. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { answers, vocabulary } from "../../src/scenes/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const speakers = ["scenes-captioner", "scenes-captioner-transformer", "scenes-answerer"];
const names = [...speakers, "easy-vqa-answerer", "scenes-shortcut", "scenes-detector"];

describe.each(names)("%s", (name) => {
  const directory = path.join(root, "models", name);

  test("has its card, its licence, and files of the stated sums", () => {
    for (const file of ["README.md", "LICENSE"]) expect(existsSync(path.join(directory, file))).toBe(true);
    const lines = readFileSync(path.join(directory, "SHA256SUMS"), "utf8").trim().split("\n");
    const stated = lines.map((line) => line.split("  "));
    for (const [sum, file] of stated)
      expect([
        file,
        createHash("sha256")
          .update(readFileSync(path.join(directory, file)))
          .digest("hex"),
      ]).toEqual([file, sum]);
    const there = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) =>
      /\.(onnx|json)$/.test(file),
    );
    expect(stated.map(([, file]) => file).sort()).toEqual(there.map((file) => file.split(path.sep).join("/")).sort());
  });
});

test("the scene models know the words of gradcam/scenes, in its order", () => {
  for (const name of speakers) {
    const { model } = JSON.parse(readFileSync(path.join(root, "models", name, "tokenizer.json"), "utf8"));
    expect(Object.keys(model.vocab)).toEqual(vocabulary);
    expect(Object.values(model.vocab)).toEqual(vocabulary.map((_, i) => i));
  }
  const config = JSON.parse(readFileSync(path.join(root, "models/scenes-answerer/config.json"), "utf8"));
  expect(Object.values(config.id2label)).toEqual(answers);
});

test("the evaluation, on 50 scenes that were not trained on", () => {
  const script = path.join(root, "scripts/scenes/evaluate.mjs");
  const out = execFileSync(process.execPath, [script, "--count", "50", "--json"], { encoding: "utf8" });
  const { captions, answers: right } = JSON.parse(out);
  // The cards' figures on 1,000 scenes, less what 50 may differ by chance.
  expect(captions["scenes-captioner"]).toBeGreaterThan(0.9);
  expect(captions["scenes-captioner-transformer"]).toBeGreaterThan(0.8);
  expect(right["all kinds"]).toBeGreaterThan(0.8);
});
