/**
 * @file A title and a small picture for each of its parts (a sentence's words, detections), as one SVG file: cells that run on like text, line after line.
 *
 * Everything is in the file, pictures as data URIs and letters as paths, so that it is the same wherever it is opened.
 */
import {
  aspectOf,
  type Cell,
  type Colorbar,
  column,
  drawCell,
  drawFooter,
  FOOTER_GAP,
  GUTTER,
  LINE,
  MARGIN,
  MUTED,
  page,
  TYPE,
} from "./figure.ts";
import { wrap } from "./text.ts";

export type { Cell } from "./figure.ts";

/** A word's picture, or a detection's. */
export interface SheetCell {
  readonly label: string;
  /** Below the label, a line. */
  readonly detail: string;
  readonly cell: Cell;
}

export interface Sheet {
  /** The sentence, or the question. */
  readonly title: string;
  /** Below it, a line each. */
  readonly lines: readonly string[];
  readonly cells: readonly SheetCell[];
  readonly colorbar?: Colorbar;
  readonly caption?: string;
}

const CELL_WIDTH = 190;
/** Cells in a line at most; fewer where the last line would stay nearly empty. */
const MOST_COLUMNS = 6;
const LEAST_COLUMNS = 4;
const TITLE = 20;
const LABEL_HEIGHT = Math.ceil((TYPE.label + TYPE.detail) * LINE + 4);
const TALLEST = 1.6;

/** The sheet as SVG; `width` and `height` in its root element are CSS pixels. */
export function sheet({ title, lines, cells, colorbar, caption }: Sheet): string {
  const columns = columnsFor(cells.length);
  const across = Math.max(columns, LEAST_COLUMNS);
  const right = MARGIN + across * (CELL_WIDTH + GUTTER) - GUTTER;
  const width = right - MARGIN;
  const titles = wrap(title, TITLE, width, 3, true);
  const details = lines.flatMap((line) => wrap(line, TYPE.detail, width, 3));
  const parts = column(titles, { x: MARGIN, y: MARGIN + TITLE, size: TITLE, bold: true });
  const below = MARGIN + TITLE * 0.4 + titles.length * TITLE * LINE;
  parts.push(...column(details, { x: MARGIN, y: below + TYPE.detail, size: TYPE.detail, colour: MUTED }));
  const top = below + details.length * TYPE.detail * LINE + GUTTER * 1.5;

  const aspect = Math.min(TALLEST, Math.max(0, ...cells.map(({ cell }) => aspectOf(cell)))) || 1;
  const height = Math.round(CELL_WIDTH * aspect);
  const step = height + LABEL_HEIGHT + GUTTER;
  cells.forEach(({ cell, label, detail }, i) => {
    const [x, y] = [MARGIN + (i % columns) * (CELL_WIDTH + GUTTER), top + Math.floor(i / columns) * step];
    const name = wrap(label, TYPE.label, CELL_WIDTH, 1, true);
    const under = { x, y: y + height + TYPE.label + 4 };
    parts.push(
      drawCell(cell, x, y, CELL_WIDTH, height),
      ...column(name, { ...under, size: TYPE.label, bold: true }),
      ...column(wrap(detail, TYPE.detail, CELL_WIDTH, 1), {
        ...{ x, y: under.y + TYPE.label * LINE, size: TYPE.detail, colour: MUTED },
      }),
    );
  });
  const end = top + Math.ceil(cells.length / columns) * step - GUTTER + FOOTER_GAP;
  const footer = drawFooter({ caption, colorbar }, end, right);
  return page(title, right + MARGIN, Math.ceil(end + footer.height + MARGIN / 2), [...parts, ...footer.parts]);
}

/** As many as fill their lines best. */
function columnsFor(count: number): number {
  if (count <= MOST_COLUMNS) return Math.max(1, count);
  const allowed = [MOST_COLUMNS, MOST_COLUMNS - 1, LEAST_COLUMNS];
  const holes = (columns: number) => (columns - (count % columns)) % columns;
  return allowed.reduce((best, columns) => (holes(columns) < holes(best) ? columns : best));
}
