/** @file Runs the built command line as a person does, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import type { main } from "../../src/cli/main.ts";
import { encodePng } from "../../src/image/sharp.ts";

export const repository = fileURLToPath(new URL("../..", import.meta.url));
const bin = path.join(repository, "dist/cli/bin.js");

/** The picture of the examples: a cat on the left, a cup of coffee on the right. */
export const example = path.join(repository, "examples/images/cat-and-cup.jpg");
export const exampleSize = { width: 640, height: 480 } as const;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** @param script the command line's; ours by default */
export function start(args: readonly string[], cwd: string, script = bin): Running {
  const process_ = spawn(process.execPath, [script, ...args], { cwd, env: { ...process.env, NO_COLOR: "1" } });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    process_[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  const ended = new Promise<Ended>((resolve) => process_.on("close", (code) => resolve({ code, ...text })));
  return { process: process_, ended };
}

export const gradcam = (args: readonly string[], cwd: string): Promise<Ended> => start(args, cwd).ended;

/** The same within this process, which starts sooner. It is loaded when it is first called: most tests that import this file never do. */
export async function within(args: readonly string[], cwd: string): Promise<Ended> {
  const { main: ofSource } = await import("../../src/cli/main.ts");
  return heard(ofSource, args, cwd);
}

/** The built command line within this process, for what has workers of its own. */
export async function built(args: readonly string[], cwd: string): Promise<Ended> {
  const { main: ofDist } = await import(path.join(repository, "dist/cli/main.js"));
  return heard(ofDist, args, cwd);
}

async function heard(run: typeof main, args: readonly string[], cwd: string): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).flatMap((name) => [
    vi.spyOn(console, name === "stdout" ? "log" : "error").mockImplementation((line) => {
      said[name] += `${line}\n`;
    }),
    // Commander writes help and mistakes without the console.
    vi.spyOn(process[name], "write").mockImplementation((part) => {
      said[name] += part;
      return true;
    }),
  ]);
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await run(["node", "gradcam", ...args]);
    return { code, ...said };
  } finally {
    process.chdir(before);
    for (const spy of spies) spy.mockRestore();
  }
}

/** A folder that is gone when the test is over. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), "gradcam-test-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The files below a folder, by their relative names in order. */
export const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();

/** Writes a picture of noise. */
export async function writePicture(file: string, { width = 24, height = 16, seed = 1 } = {}): Promise<string> {
  const data = Uint8Array.from(randomNormal(seed)(width * height * 3), (v) => Math.max(0, Math.min(255, 128 + 60 * v)));
  writeFileSync(file, await encodePng({ width, height, data }));
  return file;
}

/** Writes a model of 8 x 8 pixels, or whatever bytes are given, and returns the options that take it. */
export function withModel(directory: string, bytes: Uint8Array, name = "net.onnx"): string[] {
  writeFileSync(path.join(directory, name), bytes);
  return ["--model", name];
}
