/**
 * @file Masks of a detector's boxes: each box has coefficients of prototypes that all boxes share, [n, prototypes, height, width], and its mask
 * is where their sum is above 0 within the box (Bolya et al. 2019, YOLACT; YOLO's segmentation heads).
 */
import { cellsUnder, type Geometry, onCanvas } from "../../image/geometry.ts";
import { toDense } from "../../onnx/tensors.ts";
import { ravel, unravel } from "../../read/element.ts";
import { FoundMask } from "../segment/masks.ts";
import type { PixelMask } from "../segment/planes.ts";
import type { Detection, FoundBoxes } from "./detections.ts";
import type { Candidate, ElementSum } from "./head.ts";

/** A mask's logits on the prototypes' grid, 0 outside of its box, and the cells above 0. */
interface Plane {
  readonly logits: Float32Array;
  readonly grid: readonly [height: number, width: number];
  readonly cells: readonly number[];
}

/** The masks of all boxes, by their number. */
export function prototypeMasks(
  found: FoundBoxes,
  detections: readonly Detection[],
  prototypes: string,
  geometry: Geometry,
): FoundMask[] {
  const { width, height } = onCanvas(geometry).original;
  return detections.map(({ index, class: c, label, score }) => {
    const candidate = found.candidates[index] as Candidate;
    const plane = planeOf(found, candidate, prototypes, geometry);
    const pixels = () => above(plane, geometry);
    const area = plane.cells.length ? pixels().data.reduce((sum, v) => sum + v, 0) / (width * height) : 0;
    return new FoundMask(index, { plane: index, class: c, score }, label, area, { cells: plane.cells, pixels });
  });
}

/**
 * The sum of a mask's logits over its cells, as a weighted sum of coefficients and prototypes: each of the two by what the other is in this
 * picture, so that its gradient is that of their products.
 */
export function maskSum(
  found: FoundBoxes,
  { coefficients = [] }: Candidate,
  prototypes: string,
  cells: readonly number[],
) {
  const { data, dims } = toDense(found.pass.tensor(prototypes));
  const [, , ...grid] = dims;
  const plane = data.length / (dims[1] ?? 1);
  const values = coefficientsOf(found, coefficients);
  const sum: ElementSum = coefficients.flatMap((coefficient, k): ElementSum => {
    const total = cells.reduce((all, cell) => all + (data[k * plane + cell] as number), 0);
    const own = cells.map((cell) => {
      const element = { tensor: prototypes, index: [0, k, ...unravel(cell, grid)] };
      return [element, values[k] as number] as const;
    });
    return [[coefficient, total], ...own];
  });
  return sum;
}

const coefficientsOf = ({ pass }: FoundBoxes, coefficients: Candidate["coefficients"] = []): number[] =>
  coefficients.map(({ tensor, index }) => {
    const { data, dims } = toDense(pass.tensor(tensor));
    return data[ravel(index, dims)] as number;
  });

function planeOf(found: FoundBoxes, candidate: Candidate, prototypes: string, { input }: Geometry): Plane {
  const { data, dims } = toDense(found.pass.tensor(prototypes));
  const [, count = 0, height = 0, width = 0] = dims;
  const [across, down] = [width / input.width, height / input.height];
  const [x0, y0, x1, y1] = candidate.box;
  const values = coefficientsOf(found, candidate.coefficients);
  const logits = new Float32Array(height * width);
  const cells: number[] = [];
  for (let y = Math.max(0, Math.ceil(y0 * down)); y < Math.min(height, y1 * down); y++)
    for (let x = Math.max(0, Math.ceil(x0 * across)); x < Math.min(width, x1 * across); x++) {
      const cell = y * width + x;
      let sum = 0;
      for (let k = 0; k < count; k++) sum += (values[k] as number) * (data[k * height * width + cell] as number);
      logits[cell] = sum;
      if (sum > 0) cells.push(cell);
    }
  return { logits, grid: [height, width], cells };
}

/** Where a plane is above 0, in the pixels that maps are laid over: only near the cells that are, for pictures may be large. */
function above({ logits, grid: [h, w], cells }: Plane, geometry: Geometry): PixelMask {
  const { width, height } = onCanvas(geometry).original;
  const data = new Uint8Array(width * height);
  const { rows, columns } = cellsUnder([h, w], onCanvas(geometry));
  const range = (all: readonly number[]) =>
    all.reduce<[number, number]>(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [h * w, -1]);
  const [top, bottom] = range(cells.map((cell) => Math.floor(cell / w)));
  const [left, right] = range(cells.map((cell) => cell % w));
  for (let y = 0; y < height; y++) {
    const up = rows.first[y] as number;
    if (up < top - 1 || up > bottom) continue;
    const below = Math.min(h - 1, up + 1);
    for (let x = 0; x < width; x++) {
      const first = columns.first[x] as number;
      if (first < left - 1 || first > right) continue;
      const second = Math.min(w - 1, first + 1);
      const [a, b] = [columns.ofFirst[x] as number, columns.ofSecond[x] as number];
      const upper = a * (logits[up * w + first] as number) + b * (logits[up * w + second] as number);
      const lower = a * (logits[below * w + first] as number) + b * (logits[below * w + second] as number);
      const value = (rows.ofFirst[y] as number) * upper + (rows.ofSecond[y] as number) * lower;
      if (value > 0) data[y * width + x] = 1;
    }
  }
  return { width, height, data };
}
