/** @file What every kind of model is to the service. */
import type { ModelCard } from "../client/contract.ts";
import type { Job, Outcome } from "./work.ts";

/** A model that is ready. */
export interface Served {
  readonly card: ModelCard;
  /** Whether jobs may share a run without seeing each other. */
  readonly together: boolean;
  /** Answers jobs about this model, at one layer. A job that fails fails alone. */
  answer(jobs: readonly Job[], signalOf: (job: Job) => AbortSignal): Promise<Outcome[]>;
}
