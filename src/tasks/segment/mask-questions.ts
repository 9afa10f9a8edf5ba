/** @file What is asked of a segmenter: a class's mask, an object's, a region of the picture, a pixel; and their opposites. */
import { listing, present, UserError } from "../../errors.ts";
import type { Geometry } from "../../image/geometry.ts";
import type { Picture } from "../../image/picture.ts";
import { product } from "../../onnx/dims.ts";
import type { Warning } from "../../read/decision.ts";
import { composedQuestions } from "../composed-questions.ts";
import type { AskedElements } from "../element-answers.ts";
import type { Labels } from "../labels.ts";
import { indexOf, NotInSample, type PlainQuestion, refuseQuestion, topOf } from "../questions.ts";
import type { FoundMask } from "./masks.ts";
import { type PixelMask, type Planes, sharesAt } from "./planes.ts";

/** Without a question so many masks are explained at most, and only those that cover more than this part of the picture. */
export const usualMasks = { most: 16, above: 0.01 } as const;

export interface Segmented {
  readonly planes: Planes;
  readonly masks: readonly FoundMask[];
  /** The planes that are something, and what of. */
  readonly labels: Labels;
  readonly geometry: Geometry;
  /** Mask files that questions name. */
  readonly regions: Readonly<Record<string, Picture>>;
  /** The layer that maps lie on. */
  readonly layer: string | undefined;
  /** What the model can be asked. */
  readonly can: readonly string[];
}

/**
 * @param targets questions; the masks that cover more than 1 % of the picture where there is none
 * @throws UserError for what is no question, and for what is not there
 */
export function maskQuestions(targets: readonly string[], found: Segmented): AskedElements[] {
  if (targets.length > 0)
    return composedQuestions(targets, { partsOf: (plain, asked) => partsOf(plain, asked, found) });
  const large = found.masks.filter(({ area }) => area > usualMasks.above);
  return large.slice(0, usualMasks.most).map((mask) => maskOf(mask, found));
}

function partsOf({ kind, of }: PlainQuestion, asked: string, found: Segmented): AskedElements[] {
  if (kind === "region") return [regionOf(of, asked, found)];
  if (kind === "pixel") return [pixelOf(of, asked, found)];
  if (kind !== "mask" && kind !== "class") return refuseQuestion({ kind, asked }, found.can);
  const { masks } = found;
  const top = topOf(of);
  if (top !== undefined && masks.length) return masks.slice(0, top).map((mask) => maskOf(mask, found));
  if (top !== undefined) throw new NotInSample("mask", asked, "nothing is predicted");
  if (kind === "class" || !/^\d+$/.test(of)) return [classOf(of, asked, found)];
  return [maskOf(present(masks[indexOf(of, masks.length, "mask", asked)], "a mask"), found)];
}

/** One mask: the sum of its logits over the cells that it is predicted at. */
function maskOf(
  { index, class: c, label, plane, cells, score }: FoundMask,
  { planes, layer }: Segmented,
): AskedElements {
  return {
    ...{
      class: c,
      label,
      target: `mask:${index}`,
      mask: index,
      asked: `mask-${index}`,
      method: "grad-cam",
      warnings: [],
    },
    question: score === undefined ? label : `${label} (mask ${index})`,
    about: {
      sum: planes.sum(
        plane,
        cells.map((cell) => [cell, 1]),
      ),
      layer,
    },
  };
}

/** All masks of a class, together. */
function classOf(of: string, asked: string, found: Segmented): AskedElements {
  const { labels, masks, layer } = found;
  const c = labels.find(of, labels.count, () => [])[0] as number;
  const own = masks.filter((one) => one.class === c);
  const parts = own.map((mask) => maskOf(mask, found));
  const label = labels.name(c);
  if (parts.length === 0) {
    const there = [...new Set(masks.map(({ label }) => label))];
    const allowed = there.length ? `what is predicted is ${listing(there, 12)}` : "nothing is predicted";
    throw new NotInSample("mask", asked, `${label} is predicted nowhere in this picture; ${allowed}`);
  }
  return {
    ...{
      class: c,
      label,
      target: `class:${c}`,
      asked: `class-${c}`,
      question: label,
      method: "grad-cam",
      warnings: [],
    },
    ...(own.length === 1 ? { mask: present(own[0], "a mask").index } : { region: united(own) }),
    about: { sum: parts.flatMap(({ about }) => about.sum), layer },
  };
}

function united(masks: readonly FoundMask[]): PixelMask {
  const all = masks.map(({ pixels }) => pixels);
  const { width, height, data: first } = present(all[0], "a mask");
  return { width, height, data: first.map((_, i) => Number(all.some(({ data }) => (data[i] as number) > 0))) };
}

/** The planes that can be what is somewhere, the objects that were found or all classes. */
const among = ({ planes, masks }: Segmented): number[] => {
  const objects = masks.some(({ score }) => score !== undefined);
  return objects ? masks.map(({ plane }) => plane) : Array.from({ length: planes.count }, (_, i) => i);
};

const named = (plane: number, { masks, labels }: Segmented): Pick<AskedElements, "class" | "label"> => {
  const object = masks.find((one) => one.plane === plane && one.score !== undefined);
  return object ? { class: object.class, label: object.label } : { class: plane, label: labels.name(plane) };
};

