/** @file What labelled figures are drawn of: pictures in their frames, lines of text, a colour bar, the page around them. */
import { type ColormapName, colormap } from "./colormap.ts";
import { dataUri, pngSize } from "./png.ts";
import { decimal, escapeXml, text, wrap } from "./text.ts";

/** A picture as PNG bytes, or in its place a few words why there is none. */
export type Cell = Uint8Array | { readonly blank: string };

/** What the colours mean, with the bar's ends named by `ticks`, evenly spaced. */
export interface Colorbar {
  readonly colormap: ColormapName;
  readonly label: string;
  readonly ticks?: readonly string[];
}

export const MARGIN = 20;
export const GUTTER = 10;
export const FOOTER_GAP = 18;
export const TYPE = { heading: 14, label: 14, detail: 12, caption: 12 };
export const LINE = 1.35;
export const MUTED = "#5c5c5c";
export const BAR_HEIGHT = 10;
const BAR_WIDTH = 280;

/** Height over width; 0 for a blank cell, which takes its neighbours'. */
export function aspectOf(cell: Cell): number {
  if ("blank" in cell) return 0;
  const { width, height } = pngSize(cell);
  return height / width;
}

/** Lines of text below one another, the first on the baseline `y`. */
export function column(lines: readonly string[], style: Parameters<typeof text>[1]): string[] {
  return lines.map((line, i) => text(line, { ...style, y: style.y + i * style.size * LINE }));
}

export function drawCell(cell: Cell, x: number, y: number, width: number, height: number): string {
  const frame = `x="${x}" y="${decimal(y)}" width="${width}" height="${height}"`;
  if (!("blank" in cell)) return `<image ${frame} href="${dataUri(cell)}"/>`;
  const lines = wrap(cell.blank, TYPE.detail, width - 4 * GUTTER, 4);
  const first = y + height / 2 - ((lines.length - 1) * LINE * TYPE.detail) / 2 + TYPE.detail * 0.35;
  const style = { x: x + width / 2, y: first, size: TYPE.detail, anchor: "middle", colour: MUTED } as const;
  return [`<rect ${frame} fill="#f4f4f4"/>`, ...column(lines, style)].join("\n");
}

interface Footer {
  readonly caption?: string;
  readonly colorbar?: Colorbar;
  /** Where colour bars begin; one at the right by default. */
  readonly bars?: readonly number[];
}

/** A caption to the left of colour bars, from `y` down; and how high they are. */
export function drawFooter(
  { caption = "", colorbar, bars }: Footer,
  y: number,
  right: number,
): { readonly parts: string[]; readonly height: number } {
  const drawn = colorbar ? (bars ?? [right - BAR_WIDTH]) : [];
  const width = Math.min(right, ...drawn.map((x) => x - 2 * GUTTER)) - MARGIN;
  const lines = wrap(caption, TYPE.caption, width, 3);
  const parts = column(lines, { x: MARGIN, y: y + TYPE.caption, size: TYPE.caption, colour: MUTED });
  if (colorbar) parts.push(...drawn.map((x) => drawColorbar(colorbar, x, y)));
  return {
    parts,
    height: Math.max(lines.length * TYPE.caption * LINE, drawn.length ? BAR_HEIGHT + 2.7 * TYPE.caption : 0),
  };
}

/** A horizontal bar, its label above and its ticks below. */
export function drawColorbar({ colormap: name, label, ticks = ["0", "max"] }: Colorbar, x: number, y: number): string {
  const colours = colormap(name);
  const stops = Array.from({ length: 33 }, (_, i) => {
    const step = Math.round((i / 32) * 255) * 3;
    return `<stop offset="${decimal((i / 32) * 100)}%" stop-color="rgb(${colours.subarray(step, step + 3).join()})"/>`;
  });
  const top = y + TYPE.caption + 5;
  const bottom = top + BAR_HEIGHT;
  const marks = ticks.flatMap((tick, i) => {
    const share = i / Math.max(1, ticks.length - 1);
    const at = x + share * BAR_WIDTH;
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    return [
      `<path d="M${decimal(at)} ${bottom}v4" stroke="${MUTED}"/>`,
      text(tick, { x: at, y: bottom + TYPE.caption + 5, size: TYPE.caption - 1, anchor, colour: MUTED }),
    ];
  });
  // One figure may have several bars.
  const id = `colours-${name}-${decimal(x)}`;
  return [
    `<linearGradient id="${id}">${stops.join("")}</linearGradient>`,
    text(label, { x, y: y + TYPE.caption - 2, size: TYPE.caption, colour: MUTED }),
    `<rect x="${x}" y="${top}" width="${BAR_WIDTH}" height="${BAR_HEIGHT}" fill="url(#${id})"/>`,
    ...marks,
  ].join("\n");
}

/** The figure as SVG; `width` and `height` in its root element are CSS pixels. */
export function page(title: string, width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}
