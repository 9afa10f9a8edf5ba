/** @file `gradcam explain` on good input: the JSON contract, the table, the files, and where the maps point. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { decode } from "../../src/image/sharp.ts";
import { floats, model, node } from "../models.ts";
import { gap } from "../nets.ts";
import { example, exampleSize, filesIn, folder, gradcam, repository, within, withModel, writePicture } from "./run.ts";

/** A line of `--json`, as the design fixes it. */
interface Line {
  readonly image: string;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly layer: string;
  readonly predictions: readonly { class: number; label: string; score: number; probability: number }[];
  readonly explanations: readonly {
    class: number;
    label: string;
    method: string;
    map: { file: string; shape: number[] };
    overlay: string;
    peak?: { x: number; y: number };
    box?: [number, number, number, number];
    blank?: string;
  }[];
}
const linesOf = (stdout: string): Line[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** The score of a class is its weight times the mean of the magnitudes of all pixels. */
function brightness(classes: readonly number[]): Uint8Array {
  const weights = { w: floats(Array(3).fill(1), [1, 3, 1, 1]), fw: floats(classes, [classes.length, 1]) };
  const nodes = [
    node("Abs", "x", "positive"),
    node("Conv", "positive w", "features"),
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat fw", "logits", { transB: 1 }),
  ];
  return model({ opset: 13, inputs: { x: [1, 3, 8, 8], ...weights }, nodes });
}

test("the bundled example: the cat on the left, the cup on the right", async () => {
  const cwd = folder();
  const args = ["explain", example, "--class", "Egyptian cat", "--class", "espresso", "--json", "--out", "maps"];
  const { code, stdout, stderr } = await gradcam(args, cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [line, ...more] = linesOf(stdout);
  expect(more).toEqual([]);
  const sums = readFileSync(path.join(repository, "models/efficientnet-lite0/SHA256SUMS"), "utf8");
  expect(line).toMatchObject({ image: example, model: { name: "efficientnet-lite0", sha256: sums.slice(0, 64) } });
  expect(line.layer).toEqual(expect.any(String));

  expect(line.predictions.length).toBe(5);
  const order = line.predictions.map(({ score }) => score);
  expect(order).toEqual([...order].sort((a, b) => b - a));
  for (const { class: index, label, probability } of line.predictions) {
    expect([Number.isInteger(index), label.length > 0]).toEqual([true, true]);
    expect(probability).toBeGreaterThan(0);
    expect(probability).toBeLessThan(1);
  }

  const { width, height } = exampleSize;
  expect(line.explanations.map((e) => [e.class, e.label, e.method])).toEqual([
    [285, "Egyptian cat", "grad-cam"],
    [967, "espresso", "grad-cam"],
  ]);
  for (const { map, overlay, peak, box, blank } of line.explanations) {
    const { data, shape } = decodeNpy(readFileSync(path.join(cwd, "maps", map.file)));
    expect(shape).toEqual(map.shape);
    expect(data.every((v) => v >= 0)).toBe(true);
    expect(await decode(path.join(cwd, "maps", overlay))).toMatchObject({ width, height });
    expect(blank).toBeUndefined();
    const [x0, y0, x1, y1] = box ?? [0, 0, 0, 0];
    expect(0 <= x0 && x0 < x1 && x1 <= width && 0 <= y0 && y0 < y1 && y1 <= height).toBe(true);
    expect(peak && x0 <= peak.x && peak.x < x1 && y0 <= peak.y && peak.y < y1).toBe(true);
  }
  const [cat, cup] = line.explanations.map(({ peak }) => peak?.x);
  expect(cat).toBeLessThan(width / 2);
  expect(cup).toBeGreaterThan(width / 2);
});

test("a table, and where the pictures are", async () => {
  const cwd = folder();
  const { code, stdout, stderr } = await within(["explain", example], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^ +967 {2}espresso +\d\.\d\d +\d+\.\d %$/m);
  expect(stdout).toContain("Images are in gradcam-out.");
  const stem = "cat-and-cup.grad-cam.967";
  const files = ["cat-and-cup.panel.png", "manifest.json", `${stem}.heat.png`, `${stem}.npy`, `${stem}.png`].sort();
  expect(filesIn(path.join(cwd, "gradcam-out"))).toEqual(files);
  const manifest = JSON.parse(readFileSync(path.join(cwd, "gradcam-out/manifest.json"), "utf8"));
  expect(manifest).toMatchObject({
    model: { name: "efficientnet-lite0" },
    methods: ["grad-cam"],
    classes: ["top1"],
    layer: "features",
  });
});

test("a model of one's own: every method, labels, topN, a contrast", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  writeFileSync(path.join(cwd, "names.txt"), "ant\nbee\ncat\ndog\neel\n");
  await writePicture(path.join(cwd, "a.png"));
  const methods = ["grad-cam", "guided-backprop", "guided-grad-cam", "deconvolution", "gradient", "occlusion"];
  const args = ["explain", "a.png", ...net, "--labels", "names.txt", "--class", "top2", "--class", "bee", "--json"];
  const { code, stdout, stderr } = await within([...args, ...methods.flatMap((m) => ["--method", m])], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [line] = linesOf(stdout);
  const asked = [...new Set([line.predictions[0].label, line.predictions[1].label, "bee"])];
  expect(line.explanations.map((e) => `${e.method} ${e.label}`)).toEqual(
    methods.flatMap((m) => asked.map((label) => `${m} ${label}`)),
  );
  for (const { map } of line.explanations) expect(filesIn(path.join(cwd, "gradcam-out"))).toContain(map.file);

  const contrast = await within(
    ["explain", "a.png", ...net, "--labels", "names.txt", "--class", "bee", "--against", "cat"],
    cwd,
  );
  expect(contrast.code).toBe(0);
  expect(contrast.stdout).toContain("The model does not specify its preprocessing; assumed ");
});

test("a directory: each picture a line, folders kept, two of one stem told apart, earlier output passed over", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  mkdirSync(path.join(cwd, "photos/deep"), { recursive: true });
  for (const name of ["one.png", "deep/one.png", "two.png", "two.PNG"])
    await writePicture(path.join(cwd, "photos", name));
  writeFileSync(path.join(cwd, "photos/notes.txt"), "no picture");
  const run = () => within(["explain", "photos", ...net, "--json", "--out", "photos/out"], cwd);
  const { code, stdout, stderr } = await run();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = linesOf(stdout);
  const images = ["photos/deep/one.png", "photos/one.png", "photos/two.PNG", "photos/two.png"];
  expect(lines.map(({ image }) => image).sort()).toEqual(images);
  const overlays = lines.map(({ explanations: [{ overlay }] }) => overlay);
  expect(new Set(overlays).size).toBe(4);
  expect(filesIn(path.join(cwd, "photos/out"))).toEqual(expect.arrayContaining(overlays));
  expect((await run()).stdout).toBe(stdout);
});

test("two pictures of one name from two folders", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  for (const name of ["a", "b"]) {
    mkdirSync(path.join(cwd, name));
    await writePicture(path.join(cwd, name, "x.png"), { seed: name.charCodeAt(0) });
  }
  const { code, stdout } = await within(["explain", "a/x.png", "b/x.png", ...net, "--class", "0", "--json"], cwd);
  expect(code).toBe(0);
  const files = linesOf(stdout).map(({ explanations: [{ map }] }) => map.file);
  expect(new Set(files).size).toBe(2);
});

