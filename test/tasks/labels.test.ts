/** @file What a person may write for a class, and what they are told when there is none. */
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/index.ts";
import { Labels } from "../../src/tasks/labels.ts";

const names = ["tench, Tinca tinca", "crane bird", "crane", "espresso", "Espresso Maker", "", "tub, vat", "vat, cask"];
const labels = new Labels(names, 9);
const ranking = [3, 0, 1, 2, 4, 5, 6, 7, 8];
const find = (query: string | number) => labels.find(query, 9, (count) => ranking.slice(0, count));
const refusal = (query: string | number): string => {
  try {
    return `found ${find(query)}`;
  } catch (error) {
    expect(error).toMatchObject({ name: "UserError", code: "unknown-name" });
    return (error as UserError).message;
  }
};

describe("a class is found", () => {
  const rows: readonly (readonly [string | number, readonly number[]])[] = [
    [0, [0]],
    ["8", [8]],
    [" 3 ", [3]],
    ["espresso", [3]],
    ["ESPRESSO MAKER", [4]],
    ["tench, Tinca tinca", [0]],
    ["tinca tinca", [0]],
    ["tench", [0]],
    ["crane", [2]],
    ["cask", [7]],
    ["tub", [6]],
    ["top1", [3]],
    ["top3", [3, 0, 1]],
    ["top9", ranking],
  ];
  test.each(rows)("%j", (query, expected) => expect(find(query)).toEqual(expected));
});

describe("a class is not found", () => {
  const rows: readonly (readonly [string | number, string])[] = [
    [9, "unknown class: 9; allowed are 0 to 8, a name, or topN"],
    ["-1", "unknown class: -1; allowed are 0 to 8, a name, or topN"],
    ["top0", 'unknown class: "top0"; allowed are top1 to top9'],
    ["top10", 'unknown class: "top10"; allowed are top1 to top9'],
    ["wombat", 'unknown class: "wombat"; allowed are a class name, an index from 0 to 8, or topN'],
    ["1.5", 'unknown class: "1.5"; allowed are a class name, an index from 0 to 8, or topN'],
    ["", 'unknown class: ""; allowed are a class name, an index from 0 to 8, or topN'],
    ["espres", 'unknown class: "espres"; did you mean espresso (3), Espresso Maker (4)?'],
    ["vat", 'unknown class: "vat" is the name of classes 6, 7; give an index'],
  ];
  test.each(rows)("%j", (query, message) => expect(refusal(query)).toBe(message));
});

test("a class without a name is called by its index", () => {
  expect([labels.name(0), labels.name(5), labels.name(8)]).toEqual(["tench, Tinca tinca", "class 5", "class 8"]);
});

test("a whole name goes before another's synonym", () => {
  expect(new Labels(["crane, bird", "crane"], 2).find("crane", 2, () => [0, 1])).toEqual([1]);
});

test("a name that looks like an index or a rank is asked for by them only", () => {
  const numerals = new Labels(["7", "top1", "3"], 3);
  expect(numerals.find("2", 3, () => [1])).toEqual([2]);
  expect(numerals.find("top1", 3, () => [1])).toEqual([1]);
});

test("more names than classes", () => {
  expect(() => new Labels(names, 7)).toThrow(
    new UserError("invalid-input", "invalid labels: 8 names for a model of 7 classes; give 7 at most"),
  );
});
