/**
 * @file Paints a scene: a picture, and which of its pixels show which object.
 *
 * Each pixel is the mean of 4 x 4 samples. The ground has a slope of light, grey clutter and noise, all drawn by the scene's seed.
 */

import { type Picture, picture } from "../image/picture.ts";
import { markBox } from "./mark.ts";
import { inside, reach, turn } from "./outline.ts";
import { type Random, seeded } from "./random.ts";
import { type Mark, type Scene, type SceneObject, side } from "./scene.ts";
import type { Colour, Texture } from "./words.ts";

/** A painted scene. */
export interface Painting {
  readonly picture: Picture;
  /**
   * For each object of the scene, `width * height` values: 1 where it is seen. A pixel shows the front object that covers at least
   * half of it, so the masks never overlap.
   */
  readonly masks: readonly Uint8Array[];
  /** The pixels of the scene's mark, in the same form; undefined where it has none. */
  readonly mark?: Uint8Array;
}

type Rgb = readonly [number, number, number];

/** What a sample at a point of the scene shows of a figure: nothing, its colour, or its second, darker colour. */
type Sample = (x: number, y: number) => 0 | 1 | 2;

interface Figure {
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
  readonly sample: Sample;
  readonly colours: readonly [Rgb, Rgb];
}

const samples = 4;
/** The owner of a mark's pixels; those of objects are 1, 2, … */
const marked = 255;
const noise = 10;

/** Red, green and blue, 0 to 255, of each colour before light and noise. */
export const inks: Readonly<Record<Colour, Rgb>> = {
  red: [214, 40, 40],
  green: [48, 168, 64],
  blue: [44, 84, 216],
  yellow: [236, 208, 44],
  purple: [152, 60, 184],
  white: [240, 240, 240],
};

/**
 * Paints a scene.
 *
 * @param size pixels across and down
 * @returns the same bytes in every engine
 */
export function paint(scene: Scene, size = 96): Painting {
  const random = seeded(scene.seed, 1);
  const canvas = ground(random, size);
  const clutter = random.integer(8, 16);
  for (let i = 0; i < clutter; i++) cover(canvas, size, scrap(random), () => {});
  const shown = new Uint8Array(size * size);
  scene.objects.forEach((object, k) => {
    cover(canvas, size, figureOf(object, random), (pixel) => {
      shown[pixel] = k + 1;
    });
  });
  // It draws nothing from `random`: with and without it the rest of the picture is the same.
  if (scene.mark)
    cover(canvas, size, figureOfMark(scene.mark), (pixel) => {
      shown[pixel] = marked;
    });
  const data = new Uint8ClampedArray(canvas.length);
  for (let i = 0; i < data.length; i++) data[i] = canvas[i] + random.integer(-noise, noise);
  const pixelsOf = (which: number) => shown.map((owner) => (owner === which ? 1 : 0));
  return {
    picture: picture(size, size, new Uint8Array(data.buffer)),
    masks: scene.objects.map((_, k) => pixelsOf(k + 1)),
    ...(scene.mark && { mark: pixelsOf(marked) }),
  };
}

/** A grey with a slope of light and a touch of colour, as three values a pixel. */
function ground(random: Random, size: number): Int32Array {
  const grey = random.integer(64, 120);
  const tint = [0, 1, 2].map(() => random.integer(-8, 8));
  const [across, down] = [random.integer(-24, 24), random.integer(-24, 24)];
  const canvas = new Int32Array(size * size * 3);
  for (let y = 0, at = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++, at++)
        canvas[at] = grey + tint[c] + Math.round((across * (2 * x - size) + down * (2 * y - size)) / (2 * size));
  return canvas;
}

/** Clutter: a thin line or a small spot, nearly grey. */
function scrap(random: Random): Figure {
  const place = () => random.integer(0, side);
  const grey = random.integer(36, 168);
  const colour: Rgb = [grey + random.integer(-10, 10), grey + random.integer(-10, 10), grey + random.integer(-10, 10)];
  const [ax, ay] = [place(), place()];
  const [dx, dy] = random.chance(50) ? [random.integer(-320, 320), random.integer(-320, 320)] : [0, 0];
  const width = dx || dy ? random.integer(5, 11) : random.integer(12, 34);
  const length = dx * dx + dy * dy;
  return {
    box: [
      Math.min(ax, ax + dx) - width,
      Math.min(ay, ay + dy) - width,
      Math.max(ax, ax + dx) + width,
      Math.max(ay, ay + dy) + width,
    ],
    // The distance to the nearest point of the line.
    sample: (x, y) => {
      const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
      const u = x - ax - along * dx;
      const v = y - ay - along * dy;
      return u * u + v * v <= width * width ? 1 : 0;
    },
    colours: [colour, colour],
  };
}

function figureOfMark({ corner, colour }: Mark): Figure {
  const box = markBox(corner);
  const [left, top, right, bottom] = box;
  const ink = inks[colour];
  return {
    box,
    sample: (x, y) => (x >= left && x < right && y >= top && y < bottom ? 1 : 0),
    colours: [ink, ink],
  };
}

function figureOf(object: SceneObject, random: Random): Figure {
  const { shape, texture, x, y, radius } = object;
  const light = random.integer(88, 104);
  const colour = inks[object.colour].map((value) => Math.round((value * light) / 100) + random.integer(-8, 8));
  const dark = colour.map((value) => Math.round(value * 0.45));
  const far = radius * reach;
  const [cos, sin] = turn(object);
  return {
    box: [x - far, y - far, x + far, y + far],
    sample: (px, py) => {
      const u = (px - x) * cos + (py - y) * sin;
      const v = (py - y) * cos - (px - x) * sin;
      if (!inside(shape, u / radius, v / radius)) return 0;
      return dashed(texture, u, v) ? 2 : 1;
    },
    colours: [colour as unknown as Rgb, dark as unknown as Rgb],
  };
}

/** Whether a point of an object's surface has the darker colour of its texture; the period is the same for small and big. */
function dashed(texture: Texture, u: number, v: number): boolean {
  if (texture === "plain") return false;
  if (texture === "striped") return within(v, 68) < 30;
  const a = within(u, 64) - 32;
  const b = within(v, 64) - 32;
  return a * a + b * b < 17 * 17;
}

/** The place of a value in its period, 0 to the period. */
function within(value: number, period: number): number {
  return value - period * Math.floor(value / period);
}

/** Blends a figure into the canvas, and reports the pixels of which it covers at least half. */
function cover(canvas: Int32Array, size: number, figure: Figure, report: (pixel: number) => void): void {
  const scale = side / size;
  const [left, top, right, bottom] = figure.box.map((edge) => Math.floor(edge / scale));
  const [first, second] = figure.colours;
  const whole = samples * samples;
  const hits = new Uint8Array(3);
  for (let y = Math.max(0, top); y <= Math.min(size - 1, bottom); y++)
    for (let x = Math.max(0, left); x <= Math.min(size - 1, right); x++) {
      hits.fill(0);
      for (let j = 0; j < samples; j++)
        for (let i = 0; i < samples; i++)
          hits[figure.sample((x + (2 * i + 1) / (2 * samples)) * scale, (y + (2 * j + 1) / (2 * samples)) * scale)]++;
      if (hits[0] === whole) continue;
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++)
        canvas[at + c] = Math.round((canvas[at + c] * hits[0] + first[c] * hits[1] + second[c] * hits[2]) / whole);
      if (2 * hits[0] <= whole) report(y * size + x);
    }
}
