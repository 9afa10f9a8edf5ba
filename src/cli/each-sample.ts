/** @file One thing done with every picture that is named: progress, an end by Ctrl-C, and pictures that fail beside others that do not. */
import { CommanderError } from "commander";
import pc from "picocolors";
import { UserError } from "../errors.ts";
import { exitCodes } from "./about.ts";
import { Progress } from "./progress.ts";
import type { SampleFile } from "./samples.ts";

/**
 * @param work is given a picture, a signal, and where to say how much of it is done (0 to 1)
 * @param finish is given the results of all pictures, of those so far where something ends the work
 * @returns how many pictures failed; each failure has had its line. A single picture's failure ends it all.
 */
export async function eachPicture<T>(
  pictures: readonly SampleFile[],
  work: (picture: SampleFile, signal: AbortSignal, onProgress: (part: number) => void) => Promise<T>,
  done: (result: T) => void,
  finish: (results: readonly T[]) => Promise<void>,
): Promise<number> {
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  process.once("SIGINT", stop);
  const progress = new Progress("pictures", pictures.length);
  const results: T[] = [];
  let failures = 0;
  try {
    for (const [i, picture] of pictures.entries()) {
      if (interrupted.signal.aborted) throw new UserError("cancelled", "cancelled");
      progress.update(i);
      try {
        const result = await work(picture, interrupted.signal, (part) => progress.update(i + part));
        results.push(result);
        progress.clear();
        done(result);
      } catch (error) {
        progress.clear();
        if (!(error instanceof UserError) || pictures.length === 1 || !isAboutPicture(error)) throw error;
        console.error(`gradcam: ${error.message}`);
        failures++;
      }
    }
  } finally {
    progress.clear();
    process.off("SIGINT", stop);
    if (results.length) await finish(results);
  }
  return failures;
}

/** Other pictures of a directory are worth a try after these. */
const isAboutPicture = ({ code }: UserError): boolean =>
  ["invalid-image", "too-large", "missing-file", "not-finite"].includes(code);

/** Ends a command whose pictures failed in part, without another line. */
export function endWith(failures: number, total: number, { json, out }: { json?: boolean; out: string }): void {
  const failed = failures ? `${failures} of ${total} pictures could not be explained` : "";
  if (!json) console.log(`Pictures are in ${pc.bold(out)}${failed && `; ${failed}`}.`);
  if (failed) throw new CommanderError(exitCodes.user, "gradcam.failures", failed);
}
