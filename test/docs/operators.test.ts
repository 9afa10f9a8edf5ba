/** @file docs/operators.md is what the table of operators makes it, and the table answers for the whole standard. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { loadOperators } from "../../src/ops/index.ts";
import { read, root } from "./markdown.ts";

const operators = await loadOperators();
const standard: readonly string[] = JSON.parse(read("scripts/onnx-operators.json")).operators;

test("every operator of the standard has an answer", () => {
  expect(standard.length).toBeGreaterThan(190);
  expect(standard.filter((name) => !operators.has(name))).toEqual([]);
});

test("at least 95 % of the operators with a gradient have a rule", () => {
  const of = (is: (op: { vjp: unknown; refuses?: string }) => boolean) =>
    standard.filter((name) => is(operators.get(name) ?? { vjp: undefined })).length;
  const refused = of((op) => op.refuses !== undefined && !op.refuses.startsWith("tensors in a sequence"));
  const rules = of((op) => typeof op.vjp === "function" && op.refuses === undefined);
  expect(rules / (rules + refused)).toBeGreaterThanOrEqual(0.95);
});

test("the page is up to date, and every rule is checked", () => {
  const script = path.join(root, "scripts/make-operator-docs.mjs");
  const made = execFileSync(process.execPath, [script, "--print"], { encoding: "utf8" });
  expect(read("docs/operators.md"), "run: npm run build && node scripts/make-operator-docs.mjs").toBe(made);
  expect(made).not.toContain("**");
});
