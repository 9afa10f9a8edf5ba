/** @file What is measured of a map on a scene, and how shares and means get their intervals. */
import { insideOutside } from "../../dist/tasks/map.js";

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

/** Spearman's rank correlation, ties by mean ranks; NaN where one side is constant. */
export function spearman(a, b) {
  const [ra, rb] = [ranks(a), ranks(b)];
  const [ma, mb] = [mean(ra), mean(rb)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < ra.length; i++) {
    ab += (ra[i] - ma) * (rb[i] - mb);
    aa += (ra[i] - ma) ** 2;
    bb += (rb[i] - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

function ranks(values) {
  const order = new Uint32Array(values.length).map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const out = new Float64Array(values.length);
  for (let from = 0, to; from < order.length; from = to) {
    to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) out[order[i]] = (from + 1 + to) / 2;
  }
  return out;
}

/** @param values numbers, or whether something holds */
export function mean(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += Number(values[i]);
  return total / values.length;
}

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** How often a bootstrap draws. */
const draws = 1000;

/**
 * The mean of what records say, and its 95 % interval: a percentile bootstrap over scenes, since the maps of one picture are alike.
 * @param records each with its `seed`
 * @param of a number or a yes or no of a record; records of which it is undefined are left out
 */
export function estimate(records, of) {
  const scenes = new Map();
  for (const record of records) {
    const value = of(record);
    if (value === undefined) continue;
    const scene = scenes.get(record.seed) ?? { sum: 0, count: 0 };
    scenes.set(record.seed, { sum: scene.sum + Number(value), count: scene.count + 1 });
  }
  const all = [...scenes.values()];
  const meanOf = (some) =>
    some.reduce((sum, scene) => sum + scene.sum, 0) / some.reduce((n, scene) => n + scene.count, 0);
  const random = generator(1);
  const drawn = Array.from({ length: draws }, () => meanOf(all.map(() => all[Math.floor(random() * all.length)])));
  drawn.sort((a, b) => a - b);
  const count = all.reduce((n, scene) => n + scene.count, 0);
  return {
    value: meanOf(all),
    low: drawn[Math.floor(0.025 * draws)],
    high: drawn[Math.ceil(0.975 * draws) - 1],
    count,
  };
}

/** Uniform numbers in [0, 1): mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
