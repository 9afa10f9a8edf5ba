/**
 * @file D-RISE (Petsiuk et al. 2021, arXiv 2006.03204): a picture is hidden at random many times, and each mask counts by how well the
 * detection survived it.
 *
 *   L = 1/(N p) sum_i w_i M_i,    w_i = max over the boxes b of the masked picture of IoU * cosine of the classes' scores * objectness
 *
 * A mask is 16 x 16 cells, each seen with probability p, drawn larger than the picture and cut out at a random place. What is hidden
 * becomes 0 after normalisation.
 */
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import type { Method } from "./method.ts";
import { wholeOption } from "./options.ts";

/** Cells across and down a mask, and the probability that one is seen. */
const [cells, seen] = [16, 0.5];

/** Pictures in one run, as for occlusion. */
const batch = 8;

/** The cells of a mask, 1 where the picture is seen, and how many pixels of its first row and column are cut off. */
export function drawnMask(seed: number, index: number, height: number, width: number) {
  const random = randomFor("d-rise", seed, index);
  const grid = Float32Array.from({ length: cells * cells }, () => (random.uniform() < seen ? 1 : 0));
  const [down, across] = [Math.ceil(height / cells), Math.ceil(width / cells)];
  return { grid, cell: [down, across] as const, from: [random.below(down), random.below(across)] as const };
}

/** A mask, [height, width], 0 to 1. */
function maskOf(seed: number, index: number, height: number, width: number): Float32Array {
  const { grid, cell, from } = drawnMask(seed, index, height, width);
  const across = (cells + 1) * cell[1];
  const whole = upsample(grid, [cells, cells], [(cells + 1) * cell[0], across]);
  const mask = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const at = (y + from[0]) * across + from[1];
    mask.set(whole.subarray(at, at + width), y * width);
  }
  return mask;
}

export const dRise: Method<"d-rise"> = {
  name: "d-rise",
  title: "D-RISE",
  summary: "What a detection survives on: boxes of a thousand randomly masked copies of the image, and no gradient.",
  paper: "Petsiuk et al. 2021, https://arxiv.org/abs/2006.03204",
  family: "black-box",
  cost: "one for each mask, 1,000, for all boxes of an image together",
  tasks: ["detection"],
  options: [wholeOption("samples", 1000), wholeOption("seed", 0, 0)],
  space: "pixels",
  blackBox: true,
  nothing: (question) => `no masked copy shows a box that overlaps with "${question}"`,
  async explain({ image, k, options, resemble, progress, enough }) {
    const { samples: count, seed } = options;
    const [n = 1, channels = 1, height = 1, width = 1] = image.dims;
    if (!resemble || image.dims.length !== 4) throw new UserError("invalid-option", boxesAlone);
    const [size, plane] = [channels * height * width, height * width];
    const maps = new Float32Array(n * k * plane);
    let drawn = count;
    for (let i = 0; i < n; i++)
      for (let first = 0; first < count; first += batch) {
        const done = (i * count + first) / (n * count);
        if (n > 1) progress(done);
        else if (enough(done)) {
          drawn = first;
          break;
        }
        const masks = Array.from({ length: Math.min(batch, count - first) }, (_, b) =>
          maskOf(seed, first + b, height, width),
        );
        const data = new Float32Array(masks.length * size);
        masks.forEach((mask, b) => {
          for (let at = 0; at < size; at++) data[b * size + at] = image.data[i * size + at] * mask[at % plane];
        });
        const alike = await resemble(i, { data, dims: [masks.length, channels, height, width] });
        alike.forEach((row, j) => {
          const map = maps.subarray((i * k + j) * plane, (i * k + j + 1) * plane);
          masks.forEach((mask, b) => {
            const weight = row[b] / (count * seen);
            if (weight > 0) for (let at = 0; at < plane; at++) map[at] += weight * mask[at];
          });
        });
      }
    const dims = [n * k, height, width];
    // Each mask has counted as one of all.
    if (drawn < count) return { maps: { data: maps.map((v) => (v * count) / drawn), dims }, partial: true };
    progress(1);
    return { maps: { data: maps, dims } };
  },
};

const boxesAlone =
  "invalid method: d-rise compares boxes, and is for single boxes that a detector found in a picture, such as box:0; occlusion takes any question";
