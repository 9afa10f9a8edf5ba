/** @file Boxes drawn on a picture, each with a name: a line that is seen on any ground, and a label that stays within the picture. */
import { expects, isRecord } from "../errors.ts";
import type { Box } from "../image/locate.ts";
import { picture as made, type Picture } from "../image/picture.ts";
import { lettering } from "./lettering.ts";
import { measure, wrap } from "./text.ts";

/** A box and what is said of it. */
export interface BoxMark {
  /** In pixels of the picture; it may reach beyond. */
  readonly box: Box;
  /** Shortened where it does not fit; without it the box stands alone. */
  readonly label?: string;
  /** Behind the label, never shortened: a score. */
  readonly value?: string;
  /** One that is not spoken of: a thin line, without a label. */
  readonly faint?: boolean;
}

type Colour = readonly [red: number, green: number, blue: number];

const LINE: Colour = [255, 255, 255];
const HALO: Colour = [16, 16, 20];
const HALO_OPACITY = 0.85;
const FAINT_OPACITY = 0.5;
/** Of the picture's shorter side, the width of a line. */
const LINE_SHARE = 1 / 240;
/** Letters grow with it, from the least that can be read. */
const [LEAST_TYPE, TYPE_SHARE, MOST_TYPE] = [8, 1 / 70, 200];
/** Of the type size: so much room a label may take beside its box. */
const MOST_NAME = 15;
/** A label takes at most so much of the picture's height: what cannot be read is left out. */
const LABEL_SHARE = 0.5;

/** The picture with boxes on it, the first on top. */
export function drawBoxes(picture: Picture, marks: readonly BoxMark[]): Picture {
  const { width, height } = picture;
  const fit = Array.isArray(marks) && marks.every(isMark);
  expects(fit, "marks", marks, 'a list of boxes, [{ box: [x0, y0, x1, y1], label: "cat" }]');
  const out = made(width, height, picture.data.slice());
  const shorter = Math.min(width, height);
  const line = Math.max(1, Math.round(shorter * LINE_SHARE));
  const seen = marks.flatMap((mark) => {
    const box = inside(mark.box, out, mark.faint ? 0 : line + 1);
    return box ? [{ ...mark, box }] : [];
  });
  for (const { box } of seen.filter(({ faint }) => faint)) frame(out, box, [0, 1], LINE, FAINT_OPACITY);
  const told = seen.filter(({ faint }) => !faint);
  for (const { box } of told.toReversed()) {
    frame(out, box, [-1 - (line >> 1), line + 2 + (line >> 2)], HALO, HALO_OPACITY);
    frame(out, box, [-(line >> 1), line], LINE, 1);
  }
  const size = Math.min(MOST_TYPE, Math.round(LEAST_TYPE + shorter * TYPE_SHARE));
  const taken: Box[] = [];
  for (const mark of told) taken.push(...label(out, mark, size, line, taken));
  return out;
}

const isMark = (mark: unknown): boolean =>
  isRecord(mark) &&
  Array.isArray(mark.box) &&
  mark.box.length === 4 &&
  mark.box.every((edge) => typeof edge === "number") &&
  [mark.label, mark.value].every((text) => text === undefined || typeof text === "string");

/** A box in whole pixels, as far as it is in the picture, so far from its border that the line is; undefined for one that is outside. */
function inside([left, top, right, bottom]: Box, { width, height }: Picture, margin: number): Box | undefined {
  if (!(right >= 0 && bottom >= 0 && left <= width && top <= height)) return undefined;
  const within = (edge: number, most: number) =>
    Math.round(Math.max(Math.min(margin, most / 2), Math.min(Math.max(most - margin, most / 2), edge)));
  return [within(left, width), within(top, height), within(right, width), within(bottom, height)];
}

/** The four sides of a box, `thick` pixels wide from `from` pixels inside of its edge outwards on. */
function frame(
  out: Picture,
  [left, top, right, bottom]: Box,
  [from, thick]: readonly [from: number, thick: number],
  colour: Colour,
  opacity: number,
): void {
  const [x0, y0, x1, y1] = [left + from, top + from, right - from, bottom - from];
  fill(out, [x0, y0, x1, y0 + thick], colour, opacity);
  fill(out, [x0, y1 - thick, x1, y1], colour, opacity);
  fill(out, [x0, y0 + thick, x0 + thick, y1 - thick], colour, opacity);
  fill(out, [x1 - thick, y0 + thick, x1, y1 - thick], colour, opacity);
}

function fill(out: Picture, [x0, y0, x1, y1]: Box, colour: Colour, opacity: number): void {
  for (let y = Math.max(0, y0); y < Math.min(out.height, y1); y++)
    for (let x = Math.max(0, x0); x < Math.min(out.width, x1); x++) blend(out, y * out.width + x, colour, opacity);
}

function blend({ data }: Picture, pixel: number, colour: Colour, opacity: number): void {
  for (const [c, value] of colour.entries()) {
    const at = pixel * 3 + c;
    const before = data[at] ?? 0;
    data[at] = Math.round(before + (value - before) * opacity);
  }
}

/** @returns where it was written: nowhere in a picture that is too small for letters */
function label(out: Picture, mark: BoxMark, size: number, line: number, taken: readonly Box[]): Box[] {
  const { label: name = "", value = "" } = mark;
  const padding = Math.round(size / 4);
  const room = Math.max(MOST_NAME * size, mark.box[2] - mark.box[0]) - 2 * padding;
  const behind = value && ` ${value}`;
  const [short = ""] = wrap(name, size, Math.min(room, out.width - 2 * padding) - measure(behind, size), 1);
  const text = (short + behind).trim();
  const letters = lettering(text, size);
  const [width, height] = [letters.width + 2 * padding, letters.height + padding];
  if (text === "" || width > out.width || height > out.height * LABEL_SHARE) return [];
  const place = placed(mark.box, [width, height], line, out, taken);
  fill(out, place, HALO, HALO_OPACITY);
  const [x, y] = [place[0] + padding, place[1] + (padding >> 1)];
  for (let row = 0; row < letters.height; row++)
    for (let column = 0; column < letters.width; column++) {
      const share = letters.cover[row * letters.width + column] ?? 0;
      if (share > 0) blend(out, (y + row) * out.width + x + column, LINE, share);
    }
  return [place];
}

/** Above its box, below it or in it, where it hides no other label; inside the picture in any case. */
function placed(
  [left, top, right, bottom]: Box,
  [width, height]: readonly [number, number],
  line: number,
  out: Picture,
  taken: readonly Box[],
): Box {
  const gap = line + 1;
  const corners = [
    [left - gap, top - gap - height],
    [left - gap, bottom + gap],
    [left + gap, top + gap],
    [right - gap - width, bottom - gap - height],
    [right + gap - width, top - gap - height],
    [right + gap - width, bottom + gap],
  ] as const;
  const fits = corners.filter(([, y]) => y >= 0 && y + height <= out.height);
  const places = (fits.length ? fits : corners).map(([x, y]): Box => {
    const [atX, atY] = [clamp(x, out.width - width), clamp(y, out.height - height)];
    return [atX, atY, atX + width, atY + height];
  });
  return places.find((place) => !taken.some((other) => meet(place, other))) ?? (places[0] as Box);
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));

const meet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
