/** @file Every method has a page, and every page a method; what is missing is named. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { methods } from "../../src/index.ts";
import { read, root } from "./markdown.ts";

const headings = ["What the map means", "Use another when", "Cost", "Known failures", "Source"];
/** Without the spaces that align tables. */
const loose = (text: string) => text.replace(/ +/g, " ");
const there = (file: string) => existsSync(path.join(root, file));

describe.each(methods.map((method) => [method.name, method] as const))("%s", (name, { title, summary, paper }) => {
  const page = `docs/methods/${name}.md`;

  test("has a page", () => expect(there(page), `write ${page}`).toBe(true));

  test.skipIf(!there(page))("whose page has the method's title, every section and the paper", () => {
    const text = read(page);
    expect(text.split("\n")[0]).toBe(`# ${title}`);
    const missing = headings.filter((heading) => !text.includes(`\n## ${heading}\n`));
    expect(missing, `add these sections to ${page}`).toEqual([]);
    expect(text, `fill in ${page}`).not.toContain("TODO");
    const source = text.slice(text.indexOf("\n## Source"));
    const [url] = paper.match(/https:\S+/) ?? [paper];
    expect(source, `name the paper under Source in ${page}`).toContain(url);
  });

  test.skipIf(!there(page))("whose page has its picture", () => {
    const picture = `docs/pictures/${name}.png`;
    expect(there(picture), `make ${picture}: npm run build && node scripts/make-docs-pictures.mjs`).toBe(true);
    expect(read(page)).toContain(`](../pictures/${name}.png)`);
  });

  test("is in the index and in the README", () => {
    const [index, row] = [`| [\`${name}\`](${name}.md) |`, `| [\`${name}\`](docs/methods/${name}.md) | ${summary} |`];
    expect(loose(read("docs/methods/README.md")), `add the row ${index} ... to docs/methods/README.md`).toContain(
      index,
    );
    expect(loose(read("README.md")), `add the row ${row} to README.md`).toContain(row);
  });
});

test("every page belongs to a method", () => {
  const pages = readdirSync(path.join(root, "docs/methods")).filter((file) => file !== "README.md");
  const names = methods.map(({ name }) => `${name}.md`);
  expect(
    pages.filter((file) => !names.includes(file)),
    "remove these pages, or register their methods",
  ).toEqual([]);
});
