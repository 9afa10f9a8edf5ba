/** @file One thing done with every sample that is named: progress, an end by Ctrl-C, and samples that fail beside others that do not. */
import path from "node:path";
import { CommanderError } from "commander";
import { UserError } from "../errors.ts";
import { methodNamed } from "../methods/index.ts";
import { prepareDirectory, writeWhole } from "../node/files.ts";
import type { Kind } from "../tasks/sample.ts";
import { exitCodes } from "./about.ts";
import { interruptible } from "./interrupt.ts";
import type { DrawingFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import { findSamples, type SampleFile } from "./samples.ts";
import { bold, print, printError } from "./terminal.ts";

/** What is done with samples. */
export interface Work<T> {
  /** A sample's part, with where to say how much of it is done (0 to 1). */
  one(sample: SampleFile, signal: AbortSignal, onProgress: (part: number) => void): Promise<T>;
  report(result: T): void;
  /** What `manifest.json` says of all results, or of those so far where something ends the work. */
  manifest(results: readonly T[]): string;
}

/** @returns how many samples failed; each failure has had its line. A single sample's failure ends it all. */
export function eachSample<T>(
  samples: readonly SampleFile[],
  kind: Kind,
  work: Work<T>,
  { out }: DrawingFlags,
): Promise<number> {
  return interruptible((signal) => workThrough(samples, kind, work, out, signal));
}

async function workThrough<T>(
  samples: readonly SampleFile[],
  kind: Kind,
  { one, report, manifest }: Work<T>,
  out: string,
  signal: AbortSignal,
): Promise<number> {
  const progress = new Progress(`${kind}s`, samples.length);
  const results: T[] = [];
  let failures = 0;
  try {
    for (const [i, sample] of samples.entries()) {
      if (signal.aborted) throw new UserError("cancelled", "cancelled");
      progress.update(i);
      try {
        const result = await one(sample, signal, (part) => progress.update(i + part));
        results.push(result);
        progress.clear();
        report(result);
      } catch (error) {
        progress.clear();
        if (!(error instanceof UserError) || samples.length === 1 || !isAboutSample(error, kind)) throw error;
        printError(`gradcam: ${error.message}`);
        failures++;
      }
    }
  } finally {
    progress.clear();
    if (results.length) await writeWhole(path.join(out, "manifest.json"), manifest(results));
  }
  return failures;
}

/** Other samples of a directory are worth a try after these. What is wrong with an array is told as what is wrong with an input. */
const isAboutSample = ({ code }: UserError, kind: Kind): boolean =>
  ["invalid-image", "too-large", "missing-file", "not-finite"].includes(code) ||
  (kind !== "picture" && code === "invalid-input");

/** Ends a command whose samples failed in part, without another line. */
export function endWith(failures: number, total: number, kind: Kind, { json, out }: DrawingFlags): void {
  const failed = failures ? `${failures} of ${total} ${kind}s could not be explained` : "";
  if (!json) print(`Pictures are in ${bold(out)}${failed && `; ${failed}`}.`);
  // Each failure has had its line: a CommanderError ends the command without another.
  if (failed) throw new CommanderError(exitCodes.user, "gradcam.failures", failed);
}

/** Pictures, and the model that is opened for them. */
export async function eachPicture<M extends { release(): Promise<void> }, T>(
  images: readonly string[],
  flags: DrawingFlags,
  open: () => Promise<M>,
  workWith: (model: M) => Work<T>,
): Promise<void> {
  (flags.method ?? []).forEach(methodNamed);
  const pictures = await findSamples(images, flags.out, "picture");
  await prepareDirectory(flags.out);
  const model = await open();
  try {
    endWith(await eachSample(pictures, "picture", workWith(model), flags), pictures.length, "picture", flags);
  } finally {
    await model.release();
  }
}
