/** @file Every metric has a page, and every page a metric; what is missing is named. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { metrics } from "../../src/evaluate/metrics/index.ts";
import { read, root } from "./markdown.ts";

const headings = ["What it measures", "Protocol", "Blank maps", "Source"];
const there = (file: string) => existsSync(path.join(root, file));

describe.each(metrics.map((metric) => [metric.name, metric] as const))("%s", (name, { title, paper }) => {
  const page = `docs/metrics/${name}.md`;

  test("has a page", () => expect(there(page), `write ${page}`).toBe(true));

  test.skipIf(!there(page))("whose page has its title, every section, an equation and the paper", () => {
    const text = read(page);
    expect(text.split("\n")[0]).toBe(`# ${title}`);
    const missing = headings.filter((heading) => !text.includes(`\n## ${heading}\n`));
    expect(missing, `add these sections to ${page}`).toEqual([]);
    expect(text, `fill in ${page}`).not.toContain("TODO");
    expect(text, `write the equation in ${page}`).toContain("```math\n");
    const [url] = paper.match(/https:\S+/) ?? [paper];
    expect(text.slice(text.indexOf("\n## Source")), `name the paper under Source in ${page}`).toContain(url);
  });

  test("is in the index", () => {
    const row = `| [\`${name}\`](${name}.md) |`;
    expect(read("docs/metrics/README.md").replace(/ +/g, " "), `add ${row} ... to docs/metrics/README.md`).toContain(
      row,
    );
  });
});

test("every page belongs to a metric", () => {
  const names = metrics.map(({ name }) => `${name}.md`);
  const pages = readdirSync(path.join(root, "docs/metrics")).filter((file) => file !== "README.md");
  expect(pages.filter((file) => !names.includes(file))).toEqual([]);
});
