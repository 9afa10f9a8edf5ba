/** @file A detector's explanations as pictures: each with its own box, all of them in one, a row or a cell for each question. */
import path from "node:path";
import { expect, test } from "vitest";
import { type PixelMap, picture } from "../../src/image/picture.ts";
import { decode } from "../../src/image/sharp.ts";
import type { Why } from "../../src/tasks/classify/kinds.ts";
import { boxedView, boxesTogether, detectionDetail, sheetOf } from "../../src/tasks/detect/figure.ts";
import { folder, within, withModel, writePicture } from "../cli/run.ts";
import { gap } from "../nets.ts";

const [width, height] = [600, 500];
const ground = picture(width, height, new Uint8Array(width * height * 3).fill(100));

const detection = (index: number, c: number, box: [number, number, number, number]) => ({
  ...{ index, class: c, label: `kind ${c}`, score: 0.9 - index / 10, box },
});
const detections = [
  detection(0, 4, [50, 50, 150, 150]),
  detection(1, 4, [350, 50, 450, 150]),
  detection(2, 7, [50, 300, 150, 400]),
];

/** A map with its maximum in a square. */
function mapAt(left: number, top: number, most: number): PixelMap {
  const data = new Float32Array(width * height);
  for (let y = top; y < top + 40; y++) data.fill(most, y * width + left, y * width + left + 40);
  return { width, height, data };
}

const explanation = (target: string, onPicture: PixelMap, about: { class: number; detection?: number }) => ({
  ...{ target, onPicture, ...about, method: "hires-cam", methodTitle: "HiResCAM" },
  ...{
    label: `kind ${about.class}`,
    question: target,
    asked: target,
    map: { data: new Float32Array(1), dims: [1, 1] },
    warnings: [],
  },
});
const geometry = { input: { width, height }, original: { width, height }, scaleX: 1, scaleY: 1, left: 0, top: 0 };

const whyOf = (...explanations: ReturnType<typeof explanation>[]) =>
  ({ kind: "picture", picture: ground, geometry, predictions: [], detections, explanations }) satisfies Why;

/** How far a place is from grey. */
function colourAt({ data }: { data: Uint8Array }, x: number, y: number): number {
  const at = (y * width + x) * 3;
  return Math.max(...data.subarray(at, at + 3)) - Math.min(...data.subarray(at, at + 3));
}

test("all boxes in one picture: the largest of the maps, each divided by its own maximum", () => {
  const weak = explanation("box:0", mapAt(80, 80, 1e-6), { class: 4, detection: 0 });
  const strong = explanation("box:1", mapAt(380, 80, 1e6), { class: 4, detection: 1 });
  const seen = boxesTogether(whyOf(weak, strong), { colormap: "inferno" });
  expect(colourAt(seen, 100, 100)).toBeGreaterThan(50);
  expect(colourAt(seen, 400, 100)).toBe(colourAt(seen, 100, 100));
  expect(colourAt(seen, 100, 350)).toBeLessThan(30);
});

test("what speaks against a box, for an edge, or for one rather than another is not among them", () => {
  const others = ["not:box:0", "box:0.left", "box:0 ~ box:1", "not:kind 4"];
  const why = whyOf(...others.map((target) => explanation(target, mapAt(80, 80, 1), { class: 4, detection: 0 })));
  expect(colourAt(boxesTogether(why, { colormap: "inferno" }), 100, 100)).toBe(0);
  for (const target of ["box:0", "class:kind 4", "box:top1"]) {
    const all = whyOf(...whyOf(explanation(target, mapAt(80, 80, 1), { class: 4, detection: 0 })).explanations);
    expect(colourAt(boxesTogether(all, { colormap: "inferno" }), 100, 100)).toBeGreaterThan(50);
  }
});

test("a small picture is enlarged, so that names have room", () => {
  const small = picture(32, 16);
  const why = { ...whyOf(), picture: small, geometry: { ...geometry, original: { width: 32, height: 16 } } };
  const seen = boxesTogether({ ...why, detections: [detection(0, 1, [2, 2, 20, 12])] }, { colormap: "inferno" });
  expect([seen.width, seen.height]).toEqual([512, 256]);
});

test("an explanation's own box stands out, and is in the pixels of a picture that was shrunk", () => {
  const half = picture(width / 2, height / 2, new Uint8Array((width * height * 3) / 4).fill(100));
  const seen = boxedView(half, whyOf(), { class: 4, detection: 1 }, { named: false });
  const change = (x: number, y: number) => Math.abs((seen.data[(y * (width / 2) + x) * 3] ?? 0) - 100);
  expect(change(200, 25)).toBeGreaterThan(140); // its upper edge
  expect(change(50, 25)).toBeGreaterThan(40); // another's, faint
  expect(change(50, 25)).toBeLessThan(change(200, 25) * 0.7);
});

test("of a class all boxes are its own", () => {
  expect(detectionDetail(detections, { class: 4 })).toEqual(["2 boxes"]);
  expect(detectionDetail(detections, { class: 4, detection: 1 })).toEqual(["score 0.80"]);
  expect(detectionDetail(detections, { class: 7 })).toEqual(["score 0.70"]);
});

test("the sheet has a cell for each box, also of one class, and is one that can be read aloud", () => {
  const cell = { blank: "nothing" };
  const rows = detections.map((one) => ({
    class: one.class,
    question: `kind ${one.class} (box ${one.index})`,
    detail: ["score"],
    cells: [cell],
  })); // prettier-ignore
  const why = whyOf(
    ...detections.map((one) =>
      explanation(`box:${one.index}`, mapAt(0, 0, 1), { class: one.class, detection: one.index }),
    ),
  ); // prettier-ignore
  const svg = sheetOf(why, rows, { colormap: "inferno", caption: "Model <x>" });
  for (const { question } of rows) expect(svg).toContain(`aria-label="${question}"`);
  expect(svg).toContain("HiResCAM, 3 detections");
  expect(svg).not.toContain("<x>");
});

test("questions that are answered by several methods say which", () => {
  const box = explanation("box:0", mapAt(0, 0, 1), { class: 4, detection: 0 });
  const all = { ...explanation("class:4", mapAt(0, 0, 1), { class: 4 }), method: "grad-cam", methodTitle: "Grad-CAM" };
  const rows = [box, all].map(({ question }) => ({
    class: 4,
    question,
    detail: ["score"],
    cells: [{ blank: "nothing" }],
  }));
  const svg = sheetOf(whyOf(box, all), rows, { colormap: "inferno", caption: "" });
  for (const text of ["HiResCAM and Grad-CAM, 3 detections", "score, HiResCAM", "score, Grad-CAM"])
    expect(svg).toContain(`aria-label="${text}"`);
});

test("two questions about one class have a row each in a classifier's panel", async () => {
  const cwd = folder();
  await writePicture(path.join(cwd, "a.png"));
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  const heightOf = async (...targets: string[]) => {
    const asked = targets.flatMap((target) => ["--target", target]);
    const { code } = await within(["explain", "a.png", ...net, ...asked, "--write", "panel"], cwd);
    expect(code).toBe(0);
    return (await decode(path.join(cwd, "gradcam-out/a.panel.png"))).height;
  };
  expect(await heightOf("class:2", "not:2")).toBe(await heightOf("class:2", "class:3"));
});