/** The logit of what is predicted at a pixel of the original picture, between the cells around it. */
function pixelOf(of: string, asked: string, found: Segmented): AskedElements {
  const { planes, geometry, layer } = found;
  const { width, height } = geometry.original;
  const [, x = Number.NaN, y = Number.NaN] = (/^(\d+)\s*,\s*(\d+)$/.exec(of) ?? []).map(Number);
  if (!(x < width && y < height))
    throw new UserError(
      "invalid-option",
      `invalid target: "${asked}"; the picture has ${width} x ${height} pixels: expected two whole numbers, pixel:0,0 to pixel:${width - 1},${height - 1}`,
    );
  const shares = sharesAt(planes.grid, geometry, [[x, y]]);
  if (!shares)
    throw new UserError(
      "invalid-option",
      `invalid target: "${asked}"; the network did not look there: it was cropped away`,
    );
  const plane = planes.strongestAt(shares, among(found));
  if (plane < 0) throw new NotInSample("pixel", asked, "nothing is predicted in this picture");
  const { class: c, label } = named(plane, found);
  return {
    ...{
      class: c,
      label,
      target: `pixel:${x},${y}`,
      asked: `pixel-${x}-${y}`,
      question: `${label} at ${x}, ${y}`,
      method: "grad-cam",
    },
    ...{ pixel: { x, y }, warnings: [chosen(`${label} is predicted at pixel ${x}, ${y}: its logit is explained.`)] },
    about: { sum: planes.sum(plane, shares), layer },
  };
}

/** The logits, over a region of the picture, of what is predicted most in it. */
function regionOf(of: string, asked: string, found: Segmented): AskedElements {
  const { planes, geometry, layer, regions } = found;
  const region = regions[of];
  if (!region)
    throw new UserError(
      "missing-file",
      `missing region: "${asked}"; give its pixels by the option regions, { "${of}": picture }`,
    );
  const { width, height } = geometry.original;
  if (region.width !== width || region.height !== height)
    throw new UserError(
      "invalid-input",
      `invalid region: ${of} has ${region.width} x ${region.height} pixels; expected the picture's ${width} x ${height}`,
    );
  const pixels = marked(region);
  if (pixels.length === 0)
    throw new UserError(
      "invalid-input",
      `invalid region: ${of} is black all over; expected the region's pixels to be not 0`,
    );
  const shares = sharesAt(planes.grid, geometry, pixels);
  if (!shares)
    throw new UserError(
      "invalid-input",
      `invalid region: the network did not look at any pixel of ${of}: they were cropped away`,
    );
  const plane = mostIn(shares, found);
  if (plane < 0) throw new NotInSample("region", asked, "nothing is predicted in this picture");
  const { class: c, label } = named(plane, found);
  // As if each cell of the region counted once, whatever the picture's size.
  const scale =
    (geometry.scaleX * geometry.scaleY * geometry.input.width * geometry.input.height) / product(planes.grid);
  const name = of.split(/[\\/]/).at(-1) ?? of;
  return {
    ...{ class: c, label, target: `region:${of}`, question: `${label} in ${name}`, method: "grad-cam" },
    asked: `region-${of.replace(/\.[^.]*$/, "").replace(/[^\w-]+/g, "-")}`,
    region: shown(region, geometry),
    warnings: [chosen(`${label} is predicted most in ${name}: its logits there are explained.`)],
    about: {
      sum: planes.sum(
        plane,
        Array.from(shares, ([cell, share]) => [cell, share / scale]),
      ),
      layer,
    },
  };
}

const chosen = (text: string): Warning => ({ code: "class-chosen", text });

/** The pixels of a region: those that are not 0. */
function marked({ width, data, deep }: Picture): [x: number, y: number][] {
  const values = deep ?? data;
  const found: [number, number][] = [];
  for (let i = 0; i < values.length; i += 3)
    if (values[i] || values[i + 1] || values[i + 2]) found.push([(i / 3) % width, Math.floor(i / 3 / width)]);
  return found;
}

/** The plane that most of some cells are predicted as; where none is, the strongest of all of them. */
function mostIn(shares: ReadonlyMap<number, number>, found: Segmented): number {
  const { planes } = found;
  const some = among(found);
  const votes = new Map<number, number>();
  for (const plane of some) {
    let sum = 0;
    for (const cell of planes.cells(plane)) sum += shares.get(cell) ?? 0;
    if (sum > 0) votes.set(plane, sum);
  }
  const [best] = [...votes].toSorted(([, a], [, b]) => b - a);
  return best ? best[0] : planes.strongestAt(shares, some);
}

/** A region in the pixels of the picture that maps are laid over. */
function shown(region: Picture, { canvas }: Geometry): PixelMask {
  const values = region.deep ?? region.data;
  const { width, height } = canvas ?? region;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = Math.floor(((y + 0.5) * region.height) / height) * region.width;
      const i = 3 * (from + Math.floor(((x + 0.5) * region.width) / width));
      const sum = (values[i] as number) + (values[i + 1] as number) + (values[i + 2] as number);
      data[y * width + x] = Number(sum > 0);
    }
  return { width, height, data };
}
