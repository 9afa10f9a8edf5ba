/** @file JSON bodies: what is parsed of them is small whatever they hold, and the picture comes out as it went in. */
import { expect, test, vi } from "vitest";
import { fileIn, mostJson, parseJson } from "../../src/server/json.ts";

const bytes = (text: string) => Buffer.from(text);
const many = 2_000_000;

test.each([
  ["keys", `{${Array.from({ length: many / 8 }, (_, i) => `"k${i}":1`).join()}}`],
  ["whole numbers as keys", `{${Array.from({ length: many / 8 }, (_, i) => `"${i * 4001}":1`).join()}}`],
  ["lists that are opened", "[".repeat(many)],
  ["lists in lists", "[".repeat(many) + "]".repeat(many)],
  ["lists in the picture's place", `{"image":${"[".repeat(many)}${"]".repeat(many)}}`],
  ["objects in objects", `${'{"a":'.repeat(many / 5)}1${"}".repeat(many / 5)}`],
  ["classes", `{"image":"AAAA","classes":[${"1,".repeat(many)}1]}`],
  ["empty texts", `{"image":"AAAA","methods":[${'"",'.repeat(many)}""]}`],
  ["texts just short enough", `[${`"${"a".repeat(mostJson.text)}",`.repeat(many / mostJson.text)}1]`],
  ["long texts", `[${`"${"a".repeat(10_000)}",`.repeat(100)}1]`],
  ["escaped quotes", `{"image":"${'\\"'.repeat(many)}"}`],
  ["backslashes without an end", `{"image":"${"\\".repeat(many)}`],
  ["spaces", `{"image":"AAAA"${" ".repeat(many)}}`],
  ["digits", `{"image":${"1".repeat(many)}}`],
  ["few values too deep", "[".repeat(9) + "]".repeat(9)],
  ["few bytes of too many values", `[${"1,".repeat(mostJson.values)}1]`],
  ["a text without an end", `{"image":"AAA`],
  ["nothing", ""],
])("refuses %s, and parses none of it", (_, text) => {
  const parse = vi.spyOn(JSON, "parse");
  try {
    expect(() => fileIn(parseJson(bytes(text)), 1e9)).toThrow(expect.objectContaining({ status: 400 }));
    for (const [given] of parse.mock.calls) expect(given.length).toBeLessThanOrEqual(mostJson.bytes + mostJson.text);
  } finally {
    parse.mockRestore();
  }
});

test.each([10, 3000, 100_000, 100_001, 100_002])(
  "a picture of %i bytes comes out as it is, and is not parsed",
  (length) => {
    const picture = Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7919) % 251));
    const question = { classes: ['a, "b" [c] {d} \\'], model: "é" };
    const text = JSON.stringify({ ...question, image: picture.toString("base64"), view: "heat" }, undefined, 2);
    // As PHP, .NET and Gson write it, and with the picture first.
    const dotNet = text.replaceAll("+", "\\u002B");
    const gson = text.replaceAll("=", "\\u003d");
    const first = JSON.stringify({ image: picture.toString("base64"), ...question, view: "heat" });
    for (const body of [text, text.replaceAll("/", "\\/"), dotNet, gson, first]) {
      const { file, rest } = fileIn(parseJson(bytes(body)), length);
      expect(Buffer.from(file).equals(picture)).toBe(true);
      expect(rest).toMatchObject({ ...question, view: "heat", image: expect.any(String) });
    }
    expect(() => fileIn(parseJson(bytes(text)), length - 1)).toThrow(expect.objectContaining({ status: 413 }));
  },
);

test("what is not base64, however long, is refused", () => {
  for (const wrong of [
    "A".repeat(9999),
    `${"A".repeat(9999)}*`,
    `${"A".repeat(9999)}_`,
    `${"A".repeat(5000)}====`,
    "\\u0041".repeat(4000),
    `${"AAAA\\n".repeat(2000)}`,
  ])
    expect(() => fileIn(parseJson(bytes(`{"image":"${wrong}"}`)), 1e6), wrong.slice(-9)).toThrow(
      expect.objectContaining({ status: 400 }),
    );
});

test("only the picture may be long, and a text that stands for it is not it", () => {
  const long = "A".repeat(8000);
  for (const body of [{ model: long }, { image: "AAAA", model: long }, { [long]: 1 }, [long], long])
    expect(() => fileIn(parseJson(bytes(JSON.stringify(body))), 1e6)).toThrow('only "image" may');
  expect(fileIn(parseJson(bytes(`{"image":"(a long text)"}`)), 1e6).rest).toEqual({ image: "(a long text)" });
});
