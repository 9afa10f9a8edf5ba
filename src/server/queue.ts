/**
 * @file Jobs that wait for a lane, and how they share runs.
 *
 * No job waits for company: a lane that becomes free takes the job that waited longest, and with it those of its kind that are there
 * already, its fair part of them. So one request at a time costs no delay, and the more there are the larger the runs. Jobs that take long
 * run alone, and never on all lanes.
 */
import { UserError } from "../errors.ts";

/** What runs jobs of one kind together, one run at a time. Resolves with a result for each. */
export interface Lane<J, R> {
  run(jobs: readonly J[]): Promise<readonly R[]>;
  /** The one who asked has left. */
  cancel(job: J): void;
}

export interface QueueOptions<J> {
  /** Jobs with the same key may share a run. */
  readonly key: (job: J) => string;
  /** Jobs in one run at most. */
  readonly batch: number;
  /** Jobs that hold their lane for long. Where there are several lanes, one is kept from them: for the others. */
  readonly long?: (job: J) => boolean;
  readonly onRun?: (jobs: readonly J[]) => void;
}

interface Waiting<J, R> {
  readonly job: J;
  resolve(result: R): void;
  reject(error: unknown): void;
}

export class Queue<J, R> {
  readonly #lanes = new Set<Lane<J, R>>();
  readonly #idle: Lane<J, R>[] = [];
  #waiting: Waiting<J, R>[] = [];
  /** Lanes that are held for long. */
  readonly #held = new Set<Lane<J, R>>();
  /** Seconds that a lane spends on one job, smoothed. */
  #seconds = 0.05;

  constructor(private readonly options: QueueOptions<J>) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  get lanes(): number {
    return this.#lanes.size;
  }

  add(lane: Lane<J, R>): void {
    this.#lanes.add(lane);
    this.#idle.push(lane);
    this.#dispatch();
  }

  /** A lane that is gone: what it runs is rejected by its own `run`. */
  remove(lane: Lane<J, R>): void {
    this.#lanes.delete(lane);
    this.#held.delete(lane);
    const at = this.#idle.indexOf(lane);
    if (at >= 0) this.#idle.splice(at, 1);
    // Long jobs may run on the last lane.
    this.#dispatch();
  }

  /** Rejects all that wait. */
  refuse(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Seconds until that many jobs are through. */
  secondsFor(jobs: number): number {
    return (jobs * this.#seconds) / Math.max(1, this.#lanes.size);
  }

  /** @throws UserError `cancelled` when the signal says so: at once, whether the job waits or runs. */
  submit(job: J, signal: AbortSignal): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const waiting: Waiting<J, R> = { job, resolve, reject };
      const leave = () => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        else for (const lane of this.#lanes) lane.cancel(job);
        reject(new UserError("cancelled", "cancelled"));
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      const done = () => signal.removeEventListener("abort", leave);
      waiting.resolve = (result) => {
        done();
        resolve(result);
      };
      waiting.reject = (error) => {
        done();
        reject(error);
      };
      this.#waiting.push(waiting);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let lane = this.#idle[0]; lane; lane = this.#idle[0]) {
      const first = this.#waiting.find(({ job }) => !this.#isLong(job) || this.#held.size < this.#lanes.size - 1);
      if (!first) return;
      this.#idle.shift();
      if (this.#isLong(first.job)) this.#held.add(lane);
      void this.#run(lane, this.#with(first));
    }
  }

  #isLong(job: J): boolean {
    return this.#lanes.size > 1 && (this.options.long?.(job) ?? false);
  }

  /** A job and its fair part of those like it. */
  #with(first: Waiting<J, R>): Waiting<J, R>[] {
    const key = this.options.key(first.job);
    const alike = this.#waiting.filter(({ job }) => this.options.key(job) === key);
    const part = Math.ceil(alike.length / this.#lanes.size);
    const taken = new Set(alike.slice(0, Math.min(part, this.options.batch)));
    this.#waiting = this.#waiting.filter((one) => !taken.has(one));
    return [...taken];
  }

  async #run(lane: Lane<J, R>, taken: readonly Waiting<J, R>[]): Promise<void> {
    const jobs = taken.map(({ job }) => job);
    this.options.onRun?.(jobs);
    const start = performance.now();
    try {
      const results = await lane.run(jobs);
      taken.forEach(({ resolve }, i) => {
        resolve(results[i]);
      });
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
    this.#seconds += 0.1 * ((performance.now() - start) / 1000 / jobs.length - this.#seconds);
    this.#held.delete(lane);
    if (this.#lanes.has(lane)) this.#idle.push(lane);
    this.#dispatch();
  }
}
