/** @file Masks as people see them: a thin light line along their border, over a picture; or white on black. */
import { expects } from "../errors.ts";
import { type Picture, picture } from "../image/picture.ts";

/** Pixels of a picture that belong to something: not 0. */
export interface Marked {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** So many pixels of the shorter side for one of the line's width. */
const PIXELS_A_LINE = 300;
/** How much of the line's colour there is, and of the dark one beside it, which sets it off from light pictures. */
const LINE = { value: 245, share: 0.9 };
const SHADE = { value: 20, share: 0.5 };

/** The picture with a light line just inside of the border of a mask, and a dark one just outside; none along the picture's own edge. */
export function outlined({ width, height, data }: Picture, mask: Marked): Picture {
  const fits = mask.width === width && mask.height === height;
  expects(fits, "mask", `${mask.width} x ${mask.height}`, `one of its picture's size, ${width} x ${height}`);
  const out = picture(width, height, data.slice());
  const reach = Math.max(1, Math.round(Math.min(width, height) / PIXELS_A_LINE));
  const inside = within(mask, reach, 0);
  const outside = within(mask, Math.max(1, Math.round(reach / 2)), 1);
  for (let i = 0; i < inside.length; i++) {
    const line = inside[i] ? LINE : outside[i] ? SHADE : undefined;
    if (line)
      for (let c = 0; c < 3; c++) out.data[3 * i + c] += Math.round((line.value - out.data[3 * i + c]) * line.share);
  }
  return out;
}

/** Pixels of the other kind than `of`, 0 or 1, that have one of that kind at most so many steps away, along rows and columns. */
function within({ width, height, data }: Marked, steps: number, of: 0 | 1): Uint8Array {
  const is = (i: number) => Number(data[i] > 0) === of;
  let near = Uint8Array.from({ length: data.length }, (_, i) => Number(is(i)));
  for (let step = 0; step < steps; step++) {
    const next = near.slice();
    for (let i = 0; i < near.length; i++) {
      if (!near[i]) continue;
      const x = i % width;
      if (x > 0) next[i - 1] = 1;
      if (x < width - 1) next[i + 1] = 1;
      if (i >= width) next[i - width] = 1;
      if (i < width * (height - 1)) next[i + width] = 1;
    }
    near = next;
  }
  return near.map((v, i) => Number(v > 0 && !is(i)));
}

/** White where a mask is, black elsewhere. */
export function maskPicture({ width, height, data }: Marked): Picture {
  const out = picture(width, height);
  for (let i = 0; i < data.length; i++) if (data[i]) out.data.fill(255, 3 * i, 3 * i + 3);
  return out;
}
