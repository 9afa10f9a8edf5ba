/** @file The table of docs/library.md: a line for each place, kept where a place was not run this time. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./package.mjs";
import { expected } from "./verdict.mjs";

const document = path.join(root, "docs/library.md");
const [start, end] = ["<!-- places -->", "<!-- /places -->"];

const plain = (text) => text.replaceAll("|", "/").replace(/\s+/g, " ").trim();

function lineOf({ name, version, state, outcome, found, note }) {
  const sums = Object.values(found ?? {}).flatMap(({ sum }) => sum ?? []);
  const figures = sums.length ? `${expected.peak.x},${expected.peak.y}; ${sums[0].toFixed(4)}` : "";
  const words = state === "passed" ? Object.keys(found).join(", ") : plain(outcome);
  return `| ${[name, version ?? "", words, figures, note ?? ""].join(" | ")} |`;
}

/** @param all the rows there are, in order; @param results of those that were run */
export function writeTable(all, results) {
  const text = readFileSync(document, "utf8");
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no ${start} ... ${end}`);
  const known = new Map(
    text
      .slice(from, to)
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => [line.split(" | ")[0].slice(2), line]),
  );
  for (const result of results) known.set(result.name, lineOf(result));
  const lines = all.flatMap(({ name }) => known.get(name) ?? []);
  const head = ["| place | version | what passed | peak; sum of the map | with |", "| --- | --- | --- | --- | --- |"];
  writeFileSync(document, `${text.slice(0, from)}${[start, ...head, ...lines, ""].join("\n")}${text.slice(to)}`);
}
