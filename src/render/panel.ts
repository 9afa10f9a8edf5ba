/**
 * @file A labelled figure as one SVG file: a row for each class, a column for each view of it, a colour bar, a caption.
 *
 * Everything is in the file, pictures as data URIs and letters as paths, so that it is the same wherever it is opened.
 */

import { type ColormapName, colormap } from "./colormap.ts";
import { dataUri, pngSize } from "./png.ts";
import { decimal, escapeXml, text, wrap } from "./text.ts";

/** A picture as PNG bytes, or in its place a few words why there is none. */
export type Cell = Uint8Array | { readonly blank: string };

export interface PanelRow {
  /** What the row explains, e.g. the class's name. */
  readonly label: string;
  /** Below the label, a line each, e.g. score and probability. */
  readonly detail: readonly string[];
  /** One for each column. */
  readonly cells: readonly Cell[];
}

export interface Panel {
  readonly columns: readonly string[];
  readonly rows: readonly PanelRow[];
  /** What the colours mean, with the bar's ends named by `ticks`, evenly spaced. */
  readonly colorbar?: { readonly colormap: ColormapName; readonly label: string; readonly ticks?: readonly string[] };
  /** A line below the figure, e.g. the model and the layer. */
  readonly caption?: string;
}

const MARGIN = 20;
const GUTTER = 10;
export const CELL_WIDTH = 280;
const LABEL_WIDTH = 132;
const HEADING_HEIGHT = 24;
const FOOTER_GAP = 18;
export const BAR_HEIGHT = 10;
const TYPE = { heading: 14, label: 14, detail: 12, caption: 12 };
const LINE = 1.35;
export const MUTED = "#5c5c5c";
/** Height over width that a cell has at most; what is taller is drawn smaller. */
const TALLEST = 2;
/** A cell without any picture in its figure to take the aspect from. */
const SQUARE = 1;

/** The figure as SVG; `width` and `height` in its root element are CSS pixels. */
export function panel({ columns, rows, colorbar, caption }: Panel): string {
  const left = MARGIN + LABEL_WIDTH + GUTTER;
  const x = (column: number) => left + column * (CELL_WIDTH + GUTTER);
  const right = x(columns.length) - GUTTER;
  const parts = columns.map((title, i) =>
    text(wrap(title, TYPE.heading, CELL_WIDTH, 1, true).join(), {
      x: x(i) + CELL_WIDTH / 2,
      y: MARGIN + TYPE.heading,
      size: TYPE.heading,
      anchor: "middle",
      bold: true,
    }),
  );

  const aspects = rows.map(({ cells }) => Math.min(TALLEST, Math.max(0, ...cells.map(aspectOf))));
  const fallback = Math.max(...aspects) || SQUARE;
  let y = MARGIN + HEADING_HEIGHT;
  for (const [i, row] of rows.entries()) {
    const height = Math.round(CELL_WIDTH * (aspects[i] || fallback));
    parts.push(
      ...rowLabel(row, y + height / 2),
      ...row.cells.map((cell, column) => drawCell(cell, x(column), y, height)),
    );
    y += height + GUTTER;
  }

  const footer = y - GUTTER + FOOTER_GAP;
  const captionWidth = right - MARGIN - (colorbar ? CELL_WIDTH + 2 * GUTTER : 0);
  const captionLines = wrap(caption ?? "", TYPE.caption, captionWidth, 3);
  parts.push(...column(captionLines, { x: MARGIN, y: footer + TYPE.caption, size: TYPE.caption, colour: MUTED }));
  if (colorbar) parts.push(drawColorbar(colorbar, right - CELL_WIDTH, footer));
  const footerHeight = Math.max(
    captionLines.length * TYPE.caption * LINE,
    colorbar ? BAR_HEIGHT + 2.7 * TYPE.caption : 0,
  );

  const [width, height] = [right + MARGIN, Math.ceil(footer + footerHeight + MARGIN / 2)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeXml(rows.map(({ label }) => label).join(", "))}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** Height over width; 0 for a blank cell, which takes its row's. */
function aspectOf(cell: Cell): number {
  if ("blank" in cell) return 0;
  const { width, height } = pngSize(cell);
  return height / width;
}

/** A row's label and details, centred on its middle. */
function rowLabel({ label, detail }: PanelRow, middle: number): string[] {
  const names = wrap(label, TYPE.label, LABEL_WIDTH, 3, true);
  const details = detail.flatMap((line) => wrap(line, TYPE.detail, LABEL_WIDTH, 2));
  const top = middle - (names.length * TYPE.label + details.length * TYPE.detail) * LINE * 0.5;
  const y = top + TYPE.label;
  const below = y + names.length * TYPE.label * LINE;
  return [
    ...column(names, { x: MARGIN, y, size: TYPE.label, bold: true }),
    ...column(details, { x: MARGIN, y: below, size: TYPE.detail, colour: MUTED }),
  ];
}

/** Lines of text below one another, the first on the baseline `y`. */
function column(lines: readonly string[], style: Parameters<typeof text>[1]): string[] {
  return lines.map((line, i) => text(line, { ...style, y: style.y + i * style.size * LINE }));
}

function drawCell(cell: Cell, x: number, y: number, height: number): string {
  const frame = `x="${x}" y="${decimal(y)}" width="${CELL_WIDTH}" height="${height}"`;
  if (!("blank" in cell)) return `<image ${frame} href="${dataUri(cell)}"/>`;
  const lines = wrap(cell.blank, TYPE.detail, CELL_WIDTH - 4 * GUTTER, 4);
  const first = y + height / 2 - ((lines.length - 1) * LINE * TYPE.detail) / 2 + TYPE.detail * 0.35;
  const style = { x: x + CELL_WIDTH / 2, y: first, size: TYPE.detail, anchor: "middle", colour: MUTED } as const;
  return [`<rect ${frame} fill="#f4f4f4"/>`, ...column(lines, style)].join("\n");
}

/** A horizontal bar, its label above and its ticks below. */
export function drawColorbar(
  { colormap: name, label, ticks = ["0", "max"] }: NonNullable<Panel["colorbar"]>,
  x: number,
  y: number,
): string {
  const colours = colormap(name);
  const stops = Array.from({ length: 33 }, (_, i) => {
    const step = Math.round((i / 32) * 255) * 3;
    return `<stop offset="${decimal((i / 32) * 100)}%" stop-color="rgb(${colours.subarray(step, step + 3).join()})"/>`;
  });
  const top = y + TYPE.caption + 5;
  const bottom = top + BAR_HEIGHT;
  const marks = ticks.flatMap((tick, i) => {
    const share = i / Math.max(1, ticks.length - 1);
    const at = x + share * CELL_WIDTH;
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    return [
      `<path d="M${decimal(at)} ${bottom}v4" stroke="${MUTED}"/>`,
      text(tick, { x: at, y: bottom + TYPE.caption + 5, size: TYPE.caption - 1, anchor, colour: MUTED }),
    ];
  });
  return [
    `<linearGradient id="colours-${name}">${stops.join("")}</linearGradient>`,
    text(label, { x, y: y + TYPE.caption - 2, size: TYPE.caption, colour: MUTED }),
    `<rect x="${x}" y="${top}" width="${CELL_WIDTH}" height="${BAR_HEIGHT}" fill="url(#colours-${name})"/>`,
    ...marks,
  ].join("\n");
}
