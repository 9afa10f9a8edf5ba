/** @file Question answerers in users' layouts against PyTorch, answer by answer. Tiny models made by scripts/export-language-models.py. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadAnswerer } from "../../src/node/load-answerer.ts";
import { farthest, testPicture } from "./picture.ts";

const models = fileURLToPath(new URL("models", import.meta.url));
const session = { intraOpNumThreads: 1 };

test.each(["vilt", "cnn-lstm-answers"])("%s: scores, maps and gradients of every answer", async (name) => {
  const expected = JSON.parse(readFileSync(`${models}/${name}/expected.json`, "utf8"));
  const model = await loadAnswerer(`${models}/${name}`, { session });
  const count = expected.answers.length;
  const method = ["grad-cam", "gradient"] as const;
  const why = await model.ask(testPicture(), expected.question, { answers: [`top${count}`], method });
  await model.release();
  const scores = expected.answers.map(({ score }: { score: number }) => score);
  const got = [...why.predictions].sort((a, b) => a.class - b.class).map(({ score }) => score);
  expect(farthest(got, scores)).toBeLessThan(1e-5);
  expect(why.explanations).toHaveLength(2 * count);
  for (const { class: index, method, map, pixels, label } of why.explanations) {
    const answer = expected.answers[index];
    if (method === "grad-cam") {
      expect(map.dims).toEqual(expected.grid);
      const rectified = answer.map.map((v: number) => Math.max(0, v));
      expect(farthest([...map.data], rectified), label).toBeLessThan(2e-4);
    } else {
      const some = [...(pixels?.data ?? [])].filter((_, i) => i % 97 === 0);
      expect(farthest(some, answer.pixels), label).toBeLessThan(2e-4);
    }
  }
});
