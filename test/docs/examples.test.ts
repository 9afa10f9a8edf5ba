/** @file Every example runs, says something, and says what the documents show. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { blockLike, numbersOf, read, root } from "./markdown.ts";

const examples = readdirSync(path.join(root, "examples")).filter((name) => name.endsWith(".mjs"));
// They write into the working directory.
const out = mkdtempSync(path.join(tmpdir(), "gradcam-examples-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const printed = new Map<string, string>();

test.each(examples)("%s", async (name) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path.join(root, "examples", name)], {
    cwd: out,
  });
  expect(stderr).toBe("");
  expect(stdout.trim()).not.toBe("");
  printed.set(name, stdout);
});

test("every example is in the list", () => {
  const list = read("examples/README.md");
  expect(examples.filter((name) => !list.includes(`[\`${name}\`](${name})`))).toEqual([]);
});

/** Documents that show what an example prints. */
const quoted = {
  "a-world-with-truth.mjs": "docs/scenes.md",
  "compare-two-classes.mjs": "docs/targets.md",
  "vjp-by-hand.mjs": "docs/library.md",
};

test.each(Object.entries(quoted))("%s prints what %s shows", (name, document) => {
  const output = printed.get(name) ?? "";
  const shown = blockLike(output, document);
  expect(shown, `bring the output in ${document} up to date:\n${output}`).toBeDefined();
  numbersOf(shown ?? "").forEach((value, i) => {
    expect(Math.abs(value - numbersOf(output)[i])).toBeLessThan(0.02 * Math.abs(value) + 0.02);
  });
});
