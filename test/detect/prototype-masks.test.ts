/** @file Masks of boxes by prototypes: the cells that are above 0 within the box, and the gradient of their sum by differences. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { undo } from "../../src/image/geometry.ts";
import { load } from "../../src/node/load.ts";
import { maskedView } from "../../src/tasks/segment/figure.ts";
import { folder } from "../cli/run.ts";
import { floats, ints, model, node } from "../models.ts";
import { signed } from "./signed.ts";

const [side, grid, places] = [64, 8, 64];

/** Boxes of 32 x 32 around the centre of each place, two classes, three coefficients; three prototypes. */
function net(): Uint8Array {
  const random = (dims: number[], seed: number, scale = 1) => {
    const count = dims.reduce((a, b) => a * b, 1);
    return floats(
      Array.from(randomNormal(seed)(count), (v) => v * scale),
      dims,
    );
  };
  const centres = Array.from({ length: 4 * places }, (_, i) => {
    const [number, place] = [Math.floor(i / places), i % places];
    return [8 * (place % grid) + 4, 8 * Math.floor(place / grid) + 4, 32, 32][number] as number;
  });
  const flat = (name: string) => node("Reshape", `${name}_grid ${name}_shape`, name);
  return model({
    opset: 17,
    inputs: {
      ...{ x: [1, 3, side, side], w: random([6, 3, 8, 8], 1, 0.2) },
      ...{ box_w: random([4, 6, 1, 1], 2, 0), score_w: random([2, 6, 1, 1], 3), mask_w: random([3, 6, 1, 1], 4) },
      ...{ proto_w: random([3, 6, 1, 1], 5), centres: floats(centres, [1, 4, places]) },
      ...{ still_shape: ints([1, 4, -1]), logits_shape: ints([1, 2, -1]), masks_shape: ints([1, 3, -1]) },
    },
    nodes: [
      node("Conv", "x w", "conv", { strides: [8, 8] }),
      node("Relu", "conv", "features"),
      node("Conv", "features box_w", "still_grid"),
      node("Conv", "features score_w", "logits_grid"),
      node("Conv", "features mask_w", "masks_grid"),
      ...["still", "logits", "masks"].map(flat),
      node("Add", "still centres", "boxes"),
      node("Sigmoid", "logits", "scores"),
      node("Concat", "boxes scores masks", "output0", { axis: 1 }),
      node("Conv", "features proto_w", "output1"),
    ],
    outputs: ["output0", "output1"],
  });
}

test("a mask of each box, and the gradient of the sum of its logits", async () => {
  const file = path.join(folder(), "net.onnx");
  writeFileSync(file, net());
  const detector = await load(file, { labels: ["cat", "cup"], task: "instance-segmentation" });
  expect(detector.reading.questions.some((question) => question.startsWith("mask:"))).toBe(true);
  // What masks are sums of is shown, as masks.
  expect(detector.reading.warnings.map(({ code }) => code)).not.toContain("other-heads");
  const picture = { data: randomNormal(9)(3 * side * side), dims: [3, side, side] };
  const why = await detector.explain(picture, { targets: ["mask:0", "not:mask:0"], method: signed, score: 0.5 });
  const [detection] = why.detections ?? [];
  const [first, opposite] = why.explanations;
  expect(first).toMatchObject({ target: "mask:0", mask: 0, detection: 0, label: detection?.label });

  const session = await ort.InferenceSession.create(net());
  const run = async (data: Float32Array) => {
    const { output0, output1 } = await session.run({ x: new ort.Tensor("float32", data, [1, 3, side, side]) });
    return [output0!.data as Float32Array, output1!.data as Float32Array] as const;
  };
  const [x0, y0, x1, y1] = detection!.box;
  const place = ((x0 + x1) / 2 - 4) / 8 + (((y0 + y1) / 2 - 4) / 8) * grid;
  const logits = ([rows, prototypes]: readonly [Float32Array, Float32Array]) =>
    Array.from({ length: places }, (_, cell) =>
      [0, 1, 2].reduce((sum, k) => sum + rows[(6 + k) * places + place]! * prototypes[k * places + cell]!, 0),
    );
  const now = logits(await run(picture.data));
  const within = now.map((logit, cell) => {
    const [x, y] = [8 * (cell % grid), 8 * Math.floor(cell / grid)];
    return x >= x0 && x < x1 && y >= y0 && y < y1 ? logit : 0;
  });
  const cells = within.flatMap((logit, cell) => (logit > 0 ? [cell] : []));
  expect(cells.length).toBeGreaterThan(1);
  // In the picture the logits between the cells are bilinear, as in Ultralytics' own.
  const between = undo(Float32Array.from(within), [grid, grid], why.geometry).data;
  const { data } = why.masks![0]!.pixels;
  expect(data).toEqual(Uint8Array.from(between, (logit) => Number(logit > 0)));
  expect(data.reduce((sum, v) => sum + v, 0) / data.length).toBe(why.masks![0]!.area);

  const total = async (at: number, by: number) => {
    const all = logits(await run(picture.data.map((v, i) => (i === at ? v + by : v))));
    return cells.reduce((sum, cell) => sum + all[cell]!, 0);
  };
  for (const at of [5, 700, 2080, 5000, 9000, 12000]) {
    const slope = ((await total(at, 1e-2)) - (await total(at, -1e-2))) / 2e-2;
    expect(first!.pixels!.data[at]).toBeCloseTo(slope, 2);
    expect(opposite!.pixels!.data[at]).toBeCloseTo(-slope, 2);
  }
  await expect(detector.explain(picture, { targets: ["mask:999"] })).rejects.toThrow(
    /^unknown mask: "mask:999"; allowed/,
  );
  await session.release();
  await detector.release();
});

test("a box is drawn with the border of its own mask, like the mask itself", async () => {
  const file = path.join(folder(), "net.onnx");
  writeFileSync(file, net());
  const detector = await load(file, { labels: ["cat", "cup"], task: "instance-segmentation" });
  const picture = { data: randomNormal(9)(3 * side * side), dims: [3, side, side] };
  const why = await detector.explain(picture, { targets: ["box:0", "mask:0"], score: 0.5 });
  await detector.release();
  const own = why.masks?.[0]?.pixels.data ?? new Uint8Array();
  expect(own.some((v) => v > 0) && own.some((v) => v === 0)).toBe(true);
  const dark = { width: side, height: side, data: new Uint8Array(3 * side * side) };
  const [box, mask] = why.explanations.map((one) => maskedView(dark, why, one).data);
  expect(box).toEqual(mask);
  // Light pixels are of the mask, just within its border.
  const light = Array.from(own, (_, i) => i).filter((i) => (box?.[3 * i] ?? 0) > 128);
  expect(light.length).toBeGreaterThan(4);
  expect(light.every((i) => own[i])).toBe(true);
});
