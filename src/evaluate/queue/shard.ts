/** @file What travels through the queue: a few samples with all that is needed to examine them, and their answers. */
import { packageVersion } from "../../node/version.ts";
import type { Answer } from "../examination.ts";
import type { Sample } from "../sample.ts";
import type { Work } from "../work.ts";

/** Figures are of one version: neither samples nor answers of another are taken. */
export const version = packageVersion;

export interface Shard {
  /** Of the gradcam that asks. */
  readonly version: string;
  /** The coordinator's name. */
  readonly run: string;
  readonly work: Work;
  readonly samples: readonly Sample[];
}

/** Answers to the samples of a shard, or to the first of them: whoever asked asks again for the rest. */
export interface Report {
  /** Of the gradcam that answers. */
  readonly version: string;
  /** The worker's name. */
  readonly worker: string;
  readonly answers: readonly Answer[];
}
