/** @file One thing done with every sample that is named: progress, an end by Ctrl-C, and samples that fail beside others that do not. */
import { CommanderError } from "commander";
import { UserError } from "../errors.ts";
import { prepareDirectory } from "../node/files.ts";
import { NotInSample } from "../tasks/questions.ts";
import type { Kind } from "../tasks/sample.ts";
import { exitCodes } from "./about.ts";
import { interruptible } from "./interrupt.ts";
import { checkMethodOptions, type DrawingFlags, notice } from "./options.ts";
import { OutputFolder, type Result, type Settings } from "./output-folder.ts";
import { Progress } from "./progress.ts";
import { findSamples, type SampleFile } from "./samples.ts";
import { bold, print, printError } from "./terminal.ts";

/** What is done with samples. */
export interface Work<T extends Result> {
  /** What `manifest.json` says beside the results. */
  readonly settings: Settings;
  /** Whether it is written. */
  readonly manifest: boolean;
  /** So many samples are under way: one is read and another written while a third is computed. */
  readonly together: number;
  /** A sample's part, with where to say how much of it is done (0 to 1). */
  one(sample: SampleFile, signal: AbortSignal, onProgress: (part: number) => void): Promise<T>;
  /** The files of a result, relative to `--out`; undefined where one that is wanted now is not among them. */
  files(result: T): readonly string[] | undefined;
  report(result: T): void;
}

/** @returns how many samples failed; each failure has had its line. A single sample's failure ends it all. */
export function eachSample<T extends Result>(
  samples: readonly SampleFile[],
  kind: Kind,
  work: Work<T>,
  flags: DrawingFlags,
): Promise<number> {
  return interruptible((signal) => workThrough(samples, kind, work, flags, signal), { finishes: flags.partial });
}

/** The manifest is brought up to date at most so often, in ms, and takes a twentieth of the time at most. */
const manifestEvery = 5000;

async function workThrough<T extends Result>(
  samples: readonly SampleFile[],
  kind: Kind,
  work: Work<T>,
  { out, resume, partial }: DrawingFlags,
  signal: AbortSignal,
): Promise<number> {
  const folder = await OutputFolder.open<T>(out, work.settings, { resume });
  const progress = new Progress(`${kind}s`, samples.length);
  let [failures, before, explained, next] = [0, 0, 0, performance.now() + manifestEvery];
  const save = async () => {
    if (!work.manifest || explained === 0) return;
    const started = performance.now();
    await folder.save();
    const ended = performance.now();
    next = ended + Math.max(manifestEvery, 20 * (ended - started));
  };
  const one = async ({ file, stem }: SampleFile, onProgress: (part: number) => void): Promise<T> => {
    const known = await folder.done(file, work.files);
    if (known) before++;
    return known ?? work.one({ file, stem: folder.stem(stem) }, signal, onProgress);
  };
  // What is found is kept, even where what is under way does not end in time.
  const keep = () => void save().catch(() => {});
  signal.addEventListener("abort", keep, { once: true });
  try {
    for await (const {
      settled,
      sample: { file },
    } of inOrder(samples, work.together, one, signal, (done) => progress.update(done))) {
      progress.clear();
      if (settled.status === "fulfilled") {
        explained++;
        await folder.add(settled.value);
        work.report(settled.value);
        if (performance.now() > next) await save();
        continue;
      }
      const error: unknown = settled.reason;
      if (!(error instanceof UserError) || samples.length === 1 || !isAboutSample(error, kind)) throw error;
      // What is wrong with a file names it; what it does not hold was asked of several.
      printError(`gradcam: ${error instanceof NotInSample ? `${file}: ` : ""}${error.message}`);
      failures++;
    }
  } finally {
    progress.clear();
    signal.removeEventListener("abort", keep);
    await save();
  }
  if (partial && signal.aborted) throw new UserError("cancelled", "cancelled");
  if (before) notice(`${before} of ${samples.length} ${kind}s were explained in an earlier run`);
  return failures;
}

/** Results in their samples' order, `together` of which are under way; @throws UserError `cancelled`. */
async function* inOrder<S, T>(
  samples: readonly S[],
  together: number,
  one: (sample: S, onProgress: (part: number) => void) => Promise<T>,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): AsyncGenerator<{ readonly settled: PromiseSettledResult<T>; readonly sample: S }> {
  const parts = new Map<number, number>();
  const started: Promise<PromiseSettledResult<T>>[] = [];
  let done = 0;
  const tell = () => onProgress([...parts.values()].reduce((sum, part) => sum + part, done));
  const start = (i: number) => {
    const under = one(samples[i], (part) => {
      parts.set(i, part);
      tell();
    });
    started.push(Promise.allSettled([under]).then(([settled]) => settled));
  };
  try {
    for (let i = 0; done < samples.length; done++, parts.delete(done - 1)) {
      if (signal.aborted) throw new UserError("cancelled", "cancelled");
      while (i < samples.length && i < done + together) start(i++);
      tell();
      yield { settled: await (started.shift() as Promise<PromiseSettledResult<T>>), sample: samples[done] as S };
    }
  } finally {
    // Nothing is written, and no model used, once this has ended.
    await Promise.all(started);
  }
}

/** Other samples of a directory are worth a try after these. What is wrong with an array is told as what is wrong with an input. */
const isAboutSample = (error: UserError, kind: Kind): boolean =>
  error instanceof NotInSample ||
  ["invalid-image", "too-large", "missing-file", "not-finite"].includes(error.code) ||
  (kind !== "picture" && error.code === "invalid-input");

/**
 * Ends a command whose samples failed in part, without another line.
 * @param drew whether there is a file to look at
 */
export function endWith(
  failures: number,
  total: number,
  kind: Kind,
  { json, out }: DrawingFlags,
  drew = failures < total,
): void {
  const failed = failures ? `${failures} of ${total} ${kind}s could not be explained` : "";
  const where = drew ? [`Images are in ${bold(out)}`] : [];
  const last = [...where, ...(failed ? [failed] : [])].join("; ");
  if (!json && last) print(`${last}.`);
  // Each failure has had its line: a CommanderError ends the command without another.
  if (failed) throw new CommanderError(exitCodes.user, "gradcam.failures", failed);
}

/** Pictures, and the model that is opened for them. */
export async function eachPicture<M extends { release(): Promise<void> }, T extends Result>(
  images: readonly string[],
  flags: DrawingFlags,
  open: () => Promise<M>,
  workWith: (model: M) => Work<T>,
): Promise<void> {
  checkMethodOptions(flags);
  const pictures = await findSamples(images, flags.out, "picture");
  await prepareDirectory(flags.out);
  const model = await open();
  try {
    endWith(await eachSample(pictures, "picture", workWith(model), flags), pictures.length, "picture", flags);
  } finally {
    await model.release();
  }
}
