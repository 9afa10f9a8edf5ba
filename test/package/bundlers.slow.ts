/** @file A page and its worker find the same figures, built by webpack and by esbuild; install.test.ts has Vite. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { builtAndOpened } from "../../scripts/places/bundlers.mjs";
import { cleanUp, installed } from "../../scripts/places/package.mjs";
import { differences } from "../../scripts/places/verdict.mjs";

let place: string;

beforeAll(async () => {
  place = await installed("bundlers", ["onnxruntime-web", "webpack", "webpack-cli", "esbuild"]);
});
afterAll(() => cleanUp());

test.each(["webpack", "esbuild"])("%s", async (builder) => {
  const { withoutSource, ...found } = await builtAndOpened(place, builder);
  expect(differences(found)).toEqual([]);
  expect(withoutSource).toMatch(/^missing model: gradcam\/models\/.* is not served: .* give its address$/);
});
