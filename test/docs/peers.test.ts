/** @file What the documents say of others: those who differentiate or explain ONNX too are named, and nobody is said not to exist. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { read, root } from "./markdown.ts";

const documents = [
  ...["README.md", "package.json", "CHANGELOG.md", "CITATION.cff", "bench/README.md"],
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => path.join("docs", file)),
];

test("the table of the README has its nearest relatives", () => {
  const [, section] = /## Compared with others\n([\s\S]*?)\n## /.exec(read("README.md")) ?? [];
  const rows = section?.split("\n").filter((line) => line.startsWith("|")) ?? [];
  for (const name of ["onnx-ad", "onnax", "onnx2torch", "Ultralytics", "dianna", "jax-js"])
    expect(rows.filter((row) => row.startsWith(`| [${name}](https://`)).length, name).toBe(1);
  expect(section).toMatch(/onnx-ad and onnax[^.]*differentiate ONNX/);
});

test("no sentence says that nobody else differentiates ONNX", () => {
  const claim =
    /\b(nobody|no one|no other|nothing else|none (other|else)|the (only|first))\b[^.]*\b(differentiat|gradient)/i;
  const sentences = documents.flatMap((file) =>
    read(file)
      .replace(/\s+/g, " ")
      .split(/(?<=[.:;]) /)
      .filter((sentence) => claim.test(sentence) && /onnx/i.test(sentence))
      .map((sentence) => `${file}: ${sentence}`),
  );
  expect(sentences).toEqual([]);
});
