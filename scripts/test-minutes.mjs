/**
 * @file Where the minutes of the tests go: runs them, and prints the time by folder as a table in Markdown.
 *
 *     node scripts/test-minutes.mjs                    # all of them; on an idle machine
 *     node scripts/test-minutes.mjs test/ops           # some
 *     node scripts/test-minutes.mjs --write            # into CONTRIBUTING.md
 *
 * A file's time is its import and its tests. Files run side by side, so the sum is more than what one waits.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({ options: { write: { type: "boolean" } }, allowPositionals: true });

const vitest = await startVitest("test", positionals, { root, watch: false, reporters: ["dot"] });
const files = vitest.state.getTestModules().map((module) => {
  const { collectDuration, duration } = module.diagnostic();
  const name = path.relative(path.join(root, "test"), module.moduleId).split(path.sep).join("/");
  return { name, tests: [...module.children.allTests()].length, seconds: (collectDuration + duration) / 1000 };
});
await vitest.close();

const table = tableOf(files);
console.log(table);
if (values.write) writeInto("CONTRIBUTING.md", table);

/** A row for each folder of test/, the longest first, and one for all. */
function tableOf(files) {
  const folders = grouped(files);
  const rows = [...folders].map(([folder, own]) => ({ folder, own, seconds: sum(own) }));
  rows.sort((a, b) => b.seconds - a.seconds);
  const line = (folder, own, slowest) =>
    `| ${folder} | ${own.length} | ${own.reduce((n, { tests }) => n + tests, 0)} | ${(sum(own) / 60).toFixed(1)} | ${slowest} |`;
  return [
    "| folder | files | tests | minutes | slowest file |",
    "| --- | ---: | ---: | ---: | --- |",
    ...rows.map(({ folder, own }) => {
      const slowest = own.reduce((one, other) => (other.seconds > one.seconds ? other : one));
      return line(`\`test/${folder}\``, own, `\`${slowest.name}\`, ${slowest.seconds.toFixed(0)} s`);
    }),
    line("all", files, ""),
  ].join("\n");
}

function folderOf({ name }) {
  return name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
}

function grouped(files) {
  const folders = new Map();
  for (const file of files) folders.set(folderOf(file), [...(folders.get(folderOf(file)) ?? []), file]);
  return folders;
}

function sum(files) {
  return files.reduce((total, { seconds }) => total + seconds, 0);
}

function writeInto(document, table) {
  const file = path.join(root, document);
  const between = /(<!-- test minutes -->\n).*?(<!-- \/test minutes -->)/s;
  const text = readFileSync(file, "utf8");
  if (!between.test(text)) throw new Error(`${document} has no place for the table`);
  writeFileSync(
    file,
    text.replace(between, (_, start, end) => `${start}${table}\n${end}`),
  );
}
