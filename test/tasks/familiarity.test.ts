/** @file Pictures that the bundled models of drawn scenes know, and others: by their folders' own words. */
import { readFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type Picture, picture } from "../../src/image/picture.ts";
import { decode } from "../../src/image/sharp.ts";
import { loadAnswerer, loadCaptioner } from "../../src/node.ts";
import { makeScene, paint, withMark } from "../../src/scenes/index.ts";
import { coloursOf, familiarity, statedFamiliarity, surprise, unfamiliar } from "../../src/tasks/familiarity.ts";
import { example, repository } from "../cli/run.ts";

const models = ["scenes-captioner", "scenes-captioner-transformer", "scenes-answerer"];
const stated = (model: string): unknown =>
  JSON.parse(readFileSync(path.join(repository, "models", model, "preprocessor_config.json"), "utf8"));
const known = statedFamiliarity(stated(models[0]));

const asJpeg = async ({ width, height, data }: Picture, quality: number): Promise<Picture> =>
  decode(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer(),
  );

test("the three folders know the same scenes", () => {
  expect(known).toBeDefined();
  for (const model of models) expect(statedFamiliarity(stated(model))).toEqual(known);
});

test("scenes that were not counted are known, whatever their size, their compression and a mark", async () => {
  for (let seed = 0; seed < 15; seed++) {
    for (const size of [96, 150]) expect(unfamiliar(paint(makeScene(seed), size).picture, known)).toEqual([]);
    expect(unfamiliar(await asJpeg(paint(makeScene(seed), 224).picture, 60), known)).toEqual([]);
    expect(unfamiliar(paint(withMark(makeScene(seed), "red") ?? makeScene(seed)).picture, known)).toEqual([]);
  }
});

test("a photograph is not", async () => {
  const [warning] = unfamiliar(await decode(example), known);
  expect(warning).toEqual({
    code: "unfamiliar-picture",
    text: "The image is unlike the model's training data, drawn scenes: its output means little.",
  });
});

test("a caption and an answer of it say so in every explanation, those of a scene in none", async () => {
  const scene = paint(makeScene(5), 224).picture;
  const photo = await decode(example);
  const captioner = await loadCaptioner();
  const answerer = await loadAnswerer();
  const codes = (explanations: readonly { readonly warnings: readonly { readonly code: string }[] }[]) =>
    explanations.map(({ warnings }) => warnings.some(({ code }) => code === "unfamiliar-picture"));
  try {
    for (const [seen, told] of [
      [scene, false],
      [photo, true],
    ] as const) {
      const words = codes((await captioner.explain(seen)).explanations);
      const answers = codes(
        (await answerer.ask(seen, "what colour is the cross?", { answers: ["top2"] })).explanations,
      );
      expect(new Set([...words, ...answers])).toEqual(new Set([told]));
    }
  } finally {
    await captioner.release();
    await answerer.release();
  }
});

test("by hand: two colours, one of them known", () => {
  const grey = picture(5, 3);
  grey.data.fill(128);
  const colour = coloursOf(grey, 8)[0];
  expect(colour).toBe((4 * 8 + 4) * 8 + 4);
  const one = familiarity("grey walls", 8, [colour, 1000], 3);
  const total = 1000 + 0.05 * 512;
  expect(surprise(grey, one)).toBeCloseTo(-Math.log(1000.05 / total), 9);
  expect(surprise(picture(2, 2), one)).toBeCloseTo(-Math.log(0.05 / total), 9);
});

test("a folder that says something else, or nothing, knows nothing", () => {
  const sound = { pictures: "scenes", levels: 12, counts: [0, 1], most: 5 };
  expect(statedFamiliarity({ familiar_colours: sound })).toBeDefined();
  for (const wrong of [{ levels: 3 }, { levels: 1e9 }, { counts: "all" }, { counts: [-1, 2] }, { most: "5" }])
    expect(statedFamiliarity({ familiar_colours: { ...sound, ...wrong } })).toBeUndefined();
  for (const other of [undefined, null, [], {}, { familiar_colours: null }, { familiar_colours: [] }])
    expect(statedFamiliarity(other)).toBeUndefined();
});
