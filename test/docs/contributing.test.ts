/** @file CONTRIBUTING leads through the house: its walks are short and follow the imports, and no room is left out. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { read, root } from "./markdown.ts";

const document = read("CONTRIBUTING.md");
const walks = ["From a photograph to its PNG", "From a target to its gradient"];

/** The files of a walk, in order. */
function filesOf(walk: string): string[] {
  const [, section] = document.split(`\n### ${walk}\n`);
  const [steps] = (section ?? "").split(/\n##/);
  return [...steps.matchAll(/^\d+\. \[`([^`]+)`\]\(([^)]+)\)/gm)].map(([, shown, link]) => {
    expect(link).toBe(shown);
    return shown;
  });
}

/** The files of this repository that a file imports. */
const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/(?:from|import\()\s*"(\.{1,2}\/[^"]+)"/g)].map(([, to]) =>
    path.posix.join(path.posix.dirname(file), to),
  );

describe.each(walks)("%s", (walk) => {
  const files = filesOf(walk);

  test("is a walk of at most 8 files, all of them there", () => {
    expect(files.length).toBeGreaterThan(4);
    expect(files.length).toBeLessThanOrEqual(8);
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  test("goes where the imports go", () => {
    const strays = files.slice(1).filter((file, i) => !files.slice(0, i + 1).some((f) => importsOf(f).includes(file)));
    expect(strays, "no earlier file of the walk imports these").toEqual([]);
  });
});

test("every room of the house is described", () => {
  const rooms = readdirSync(path.join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const [, house] = /\nEach folder of `src` holds one idea\.(.*?)\n\n/s.exec(document) ?? [];
  expect(rooms.map(({ name }) => name).filter((name) => !house?.includes(`\`${name}\``))).toEqual([]);
});
