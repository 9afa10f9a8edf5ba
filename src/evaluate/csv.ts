/** @file CSV as RFC 4180 has it. */

type Cell = string | number | boolean;

export const csv = (lines: readonly (readonly Cell[])[]): string =>
  `${lines.map((cells) => cells.map(quoted).join(",")).join("\n")}\n`;

export const quoted = (cell: Cell): string => {
  const text = String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
