/** @file What is measured of a map on a scene, and how shares and means get their intervals. */
import { randomFor } from "../../dist/array/random.js";
import { bootstrap, mean, sum } from "../../dist/array/statistics.js";
import { insideOutside } from "../../dist/image/inside-outside.js";

/** How far beside an object a peak may lie, in parts of the picture's side. */
const tolerance = 0.03;

/** The pixels that any of these objects shows. */
export function maskOf(masks, objects) {
  return masks[0].map((_, pixel) => (objects.some((k) => masks[k][pixel]) ? 1 : 0));
}

/** Objects of a scene, as a place to point at. */
export class Place {
  #mask;
  #near;

  constructor({ picture: { width, height }, masks }, objects) {
    this.#mask = maskOf(masks, objects);
    this.#near = widened(this.#mask, width, height);
    this.width = width;
    this.height = height;
  }

  /** Whether a peak is on the objects or beside them; that of a blank map is not. */
  has(peak) {
    return peak !== undefined && this.#near[peak.y * this.width + peak.x] === 1;
  }

  /** The share of pixels that count as hits: what a peak drawn at random gets. */
  get random() {
    return mean(this.#near);
  }

  /** What a peak in the middle of the picture gets. */
  get centre() {
    return this.has({ x: this.width >> 1, y: this.height >> 1 });
  }

  /** The map's mean on the objects over its mean elsewhere. */
  ratio(map) {
    return insideOutside(map, this.#mask);
  }
}

/** A mask with all pixels that are at most the tolerance away. */
function widened(mask, width, height) {
  const reach = tolerance * Math.max(width, height);
  const steps = Array.from({ length: 2 * Math.floor(reach) + 1 }, (_, i) => i - Math.floor(reach));
  const disc = steps.flatMap((dy) => steps.filter((dx) => dx * dx + dy * dy <= reach * reach).map((dx) => [dx, dy]));
  const near = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (mask[y * width + x])
        for (const [dx, dy] of disc)
          if (x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height) near[(y + dy) * width + x + dx] = 1;
  return near;
}

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * The mean of what records say, and its 95 % interval: a bootstrap over scenes, since the maps of one picture are alike.
 * @param records each with its `seed`
 * @param of a number or a yes or no of a record; records of which it is undefined are left out
 * @returns `value`, `low`, `high`, and `count` of scenes
 */
export function estimate(records, of) {
  const scenes = new Map();
  for (const record of records) {
    const value = of(record);
    if (value === undefined) continue;
    const { total, count } = scenes.get(record.seed) ?? { total: 0, count: 0 };
    scenes.set(record.seed, { total: total + Number(value), count: count + 1 });
  }
  const meanOf = (some) => sum(some.map(({ total }) => total)) / sum(some.map(({ count }) => count));
  return bootstrap([...scenes.values()], meanOf, randomFor("maps on scenes"));
}
