/**
 * @file Writes scenes with their boxes for the training of the detector, as bytes.
 *
 *     npm run build && node scripts/detector/write.mjs DIRECTORY [--first SEED] [--count N]
 *
 * - pictures.u8   [N, 160, 160, 3]  RGB
 * - boxes.u8      [N, 4, 5]         1 + shape, then the edges x0, y0, x1, y1 of the object's visible pixels; zeros where there is none
 * - world.json                      the sizes above, and the names of the shapes
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { makeScene, paint, shapes } from "../../dist/scenes/index.js";
import { asked, ByteFiles } from "../scenes/data-files.mjs";

const { directory, first, count } = asked("../detector/write.mjs");
const [side, most] = [160, 4];

const files = await ByteFiles.in(directory, ["pictures", "boxes"]);
for (let i = 0; i < count; i++) {
  const scene = makeScene(first + i);
  const { picture, masks } = paint(scene, side);
  const boxes = new Uint8Array(most * 5);
  scene.objects.forEach(({ shape }, k) => {
    boxes.set([1 + shapes.indexOf(shape), ...edges(masks[k])], k * 5);
  });
  await files.write({ pictures: picture.data, boxes });
}
await files.close();
// The last file to appear: with it, the data are whole.
await writeFile(path.join(directory, "world.json"), JSON.stringify({ side, count, first, most, shapes }, null, 2));

/** The edges of what a mask marks, the right and the lower one behind the last pixel. */
function edges(mask) {
  const edge = [side, side, 0, 0];
  mask.forEach((seen, i) => {
    if (!seen) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    edge[0] = Math.min(edge[0], x);
    edge[1] = Math.min(edge[1], y);
    edge[2] = Math.max(edge[2], x + 1);
    edge[3] = Math.max(edge[3], y + 1);
  });
  return edge;
}
