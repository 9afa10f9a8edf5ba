/** @file Disks that are full, and results.sqlite of others: which file, why, in one line, and nothing of anybody's is changed. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { Store } from "../../src/evaluate/store.ts";
import { expectMistake } from "../cli/mistake.ts";
import { folder, repository } from "../cli/run.ts";

const run = { dataset: "d", seed: 0 };
const examined = (bytes: number) => ({
  ...{ predicted: 1, right: true, outcomes: [{ method: "m", asked: 1, blank: 0, broken: 0 }] },
  findings: [{ method: "m", metric: "x", measurements: [{ name: "f".repeat(bytes), values: { x: 1 } }] }],
});

/** Opens, and writes so many pictures. */
async function fill(file: string, pictures: number): Promise<void> {
  const store = await Store.open(file, run);
  try {
    for (let i = 0; i < pictures; i++) store.record(`${i}`, examined(2000));
    expect(store.tally().examined).toBe(pictures);
  } finally {
    store.close();
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
}

describe("results of others", () => {
  const sql = (file: string, ...lines: string[]) => {
    const db = new Database(file);
    for (const line of lines) db.exec(line);
    db.close();
  };
  const otherwise =
    /invalid --out: .*results\.sqlite holds something else \(its table "\w+" is not of an evaluation\); name/;
  test.each<[string, (file: string) => unknown, RegExp]>([
    ["a table of one column", (file) => sql(file, "CREATE TABLE picture (id)"), otherwise],
    ["a table of more", (file) => sql(file, "CREATE TABLE picture (id, predicted, right, error, x)"), otherwise],
    ["another's database", (file) => sql(file, "CREATE TABLE mine (x)", "INSERT INTO mine VALUES (1)"), otherwise],
    [
      "a later version's",
      (file) => sql(file, "CREATE TABLE run (key, value)", "PRAGMA user_version = 2"),
      /results\.sqlite holds results of a later gradcam; name another directory$/,
    ],
    [
      "no database",
      (file) => writeFileSync(file, "hello".repeat(1000)),
      /results\.sqlite: it is there, and is no SQLite/,
    ],
    ["a directory", (file) => mkdirSync(file), /results\.sqlite: it cannot be opened as a file; name another/],
  ])("%s", async (_, make, message) => {
    const file = path.join(folder(), "results.sqlite");
    make(file);
    expect(await refusal(Store.open(file, run))).toMatch(message);
  });

  test("damage is told, whenever it is met", async () => {
    const file = path.join(folder(), "results.sqlite");
    await fill(file, 40);
    // What is closed may still be in the log.
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    const bytes = readFileSync(file);
    expect(bytes.length).toBeGreaterThan(12 * 4096);
    // From the first page on, or behind the pages that are read at the start.
    for (const from of [4096, 8 * 4096]) {
      const damaged = Buffer.from(bytes);
      for (let i = from; i < damaged.length; i++) damaged[i] ^= 0x5a;
      for (const beside of ["-wal", "-shm"]) rmSync(file + beside, { force: true });
      writeFileSync(file, damaged);
      const all = async () => {
        const store = await Store.open(file, run);
        try {
          store.measured("m", "x");
          store.tally();
          store.record("new", examined(10));
        } finally {
          store.close();
        }
      };
      expect(await refusal(all())).toMatch(/^cannot (read|write) .*results\.sqlite: it is damaged/);
    }
  });
});

/** A disk of so many kilobytes; undefined where nobody may mount one. */
function disk(kilobytes: number): string | undefined {
  const at = folder();
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", at]).status !== 0) return undefined;
  onTestFinished(() => void execFileSync("umount", ["--lazy", at]));
  return at;
}

test("whatever is left of a disk: it holds all, or its file is named, and goes on when there is room", async (context) => {
  const told = new Set<boolean>();
  for (const kilobytes of [4, 16, 40, 60, 100, 300, 4000]) {
    const at = disk(kilobytes);
    if (at === undefined) return context.skip("not run: this machine lets nobody mount a disk");
    const file = path.join(at, "results.sqlite");
    const error = await fill(file, 60).catch((cause: unknown) => cause);
    told.add(error === undefined);
    if (error === undefined) continue;
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(
      /results\.sqlite: (no space left|the disk refuses|it cannot be opened)/,
    );
    execFileSync("mount", ["-o", "remount,size=8000k", at]);
    await fill(file, 60);
  }
  expect(told).toEqual(new Set([true, false]));
});

async function shell(command: string, cwd: string, args: readonly string[]) {
  const bin = path.join(repository, "dist/cli/bin.js");
  const child = spawn("bash", ["-c", command, process.execPath, bin, ...args], { cwd });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (t) => (text[name] += t));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...text };
}

describe("standard output", () => {
  const model = path.join(repository, "models/scenes-shortcut/biased");
  const picture = path.join(repository, "examples/images/scene.png");
  test.each([[["layers", model]], [["explain", picture, "--model", model, "--json", "--out", "out"]], [["--help"]]])(
    "%j on a full disk is one line, and a reader that leaves is none",
    async (args) => {
      const cwd = folder();
      const full = await shell('exec "$0" "$@" >/dev/full', cwd, args);
      rmSync(path.join(cwd, "out"), { recursive: true, force: true });
      expectMistake(full, cwd, /^gradcam: cannot write: standard output: no space left\n$/);
      const left = await shell('set -o pipefail; "$0" "$@" | true', cwd, args);
      expect(left).toEqual({ code: 0, stdout: "", stderr: "" });
    },
  );

  test("where nobody hears what is wrong, the code says it", async () => {
    expect(await shell('exec "$0" "$@" 2>/dev/full', folder(), ["layers", "nothing.onnx"])).toMatchObject({ code: 2 });
  });
});
