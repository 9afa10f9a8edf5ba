/** @file docs/results.md is made by several scripts: each writes its own sections, and leaves those of the others as they are. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

/** A page as what is in front of its first section, and its sections by their titles, in order. */
function sectionsOf(text) {
  const [head, ...rest] = text.split(/^(?=## )/m);
  return { head, sections: new Map(rest.map((section) => [titleOf(section), section])) };
}

const titleOf = (section) => /^## (.*)$/m.exec(section)?.[1];

const joined = (head, sections) => [head, ...sections.values()].map((part) => `${part.trimEnd()}\n`).join("\n");

/** Puts sections in place of those that `isOld` takes by their titles, all where the first of them was; at the end where there was none. */
export async function writeSections(file, sections, isOld = (title) => sections.some((one) => titleOf(one) === title)) {
  const page = sectionsOf(existsSync(file) ? await readFile(file, "utf8") : "# Results\n");
  const own = sections.map((section) => [titleOf(section), section]);
  const all = [...page.sections];
  const at = all.findIndex(([title]) => isOld(title));
  const kept = (some) => some.filter(([title]) => !isOld(title));
  const parts = at < 0 ? [...all, ...own] : [...kept(all.slice(0, at)), ...own, ...kept(all.slice(at))];
  await writeFile(file, joined(page.head, new Map(parts)));
}

/** Writes a whole page; sections of other scripts that it had, which `isOwn` does not take by their titles, come behind. */
export async function writePage(file, head, sections, isOwn) {
  const before = sectionsOf(existsSync(file) ? await readFile(file, "utf8") : "").sections;
  const page = new Map(sections.map((section) => [titleOf(section), section]));
  for (const [title, section] of before) if (!page.has(title) && !isOwn(title)) page.set(title, section);
  await writeFile(file, joined(head, page));
}

export const show = (value) => (Number.isFinite(value) ? value.toFixed(3).replace("-", "−") : "–");

/** A value with its interval. */
export const estimate = (one) => (one ? `${show(one.value)} [${show(one.low)}, ${show(one.high)}]` : "");

/** A table of Markdown: a row for each name of `down`, a column for each of `across`. */
export const table = (across, down, cell) =>
  [
    `| | ${across.join(" | ")} |`,
    `| --- |${across.map(() => " --- |").join("")}`,
    ...down.map((row) => `| ${row} | ${across.map((column) => cell(row, column)).join(" | ")} |`),
  ].join("\n");
