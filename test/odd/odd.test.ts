/**
 * @file Forty odd files, drawn by a seed from those that `npm run odd` makes, beside central differences of Python's ONNX Runtime:
 * gradients at the input and at a layer, the outputs, and maps at that layer and at the default one. Made again by
 * `python scripts/odd/make.py test/odd/cases --count 40 --seed 14 --small`.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

interface Row {
  readonly file: string;
  readonly tool: string;
  readonly verdict: string;
  /** Why only a refusal will do, and why one will do as well. */
  readonly must: string | null;
  readonly may: string | null;
  readonly words: readonly string[];
}

const cases = "test/odd/cases";
const files = readdirSync(cases).sort();
let rows: readonly Row[] = [];

/** The script's verdicts, and whether it ended well. */
async function checked(folder: string): Promise<{ rows: readonly Row[]; good: boolean }> {
  return new Promise((resolve) => {
    const args = ["scripts/odd.mjs", "--cases", folder, "--json"];
    execFile(process.execPath, args, { maxBuffer: 1e8 }, (error, stdout) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      resolve({ rows: lines.map((line) => JSON.parse(line)), good: !error });
    });
  });
}

beforeAll(async () => {
  ({ rows } = await checked(cases));
});

/** Nothing is wrong, and refused is what may be. */
function expectRight(row: Row | undefined): void {
  const refused = row?.verdict === "refused" && row.may;
  expect(refused ? [] : row?.words).toEqual([]);
  expect(row?.verdict).toBe(row?.must || refused ? "refused" : "right");
}

describe("odd files", () => {
  it("are forty, a quarter of them at least written by other tools", () => {
    expect(files).toHaveLength(40);
    expect(rows.map(({ file }) => file)).toEqual(files);
    expect(rows.filter(({ tool }) => tool !== "our helper").length).toBeGreaterThanOrEqual(10);
  });

  it.each(files)("%s", (file) => expectRight(rows.find((one) => one.file === file)));

  it("those that once went wrong are right", async () => {
    const { rows: found } = await checked("test/odd/found");
    expect(found.map(({ file }) => file)).toEqual(readdirSync("test/odd/found").sort());
    for (const row of found) expectRight(row);
  });

  it("a truth that is 2 % larger is told as wrong", async () => {
    const [right] = rows.filter(({ verdict, file }) => verdict === "right" && file.includes("opset"));
    const folder = mkdtempSync(path.join(tmpdir(), "odd-test-"));
    const beside = path.join(folder, right.file);
    cpSync(path.join(cases, right.file), beside, { recursive: true });
    const told = JSON.parse(readFileSync(path.join(beside, "case.json"), "utf8"));
    const bytes = Buffer.from(told.gradients[told.image].base64, "base64");
    for (let i = 0; i < bytes.length; i += 4) bytes.writeFloatLE(1.02 * bytes.readFloatLE(i), i);
    told.gradients[told.image].base64 = bytes.toString("base64");
    writeFileSync(path.join(beside, "case.json"), JSON.stringify(told));
    const { rows: found, good } = await checked(folder);
    rmSync(folder, { recursive: true });
    expect(good).toBe(false);
    expect(found.map(({ verdict }) => verdict)).toEqual(["wrong"]);
    expect(found[0].words).toEqual([
      expect.stringMatching(/^vjp at the input: off by 2\.0 %|^vjp at the input: off by 1\.9/),
    ]);
  });
});
