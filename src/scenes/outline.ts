/**
 * @file Outlines of the shapes, as polygons around the origin in units of the object's radius, and points inside them.
 *
 * Only the four operations of arithmetic, whose result IEEE 754 fixes to the bit; a sine would differ between engines.
 */

import type { SceneObject } from "./scene.ts";
import type { Shape } from "./words.ts";

type Polygon = readonly (readonly [number, number])[];

const square: Polygon = [
  [-0.86, -0.86],
  [0.86, -0.86],
  [0.86, 0.86],
  [-0.86, 0.86],
];
const triangle: Polygon = [
  [0, -1.04],
  [1.02, 0.8],
  [-1.02, 0.8],
];
const cross: Polygon = [
  [-0.34, -1],
  [0.34, -1],
  [0.34, -0.34],
  [1, -0.34],
  [1, 0.34],
  [0.34, 0.34],
  [0.34, 1],
  [-0.34, 1],
  [-0.34, 0.34],
  [-1, 0.34],
  [-1, -0.34],
  [-0.34, -0.34],
];
/** Five points at 1.12, five between them at 0.46. */
const star: Polygon = [
  [0, -1.12],
  [0.2704, -0.3721],
  [1.0652, -0.3461],
  [0.4375, 0.1421],
  [0.6583, 0.9061],
  [0, 0.46],
  [-0.6583, 0.9061],
  [-0.4375, 0.1421],
  [-1.0652, -0.3461],
  [-0.2704, -0.3721],
];
const polygons: Readonly<Record<Exclude<Shape, "circle">, Polygon>> = { square, triangle, cross, star };

/** No outline reaches further than this, in radii. */
export const reach = 1.25;

/** Cosine and sine of the tilts, exact: they are those of Pythagorean triangles (0, +-12.7, +-16.3 degrees). */
const turns: readonly (readonly [number, number])[] = [
  [1, 0],
  [40 / 41, 9 / 41],
  [40 / 41, -9 / 41],
  [24 / 25, 7 / 25],
  [24 / 25, -7 / 25],
];

/** Cosine and sine of an object's tilt. */
export const turn = ({ tilt }: SceneObject): readonly [number, number] => turns[tilt];

/** Whether a point in the object's own coordinates (upright, its radius 1) is inside the shape. */
export function inside(shape: Shape, u: number, v: number): boolean {
  if (shape === "circle") return u * u + v * v <= 0.96 * 0.96;
  // Even-odd rule: edges that a ray to the right crosses.
  const polygon = polygons[shape];
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const a = polygon[i];
    const b = polygon[j];
    if (a[1] > v !== b[1] > v && u < ((b[0] - a[0]) * (v - a[1])) / (b[1] - a[1]) + a[0]) odd = !odd;
  }
  return odd;
}
