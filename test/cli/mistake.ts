/** @file How a mistake of the user's should end: exit code 2, one line that says what is allowed, nothing on stdout, no half-written file. */
import { existsSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { gap } from "../nets.ts";
import { type Ended, filesIn, folder, within, withModel, writePicture } from "./run.ts";

/** The run ended as a mistake of the user's should. */
export function expectMistake({ code, stdout, stderr }: Ended, cwd: string, words: string | RegExp): void {
  expect(stderr).toMatch(words);
  expect(stderr).toMatch(/^gradcam: [^\n]+\n$/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(filesIn(cwd).filter((name) => name.endsWith(".part") || path.basename(name).startsWith(".gradcam"))).toEqual(
    [],
  );
  if (existsSync(path.join(cwd, "gradcam-out"))) expect(filesIn(path.join(cwd, "gradcam-out"))).toEqual([]);
}

/** The model that most runs take. */
export const net = gap({ input: [1, 3, 8, 8] });
/** Runs `explain` on a small picture with a small model, and whatever else a test wants. */
export async function mistake(
  words: string | RegExp,
  args: readonly string[],
  prepare?: (cwd: string) => unknown,
  bytes: Uint8Array = net,
) {
  const cwd = folder();
  await writePicture(path.join(cwd, "a.png"));
  withModel(cwd, bytes);
  await prepare?.(cwd);
  expectMistake(await within(["explain", ...args], cwd), cwd, words);
}
/** Arguments that are right. */
export const ok = ["a.png", "--model", "net.onnx"] as const;
