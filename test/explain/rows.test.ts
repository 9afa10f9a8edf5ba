/** @file Several questions about one image, as rows of one run: the answers are those to each question alone, whatever the network and its size. */
import { readdirSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test, vi } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import type { Feeds, Session, Tensor } from "../../src/onnx/runtime.ts";
import { rowsOf } from "../../src/onnx/tensors.ts";
import { committed, openCase } from "../conformance-case.ts";
import { gap, images, unet, vgg, windows } from "../nets.ts";
import { apart, expectUserError, numbers, rows, session } from "./ask.ts";

async function open(bytes: Uint8Array) {
  const explainer = await openExplainer(ort, bytes, { session });
  onTestFinished(() => explainer.release());
  return explainer;
}

/** The first image of feeds that may hold several. */
const first = (feeds: Feeds): Feeds =>
  Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, rowsOf(ort, tensor, [0])]));

const cases: [string, () => { bytes: Uint8Array; feeds: Feeds }][] = [
  ...readdirSync(committed).map((name): [string, () => { bytes: Uint8Array; feeds: Feeds }] => [
    name,
    () => openCase(path.join(committed, name)),
  ]),
  ...[13, 16].flatMap((opset): [string, () => { bytes: Uint8Array; feeds: Feeds }][] => [
    [`gap ${opset}`, () => ({ bytes: gap({ opset }), feeds: images(1) })],
    [`vgg ${opset}`, () => ({ bytes: vgg({ opset }), feeds: images(1) })],
    [`windows ${opset}`, () => ({ bytes: windows({ opset }), feeds: images(1) })],
    [`folded windows ${opset}`, () => ({ bytes: windows({ opset, folded: true }), feeds: images(1) })],
  ]),
];

test.each(cases)("%s: three classes together are each alone, by every kind of question", async (_, make) => {
  const { bytes, feeds } = make();
  const explainer = await open(bytes);
  const free = explainer.tensors.get(explainer.score.name)?.dims[0] === -1;
  const forward = await explainer.forward(free ? first(feeds) : feeds);
  // Of a fixed batch questions are asked one by one; of scores that are no classes, none of these.
  if (!free || forward.scores.dims.length === 3) return;
  const classes = [0, 1, 2].filter((c) => c < forward.scores.dims[1]);
  expect(forward.scores.dims[0]).toBe(1);
  for (const method of ["grad-cam", "hires-cam", "gradient", "guided-backprop"] as const) {
    const together = await forward.explain({ target: { each: classes }, method });
    for (const [j, target] of classes.entries()) {
      const alone = await forward.explain({ target, method });
      const parts = (tensor: Tensor) => rows(tensor)[j];
      expect(apart(parts(together.maps), numbers(alone.maps))).toBeLessThan(1e-5);
      if (alone.pixels) expect(apart(parts(together.pixels as Tensor), numbers(alone.pixels))).toBeLessThan(1e-5);
    }
  }
});

test("no run has more rows than are allowed, and the answers are the same", async () => {
  const explainer = await open(unet());
  const forward = await explainer.forward(images(1));
  const { name } = explainer.score;
  const [, classes, height, width] = forward.scores.dims;
  const cells = height * width;
  // Every pixel of the first class: as many questions as there are places.
  const data = new Float32Array(cells * classes * cells);
  for (let place = 0; place < cells; place++) data[place * classes * cells + place] = 1;
  const seeds = { [name]: new ort.Tensor("float32", data, [cells, classes, height, width]) };
  const all = await forward.explain({ target: { seeds } });
  expect(all.maps.dims[0]).toBe(cells);
  const few = await forward.explain({ target: { seeds }, maxRows: 5 });
  expect(apart(numbers(few.maps), numbers(all.maps))).toBeLessThan(1e-6);
  const own = data.slice(3 * classes * cells, 4 * classes * cells);
  const alone = await forward.explain({
    target: { seeds: { [name]: new ort.Tensor("float32", own, [1, classes, height, width]) } },
  });
  expect(apart(rows(all.maps)[3], numbers(alone.maps))).toBeLessThan(1e-5);
});

test("seeds that are no whole number of rows for each image are refused", async () => {
  const explainer = await open(gap());
  const seed = new ort.Tensor("float32", new Float32Array(15), [3, 5]);
  const asked = explainer.explain(images(2), { target: { seeds: { [explainer.score.name]: seed } } });
  await expectUserError(asked, "invalid-input", /\[3,5\] for a batch of 2/);
});

test("k targets of a head that is not linear take one run", async () => {
  const explainer = await open(vgg({ opset: 16 }));
  const forward = await explainer.forward(images(1));
  await forward.explain({ target: { each: [0, 1] }, method: "hires-cam" });
  const run = vi.spyOn((ort.InferenceSession as unknown as { prototype: Session }).prototype, "run");
  onTestFinished(() => run.mockRestore());
  await forward.explain({ target: { each: [0, 1, 2, 3, 4] }, method: "hires-cam" });
  expect(run.mock.calls.length).toBe(1);
});
