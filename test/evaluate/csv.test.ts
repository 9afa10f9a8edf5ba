/** @file Cells of CSV files as spreadsheets read them: what begins like a formula is text, and numbers are numbers. */
import { expect, test } from "vitest";
import { csv } from "../../src/evaluate/csv.ts";
import { csvOf } from "../../src/evaluate/tables.ts";
import { csvOf as answersOf } from "../../src/study/export.ts";

/** RFC 4180, written here once more. */
function read(text: string): string[][] {
  const cells = [...text.matchAll(/("(?:[^"]|"")*"|[^",\n]*)(,|\n)/g)];
  const rows: string[][] = [[]];
  for (const [, cell, end] of cells) {
    rows[rows.length - 1].push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

const formulas = [
  ...["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "-", "--1"],
  '=HYPERLINK("http://x","y")',
];

test.each(formulas)("%j is text", (text) => {
  const [[cell, after]] = read(csv([[text, "after"]]));
  expect(cell).toBe(`'${text}`);
  expect(after).toBe("after");
});

test("what is text stays, quotes, separators and breaks are within quotes", () => {
  const row = ["cat", "tabby, tabby cat", 'a "b"', "two\nlines", "a;b", "a=b", "x-1", "", "日本"];
  expect(read(csv([row, row]))).toEqual([row, row]);
  expect(csv([['a "b"', "c,d", "e;f"]])).toBe('"a ""b""","c,d","e;f"\n');
});

test("numbers stay numbers", () => {
  const numbers = [-0.5, 0, -1e-7, 1e21, 12, "-0.5", "-3", "1e-9", true, null];
  expect(csv([numbers])).toBe("-0.5,0,-1e-7,1e+21,12,-0.5,-3,1e-9,true,\n");
});

test("every writer", () => {
  const answers = answersOf([{ picture: "=1+1.png", score: -2, answer: "@x", subject: null }]);
  expect(read(answers)).toEqual([
    ["picture", "score", "answer", "subject"],
    ["'=1+1.png", "-2", "'@x", ""],
  ]);
  const of = { metric: "m", figure: "=f", method: "-m", value: -0.25, low: -1, high: 1, count: 3 };
  const [, figure] = read(csvOf({ figures: [{ ...of, count: 3 }], differences: [] } as Parameters<typeof csvOf>[0]));
  expect(figure).toEqual(["m", "'=f", "'-m", "", "-0.25", "-1", "1", "3"]);
});