test("a blank map says why and writes its files, all of one colour", async () => {
  const cwd = folder();
  await writePicture(path.join(cwd, "a.png"));
  // Class 0 sums positive features with weight -1, so nothing speaks for it; class 1 with +1.
  const net = withModel(cwd, brightness([-1, 1]));
  const { code, stdout, stderr } = await within(["explain", "a.png", ...net, "--class", "0", "--json"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [explanation] = linesOf(stdout)[0].explanations;
  expect(explanation.blank).toBe('no positive evidence for "class 0" at features');
  expect(Object.keys(explanation)).not.toContain("peak");
  expect(Object.keys(explanation)).not.toContain("box");
  const out = path.join(cwd, "gradcam-out");
  expect(filesIn(out)).toEqual([
    "a.grad-cam.0.heat.png",
    "a.grad-cam.0.npy",
    "a.grad-cam.0.png",
    "a.panel.png",
    "manifest.json",
  ]);
  const { data } = await decode(path.join(out, "a.grad-cam.0.heat.png"));
  const cells = new Set(Array.from({ length: data.length / 3 }, (_, i) => String(data.subarray(3 * i, 3 * i + 3))));
  expect(cells.size).toBeLessThanOrEqual(2); // within the network's view, and outside it
  const table = await within(["explain", "a.png", ...net, "--class", "0"], cwd);
  expect(table.stdout).toContain('grad-cam, class 0: blank, no positive evidence for "class 0" at features');
});

test("pictures of one pixel and of extreme shapes", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  for (const [width, height] of [
    [1, 1],
    [400, 2],
    [3, 300],
  ])
    await writePicture(path.join(cwd, `${width}.png`), { width, height });
  const { code, stdout, stderr } = await within(["explain", "1.png", "400.png", "3.png", ...net, "--json"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(linesOf(stdout).length).toBe(3);
});

test("more classes than a panel has room for", async () => {
  const cwd = folder();
  const net = withModel(cwd, brightness(Array.from({ length: 60 }, (_, i) => i + 1)));
  await writePicture(path.join(cwd, "a.png"), { width: 20, height: 200 });
  const { code, stdout, stderr } = await within(["explain", "a.png", ...net, "--class", "top40", "--json"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(linesOf(stdout)[0].explanations.length).toBe(40);
});
