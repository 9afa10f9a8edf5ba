/**
 * @file CSV as RFC 4180 has it, whose text no spreadsheet runs: cells that begin like a formula get an apostrophe
 * (https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
 */

type Cell = string | number | boolean | null;

export const csv = (lines: readonly (readonly Cell[])[]): string =>
  `${lines.map((cells) => cells.map(quoted).join(",")).join("\n")}\n`;

/** What spreadsheets take for a formula, also behind space, and in the full width of East Asian writing. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

export function quoted(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const text = formula.test(cell) && !number.test(cell) ? `'${cell}` : cell;
  // A semicolon and a tabulator part cells where a reader thinks so.
  return /[",;\t\n\r]/.test(text) || text !== cell ? `"${text.replaceAll('"', '""')}"` : text;
}
