/** @file The bundled detector finds the objects of scenes that it was not trained on, and nothing else. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { makeScene, paint, shapes } from "../../src/scenes/index.ts";

const file = fileURLToPath(new URL("../../models/scenes-detector/model.onnx", import.meta.url));
const [side, scenes] = [160, 30];

type Edges = readonly [number, number, number, number];

interface Seen {
  readonly shape: number;
  readonly box: Edges;
}

test(`${path.basename(path.dirname(file))}: every object of ${scenes} scenes, and no other`, async () => {
  const session = await ort.InferenceSession.create(file);
  let [objects, found, boxes, right] = [0, 0, 0, 0];
  for (let seed = 0; seed < scenes; seed++) {
    const scene = makeScene(seed);
    const { picture, masks } = paint(scene, side);
    const there = scene.objects.map(({ shape }, k) => ({ shape: shapes.indexOf(shape), box: edges(masks[k]) }));
    const values = Float32Array.from({ length: 3 * side * side }, (_, i) => {
      const [channel, pixel] = [Math.floor(i / (side * side)), i % (side * side)];
      return picture.data[3 * pixel + channel] / 255;
    });
    const { output0 } = await session.run({ images: new ort.Tensor("float32", values, [1, 3, side, side]) });
    const told = above(0.25, output0.data as Float32Array, output0.dims[2]);
    const same = (a: Seen, b: Seen) => a.shape === b.shape && overlap(a.box, b.box) >= 0.5;
    objects += there.length;
    found += there.filter((object) => told.some((box) => same(object, box))).length;
    boxes += told.length;
    right += told.filter((box) => there.some((object) => same(object, box))).length;
  }
  await session.release();
  expect(objects).toBeGreaterThan(2 * scenes);
  // The card: average precision 0.998 and more for each shape. Twice as many mistakes as that would be chance.
  expect(found / objects).toBeGreaterThan(0.97);
  expect(right / boxes).toBeGreaterThan(0.97);
});

/** The cells of an output [1, 4 + shapes, cells] whose best score is above a threshold. */
function above(threshold: number, output: Float32Array, cells: number): Seen[] {
  expect(output.length).toBe((4 + shapes.length) * cells);
  return Array.from({ length: cells }, (_, cell) => {
    const [x, y, width, height, ...scores] = Array.from(
      { length: 4 + shapes.length },
      (_, i) => output[i * cells + cell],
    );
    const score = Math.max(...scores);
    const box: Edges = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    return { score, shape: scores.indexOf(score), box };
  }).filter(({ score }) => score > threshold);
}

function edges(mask: Uint8Array): Edges {
  const inside = [...mask.keys()].filter((i) => mask[i]);
  const [xs, ys] = [inside.map((i) => i % side), inside.map((i) => Math.floor(i / side))];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}

function overlap(a: Edges, b: Edges): number {
  const size = (from: number, to: number) => Math.max(0, to - from);
  const both = size(Math.max(a[0], b[0]), Math.min(a[2], b[2])) * size(Math.max(a[1], b[1]), Math.min(a[3], b[3]));
  const area = (box: Edges) => size(box[0], box[2]) * size(box[1], box[3]);
  return both / (area(a) + area(b) - both);
}
