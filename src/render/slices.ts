/** @file Slices of a volume side by side as one SVG file, each with its number, under one scale of colours. */
import type { ColormapName } from "./colormap.ts";
import { BAR_HEIGHT, drawColorbar, MUTED, page } from "./figure.ts";
import { CELL_WIDTH } from "./panel.ts";
import { dataUri, pngSize } from "./png.ts";
import { text, wrap } from "./text.ts";

export interface Slice {
  readonly number: number;
  /** PNG bytes. */
  readonly picture: Uint8Array;
}

export interface SliceSheet {
  readonly title: string;
  readonly slices: readonly Slice[];
  readonly colormap: ColormapName;
  readonly caption?: string;
}

const MARGIN = 20;
const GUTTER = 10;
const SIDE = 168;
const ACROSS = 6;
const TYPE = { title: 14, label: 12 };

/** The figure as SVG; `width` and `height` in its root element are CSS pixels. */
export function sliceSheet({ title, slices, colormap, caption }: SliceSheet): string {
  const size = pngSize(slices[0].picture);
  const height = Math.round(Math.min(2, size.height / size.width) * SIDE);
  const across = Math.min(ACROSS, slices.length);
  const inner = Math.max(across * (SIDE + GUTTER) - GUTTER, 2 * CELL_WIDTH);
  const top = MARGIN + TYPE.title + GUTTER;
  const below = TYPE.label + 8 + GUTTER;
  const parts = [
    text(wrap(title, TYPE.title, inner, 1, true).join(), {
      x: MARGIN,
      y: MARGIN + TYPE.title,
      size: TYPE.title,
      bold: true,
    }),
  ];
  slices.forEach(({ number, picture }, i) => {
    const [x, y] = [MARGIN + (i % across) * (SIDE + GUTTER), top + Math.floor(i / across) * (height + below)];
    parts.push(
      `<image x="${x}" y="${y}" width="${SIDE}" height="${height}" href="${dataUri(picture)}"/>`,
      text(`slice ${number}`, {
        x: x + SIDE / 2,
        y: y + height + TYPE.label + 3,
        size: TYPE.label,
        anchor: "middle",
        colour: MUTED,
      }),
    );
  });
  const footer = top + Math.ceil(slices.length / across) * (height + below) + 4;
  const lines = wrap(caption ?? "", TYPE.label, inner - CELL_WIDTH - 2 * GUTTER, 3);
  lines.forEach((line, i) => {
    parts.push(text(line, { x: MARGIN, y: footer + TYPE.label * (1 + 1.35 * i), size: TYPE.label, colour: MUTED }));
  });
  const bar = { colormap, label: "fraction of the map's maximum in the volume", ticks: ["0", "0.5", "1"] };
  parts.push(drawColorbar(bar, MARGIN + inner - CELL_WIDTH, footer));
  const [width, tall] = [inner + 2 * MARGIN, Math.ceil(footer + BAR_HEIGHT + 34 + MARGIN / 2)];
  return page(title, width, tall, parts);
}

/**
 * Which of so many slices are shown: all, or as many as there is room for, evenly from the first to the last. Those of note take the
 * place of their neighbours.
 */
export function shownSlices(depth: number, most: number, noted: readonly number[] = []): number[] {
  const count = Math.min(depth, most);
  const shown = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (depth - 1)) / (count - 1)),
  );
  const taken = new Set<number>();
  for (const slice of noted) {
    if (shown.includes(slice)) taken.add(slice);
    else {
      const others = shown.filter((s) => !taken.has(s));
      if (!others.length) break;
      const nearest = others.reduce((a, b) => (Math.abs(b - slice) < Math.abs(a - slice) ? b : a));
      shown[shown.indexOf(nearest)] = slice;
      taken.add(slice);
    }
  }
  return shown.sort((a, b) => a - b);
}
