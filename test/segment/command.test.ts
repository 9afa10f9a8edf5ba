/** @file `gradcam explain` and `inspect` of segmenters: the JSON contract, the table, the files, and mistakes. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { decode, encodePng } from "../../src/image/sharp.ts";
import { filesIn, folder, within } from "../cli/run.ts";
import { node } from "../models.ts";
import { coloured } from "./coloured.ts";

/** Red on the left, blue in the top right corner, else green. */
const where = (x: number, y: number) => (x < 3 ? 0 : x >= 6 && y < 2 ? 2 : 1);
const size = { width: 8, height: 8 };
const picture = {
  ...size,
  data: Uint8Array.from({ length: 3 * 8 * 8 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return where(pixel % 8, Math.floor(pixel / 8)) === i % 3 ? 255 : 0;
  }),
};

async function room() {
  const cwd = folder();
  const net = coloured({ after: [node("Softmax", "logits", "y", { axis: 1 })] });
  writeFileSync(path.join(cwd, "net.onnx"), net);
  writeFileSync(path.join(cwd, "labels.txt"), "red\ngreen\nblue\n");
  writeFileSync(path.join(cwd, "photo.png"), await encodePng(picture));
  const model = ["--model", "net.onnx", "--labels", "labels.txt", "--mean", "0", "--std", "1"];
  return { cwd, model, explain: (...args: string[]) => within(["explain", "photo.png", ...model, ...args], cwd) };
}

test("a line of JSON with every mask, its file, and a map of each; a mask's file is a region", async () => {
  const { cwd, explain } = await room();
  const { code, stdout, stderr } = await explain("--json", "--out", "maps");
  expect([code, stderr]).toEqual([0, ""]);
  const line = JSON.parse(stdout);
  expect(line).toMatchObject({ task: "segmentation", layer: "features", predictions: [] });
  expect(line.masks).toEqual([
    { index: 0, class: 1, label: "green", area: 36 / 64, file: "photo.mask-0.png" },
    { index: 1, class: 0, label: "red", area: 24 / 64, file: "photo.mask-1.png" },
    { index: 2, class: 2, label: "blue", area: 4 / 64, file: "photo.mask-2.png" },
  ]);
  expect(line.remark).toMatch(/^No target: /);
  expect(line.explanations.map(({ target, mask, method }: Record<string, unknown>) => [target, mask, method])).toEqual([
    ["mask:0", 0, "grad-cam"],
    ["mask:1", 1, "grad-cam"],
    ["mask:2", 2, "grad-cam"],
  ]);
  const [, , blue] = line.explanations;
  expect(blue.peak.x).toBeGreaterThanOrEqual(6);
  expect(blue.peak.y).toBeLessThan(2);
  const mask = await decode(path.join(cwd, "maps/photo.mask-2.png"));
  expect(mask).toMatchObject(size);
  expect(mask.data.filter((_, i) => i % 3 === 0)).toEqual(
    Uint8Array.from({ length: 64 }, (_, i) => (where(i % 8, Math.floor(i / 8)) === 2 ? 255 : 0)),
  );

  const region = await explain("--target", "region:maps/photo.mask-2.png", "--json", "--out", "more", "--write", "map");
  const [one] = JSON.parse(region.stdout).explanations;
  expect(one).toMatchObject({ target: "region:maps/photo.mask-2.png", class: 2, label: "blue" });
  // Without overlays no masks are written.
  expect(filesIn(path.join(cwd, "more"))).toEqual(["photo.grad-cam.region-maps-photo-mask-2.npy"]);
  expect(readFileSync(path.join(cwd, "more", one.map.file)).subarray(128)).toEqual(
    readFileSync(path.join(cwd, "maps", blue.map.file)).subarray(128),
  );
});

test("the line along a mask's border lies within it, on the overlay", async () => {
  const { cwd, explain } = await room();
  await explain("--target", "mask:blue", "--out", "maps", "--write", "overlay");
  const { data } = await decode(path.join(cwd, "maps/photo.grad-cam.class-2.png"));
  const light = (x: number, y: number) => Math.min(...data.subarray(3 * (8 * y + x), 3 * (8 * y + x) + 3)) > 200;
  const seen = Array.from({ length: 64 }, (_, i) => [i % 8, Math.floor(i / 8)] as const).filter(([x, y]) =>
    light(x, y),
  );
  // Left and below: none along the picture's own edge.
  expect(seen).toEqual([
    [6, 0],
    [6, 1],
    [7, 1],
  ]);
});

test("a table", async () => {
  const { explain } = await room();
  const { stdout } = await explain("--target", "pixel:7,1", "--write", "overlay");
  expect(stdout).toMatch(/ 0 {2}green +56\.\d %.*\n +1 {2}red +37\.5 %.*\n +2 {2}blue +6\.\d %/);
  expect(stdout).toContain("grad-cam, blue at 7, 1: ");
  expect(stdout).toContain("blue is predicted at pixel 7, 1: its logit is explained.");
});

const mistakes: [args: string[], message: RegExp][] = [
  [["--target", "pixel:8,0"], /invalid target: "pixel:8,0"; the picture has 8 x 8 pixels: .*pixel:7,7$/],
  [
    ["--target", "region:labels.txt"],
    /^gradcam: invalid region: .*labels\.txt.*; expected a mask of the picture's size/,
  ],
  [["--target", "region:none.png"], /^gradcam: invalid region: missing image none\.png/],
  [["--target", "mask:9"], /unknown mask: "mask:9"; allowed are 0 to 2$/],
  [["--class", "violet"], /unknown class: "violet"; allowed are a class name, an index from 0 to 2, or topN$/],
  [["--target", "box:0"], /this model has no box to ask about; it can be asked class:/],
  [["--target", "token:0"], /this model has no token to ask about/],
  [["--score", "0.5"], /invalid score: 0.5; only a detector finds what it could be asked of/],
  [["--against", "red"], /of a segmenter it is asked by a target, as "not:mask:0" or "mask:0 ~ mask:1"$/],
];
test.each(mistakes)("%j is one line that says what is allowed", async (args, message) => {
  const { explain } = await room();
  const { code, stdout, stderr } = await explain(...args);
  expect([code, stdout, stderr.trimEnd().split("\n").length]).toEqual([2, "", 1]);
  expect(stderr.trimEnd()).toMatch(message);
});

test("inspect says what it can be asked, and how masks are read", async () => {
  const { cwd, model } = await room();
  const { stdout } = await within(["inspect", ...model, "--json"], cwd);
  const { task, questions, decisions } = JSON.parse(stdout);
  expect(task).toBe("segmentation");
  expect(questions.map((question: string) => question.replace(/:.*| \(.*/, ""))).toEqual([
    ...["class", "class", "mask", "region", "pixel", "not", "… ~ …"],
  ]);
  expect(decisions).toContainEqual({
    ...{ what: "masks", value: "one for each class, where its logit is the largest" },
    because: "the model ends in a Softmax",
  });
});
