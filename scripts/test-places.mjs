/**
 * @file The packed package where people install, build and run it: installers, runtimes, compilers of types, bundlers and frameworks, each
 * beside the same figures.
 *
 *   npm run test:places                    all of them; writes the table of docs/library.md
 *   npm run test:places -- --only Vite     those whose name has the text; their lines of the table are written anew
 *
 * Everything is installed from the npm registry, into a temporary folder. Ends with 1 where a place gives other figures; one that cannot run here is "not run".
 */
import { parseArgs } from "node:util";
import { bundlerRows } from "./places/bundlers.mjs";
import { firefoxRow } from "./places/firefox.mjs";
import { frameworkRows } from "./places/frameworks.mjs";
import { installerRows } from "./places/installers.mjs";
import { cleanUp } from "./places/package.mjs";
import { runtimeRows } from "./places/runtimes.mjs";
import { writeTable } from "./places/table.mjs";
import { typeRows } from "./places/types.mjs";
import { judged } from "./places/verdict.mjs";

const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, keep: { type: "boolean" } } });
const all = [...installerRows, ...runtimeRows, ...typeRows, ...bundlerRows, firefoxRow, ...frameworkRows];
const wanted = ({ kind, name }) =>
  values.only?.some((text) => `${kind} ${name}`.toLowerCase().includes(text.toLowerCase())) ?? true;

const results = [];
for (const row of all.filter(wanted)) {
  const start = performance.now();
  const result = await judged(row);
  results.push(result);
  writeTable(all, [result]);
  console.log(`${result.name.padEnd(34)} ${result.outcome}  (${Math.round((performance.now() - start) / 1000)} s)`);
}
if (!values.keep) cleanUp();
const ends = ["passed", "failed", "not run"].map(
  (end) => `${results.filter(({ state }) => state === end).length} ${end}`,
);
console.log(`${ends.join(", ")}`);
process.exitCode = results.length > 0 && results.every(({ state }) => state !== "failed") ? 0 : 1;
