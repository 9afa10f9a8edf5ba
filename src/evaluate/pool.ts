/**
 * @file Workers of one machine: a process each, with a model of its own on one thread, so that all cores decode, run and measure at once
 * and a crash costs one picture.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UserError, type UserErrorCode } from "../errors.ts";
import type { Examined } from "./examine.ts";
import type { Sample } from "./sample.ts";
import type { Failure } from "./store.ts";
import type { Work } from "./work.ts";

/** To a worker. */
export type Order = { readonly open: Work } | { readonly examine: Sample };
/** From a worker. */
export type Reply =
  | { readonly ready: true }
  | { readonly id: string; readonly examined: Examined }
  | ({ readonly id: string } & Failure)
  | { readonly refused: { readonly code: UserErrorCode; readonly message: string } }
  | { readonly bug: string };

export interface PoolOptions {
  readonly work: Work;
  readonly workers: number;
  readonly signal?: AbortSignal;
  onExamined(id: string, examined: Examined): void;
  onFailure(failure: Failure): void;
}

/** Pictures that a worker has at hand: the next one is there when it has finished one. */
const ahead = 2;

/** Examines all samples. @throws UserError when the work itself is wrong (no such model ...), or it was cancelled. */
export async function examineAll(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: PoolOptions,
): Promise<void> {
  await new Pool(options).run(samples);
}

class Pool {
  readonly #idle: Worker[] = [];
  readonly #crashed = new Map<string, number>();
  readonly #again: Sample[] = [];
  readonly #workers = new Set<Worker>();
  #wake: () => void = () => {};
  #error: Error | undefined;

  constructor(private readonly options: PoolOptions) {}

  async run(samples: AsyncIterable<Sample> | Iterable<Sample>): Promise<void> {
    const { workers, signal } = this.options;
    const cancel = () => this.#fail(new UserError("cancelled", "cancelled"));
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for (let i = 0; i < workers; i++) this.#hire();
      for await (const sample of samples) await this.#give(sample);
      while (this.#again.length || this.#busy) {
        const sample = this.#again.pop();
        if (sample) await this.#give(sample);
        else await this.#change();
      }
      if (this.#error) throw this.#error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      for (const worker of this.#workers) worker.dismiss();
    }
  }

  get #busy(): boolean {
    return !this.#error && [...this.#workers].some((worker) => worker.hands.size > 0);
  }

  async #give(sample: Sample): Promise<void> {
    while (!this.#error && this.#idle.length === 0) await this.#change();
    if (this.#error) throw this.#error;
    this.#idle.shift()?.give(sample);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  #hire(): void {
    const worker = new Worker(this.options.work, {
      free: () => {
        this.#idle.push(worker);
        this.#wake();
      },
      reply: (reply) => this.#hear(reply),
      gone: (how) => {
        this.#workers.delete(worker);
        for (let i = this.#idle.length - 1; i >= 0; i--) if (this.#idle[i] === worker) this.#idle.splice(i, 1);
        for (const sample of worker.hands.values()) this.#retry(sample, how);
        if (!this.#error) this.#hire();
        this.#wake();
      },
    });
    this.#workers.add(worker);
  }

  #hear(reply: Reply): void {
    if ("examined" in reply) this.options.onExamined(reply.id, reply.examined);
    else if ("error" in reply) this.options.onFailure({ id: reply.id, error: reply.error });
    else if ("refused" in reply) this.#fail(new UserError(reply.refused.code, reply.refused.message));
    else if ("bug" in reply) this.#fail(new Error(reply.bug));
  }

  /** A picture that two workers died of is set apart. */
  #retry(sample: Sample, how: string): void {
    const times = (this.#crashed.get(sample.id) ?? 0) + 1;
    this.#crashed.set(sample.id, times);
    if (times < 2) this.#again.push(sample);
    else this.options.onFailure({ id: sample.id, error: `the worker ended twice while examining it (${how})` });
  }
}

interface Watch {
  free(): void;
  reply(reply: Reply): void;
  gone(how: string): void;
}

class Worker {
  /** What it has been given and not answered. */
  readonly hands = new Map<string, Sample>();
  readonly #process: ChildProcess;
  #dismissed = false;

  constructor(work: Work, watch: Watch) {
    this.#process = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), { serialization: "advanced" });
    this.#process.on("message", (reply: Reply) => {
      if ("id" in reply) this.hands.delete(reply.id);
      watch.reply(reply);
      if ("ready" in reply) for (let i = 0; i < ahead; i++) watch.free();
      else if ("id" in reply) watch.free();
    });
    this.#process.on("exit", (code, signal) => {
      if (!this.#dismissed) watch.gone(signal ?? `exit code ${code}`);
    });
    this.#send({ open: work });
  }

  give(sample: Sample): void {
    this.hands.set(sample.id, sample);
    this.#send({ examine: sample });
  }

  dismiss(): void {
    this.#dismissed = true;
    this.#process.kill("SIGKILL");
  }

  #send(order: Order): void {
    // A worker that died between two messages says so by its end.
    if (this.#process.connected) this.#process.send(order, () => {});
  }
}
