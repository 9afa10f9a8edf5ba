/**
 * @file Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901): how far the score drops when a patch is hidden.
 *
 * A patch of 32 x 32 moves in steps of 16, unless it is told otherwise; what it hides becomes 0 after normalisation (the mean colour). The value of a pixel is the
 * mean drop over the patches that hid it, so the map lies on the pixels. No gradient is used: a check on the methods that use one.
 */
import { UserError } from "../errors.ts";
import { range } from "../onnx/dims.ts";
import type { Method } from "./method.ts";
import { wholeOption } from "./options.ts";

/** Sizes in pixels of the network's input. */
export interface Patch {
  readonly patch: number;
  readonly stride: number;
}

/** Where nobody says. */
export const usualPatch: Patch = { patch: 32, stride: 16 };

/** What is hidden: the mean colour, after normalisation. */
const fill = 0;

/** Pictures in one run: enough to keep the cores busy, few enough for memory, which ONNX Runtime keeps for the runs to come. */
const batch = 8;

/** Where patches start along a side: the last reaches the border. */
export function patchStarts(side: number, { patch, stride }: Patch = usualPatch): number[] {
  return range(Math.max(1, Math.ceil((side - patch) / stride) + 1)).map((i) => i * stride);
}

export const occlusion: Method<"occlusion"> = {
  name: "occlusion",
  title: "Occlusion",
  summary: "How far the score drops when a patch is hidden. Hundreds of forward passes, and no gradient.",
  paper: "Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901",
  family: "black-box",
  cost: "one for each place of the patch: 170 at 224 x 224",
  options: [wholeOption("patch", usualPatch.patch), wholeOption("stride", usualPatch.stride)],
  space: "pixels",
  blackBox: true,
  nothing: (question, negative) =>
    negative
      ? `hiding any patch raises the score of "${question}", or leaves it as it is`
      : `hiding a patch does not change the score of "${question}"`,
  async explain({ image, k, options, respond, progress }) {
    const [n, channels, height, width] = image.dims;
    if (image.dims.length !== 4)
      throw new UserError("invalid-option", `occlusion takes pictures; the input has shape [${image.dims}]`);
    const { patch, stride } = options;
    if (stride > patch)
      throw new UserError(
        "invalid-option",
        `invalid stride: ${stride} is more than the patch, ${patch}, and would skip pixels`,
      );
    const across = patchStarts(width, options);
    const corners = patchStarts(height, options).flatMap((y) => across.map((x) => [y, x] as const));
    const eachPixel = (y: number, x: number, visit: (place: number) => void) =>
      visitPatch(y, x, patch, height, width, visit);
    const size = channels * height * width;
    const drops = new Float32Array(n * k * height * width);
    const covered = new Float32Array(height * width);
    for (const [y, x] of corners) eachPixel(y, x, (p) => covered[p]++);

    for (let i = 0; i < n; i++) {
      const whole = image.data.subarray(i * size, (i + 1) * size);
      const unhidden = await respond(i, { data: whole, dims: [1, channels, height, width] });
      for (let first = 0; first < corners.length; first += batch) {
        progress((i * corners.length + first) / (n * corners.length));
        const some = corners.slice(first, first + batch);
        const data = new Float32Array(some.length * size);
        some.forEach(([y, x], b) => {
          data.set(whole, b * size);
          for (let c = 0; c < channels; c++)
            eachPixel(y, x, (p) => {
              data[b * size + c * height * width + p] = fill;
            });
        });
        const scores = await respond(i, { data, dims: [some.length, channels, height, width] });
        scores.forEach((row, j) => {
          const map = drops.subarray((i * k + j) * height * width, (i * k + j + 1) * height * width);
          some.forEach(([y, x], b) => {
            const drop = unhidden[j][0] - row[b];
            eachPixel(y, x, (p) => {
              map[p] += drop / covered[p];
            });
          });
        });
      }
    }
    progress(1);
    return { maps: { data: drops, dims: [n * k, height, width] } };
  },
};

/** Visits the pixels of the patch at (y, x), by their place in a plane. */
function visitPatch(
  y: number,
  x: number,
  patch: number,
  height: number,
  width: number,
  visit: (place: number) => void,
): void {
  const [bottom, right] = [Math.min(height, y + patch), Math.min(width, x + patch)];
  for (let row = y; row < bottom; row++) for (let column = x; column < right; column++) visit(row * width + column);
}
