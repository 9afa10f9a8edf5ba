/**
 * @file A labelled figure as one SVG file: a row for each class, a column for each view of it, a colour bar, a caption.
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
import { text, wrap } from "./text.ts";

export type { Cell } from "./figure.ts";

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
  readonly colorbar?: Colorbar;
  /** The columns whose colours the bar explains, counted from 0; it stands under each. The last by default. */
  readonly coloured?: readonly number[];
  /** A line below the figure, e.g. the model and the layer. */
  readonly caption?: string;
}

export const CELL_WIDTH = 280;
const LABEL_WIDTH = 132;
const HEADING_HEIGHT = 24;
/** Height over width that a cell has at most; what is taller is drawn smaller. */
const TALLEST = 2;
/** A cell without any picture in its figure to take the aspect from. */
const SQUARE = 1;

/** The figure as SVG; `width` and `height` in its root element are CSS pixels. */
export function panel({ columns, rows, colorbar, coloured = [columns.length - 1], caption }: Panel): string {
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
      ...row.cells.map((cell, column) => drawCell(cell, x(column), y, CELL_WIDTH, height)),
    );
    y += height + GUTTER;
  }

  const top = y - GUTTER + FOOTER_GAP;
  const bars = coloured.map(x);
  const footer = drawFooter({ caption, colorbar, bars }, top, right);
  const [width, height] = [right + MARGIN, Math.ceil(top + footer.height + MARGIN / 2)];
  // Letters are paths: the title is what can be read aloud and searched for.
  const title = [rows.map(({ label }) => label).join(", "), caption].filter(Boolean).join(". ");
  return page(title, width, height, [...parts, ...footer.parts]);
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
