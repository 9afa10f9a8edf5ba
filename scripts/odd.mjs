#!/usr/bin/env node
/**
 * @file Odd files: small networks with one peculiarity of real files each, many of them written by other tools, whose gradients and
 * maps are compared with central differences of Python's ONNX Runtime.
 *
 *   npm run odd -- [--count 500] [--seed 1] [--only KIND] [--out FOLDER]     make them and check them; PYTHON names the interpreter
 *   node scripts/odd.mjs --cases FOLDER [--json]                             check what is there
 *
 * What tools are needed says scripts/odd/requirements.txt. Exit code 1 where an answer is wrong, `internal:` or a stack trace.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    out: { type: "string" },
    cases: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const here = path.dirname(fileURLToPath(import.meta.url));
/** Without a line for so long, a process is ended: other tools take a minute to load. */
const [quietMaking, quietChecking] = [900_000, 120_000];

/** The lines of a program, each JSON, to `tell`; its exit code. */
async function lines(command, args, longest, tell) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (part) => {
    said = (said + part).slice(-2000);
  });
  const alarm = setTimeout(() => child.kill("SIGKILL"), longest);
  for await (const line of createInterface({ input: child.stdout })) {
    alarm.refresh();
    if (line.startsWith("{")) tell(JSON.parse(line));
  }
  clearTimeout(alarm);
  const code = child.exitCode ?? (await new Promise((resolve) => child.once("close", resolve)));
  return { code, said };
}

async function make(out) {
  const lost = [];
  const python = process.env.PYTHON ?? "python3";
  const args = [
    path.join(here, "odd", "make.py"),
    out,
    "--count",
    values.count,
    "--seed",
    values.seed,
    "--only",
    values.only,
  ];
  const { code, said } = await lines(python, args, quietMaking, (told) => !told.made && lost.push(told));
  if (code !== 0) throw new Error(`${python} made no files: ${said.trim().split("\n").at(-1)}`);
  return lost;
}

async function checkAll(folder) {
  const left = readdirSync(folder).sort();
  const results = [];
  while (left.length) {
    let started;
    const batch = left.slice(0, 40).map((name) => path.join(folder, name));
    const { said } = await lines(
      process.execPath,
      [path.join(here, "odd", "child.mjs"), ...batch],
      quietChecking,
      (told) => {
        if (told.started) started = told.started;
        else results.push(told);
        if (!told.started) left.shift();
      },
    );
    if (started !== undefined && left[0] === started) {
      const kind = started.replace(/^\d+-/, "");
      results.push({
        file: left.shift(),
        kind,
        tool: "",
        verdict: "stack",
        words: [`the process ended: ${said.trim().split("\n").at(-1)}`],
      });
    } else if (started === undefined) throw new Error(`the checker did not start: ${said}`);
  }
  return results;
}

const verdicts = ["right", "refused", "wrong", "internal", "stack"];

function report(results, lost) {
  const kinds = Map.groupBy ? Map.groupBy(results, ({ kind }) => kind) : grouped(results);
  const width = Math.max(...[...kinds.keys()].map((kind) => kind.length), 4);
  console.log(`${"kind".padEnd(width)}  ${verdicts.join("  ")}  written by`);
  for (const [kind, rows] of kinds) {
    const counts = verdicts.map((v) => String(rows.filter((row) => row.verdict === v).length || "").padStart(v.length));
    console.log(`${kind.padEnd(width)}  ${counts.join("  ")}  ${rows[0].tool}`);
  }
  const others = new Set(results.filter(({ tool }) => tool && tool !== "our helper").map(({ kind }) => kind)).size;
  console.log(`\n${kinds.size} kinds, ${others} of them written by other tools`);
  for (const verdict of verdicts.slice(1).toReversed())
    for (const { file, words, may } of results.filter((row) => row.verdict === verdict))
      for (const line of words)
        console.log(`${verdict}${verdict === "refused" && may ? ", as it may" : ""}: ${file}: ${line}`);
  for (const { kind, missing, broken } of lost)
    console.log(`not run: ${kind}: ${missing ? `needs ${missing.join(", ")}` : `could not be made: ${broken}`}`);
}

function grouped(results) {
  const kinds = new Map();
  for (const row of results) kinds.set(row.kind, [...(kinds.get(row.kind) ?? []), row]);
  return kinds;
}

const temporary = values.cases || values.out ? undefined : mkdtempSync(path.join(os.tmpdir(), "odd-"));
const folder = values.cases ?? values.out ?? temporary;
if (!values.cases && existsSync(folder) && readdirSync(folder).length)
  throw new Error(`${folder} is not empty: name a folder of its own by --out`);
const lost = values.cases ? [] : await make(folder);
const results = await checkAll(folder);
if (values.json) for (const row of results) console.log(JSON.stringify(row));
else report(results, lost);
const good = results.filter(({ verdict }) => verdict === "right" || verdict === "refused").length;
if (temporary && good === results.length) rmSync(temporary, { recursive: true });
else if (!values.json) console.log(`\nthe files are in ${folder}`);
if (!values.json) console.log(`\n${good} passed, ${results.length - good} failed, ${lost.length} skipped`);
process.exit(good === results.length && results.length > 0 ? 0 : 1);
