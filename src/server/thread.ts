/** @file One worker thread, as the queue sees it. */
import { Worker } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import { HttpError } from "./problems.ts";
import type { Lane } from "./queue.ts";
import {
  type FromWorker,
  fromWire,
  type Job,
  type Outcome,
  ownMemory,
  type ToWorker,
  type WorkerSetup,
} from "./work.ts";

interface Run {
  readonly jobs: readonly Job[];
  readonly left: ToWorker["left"];
  resolve(outcomes: readonly Outcome[]): void;
  reject(error: Error): void;
}

export class Thread implements Lane<Job, Outcome> {
  readonly ready: Promise<Extract<FromWorker, { kind: "ready" }>>;
  /** When the thread has ended or is given up, and why. */
  readonly gone: Promise<Error>;
  readonly #worker: Worker;
  #lose: (reason: Error) => void = () => undefined;
  #running?: Run;

  /** @param overdue seconds that a run may take: behind them the thread is stuck, for all who asked have been told that they waited too long */
  constructor(
    setup: WorkerSetup,
    private readonly overdue: number,
  ) {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: setup });
    this.#worker = worker;
    let died = new InternalError("a worker thread ended");
    this.gone = new Promise((resolve) => {
      this.#lose = (reason) => {
        this.#running?.reject(lost);
        resolve(reason);
      };
      worker.on("error", (cause) => {
        died = new InternalError(`a worker thread died: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        });
      });
      worker.once("exit", () => this.#lose(died));
    });
    this.ready = new Promise((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.kind === "ready") resolve(message);
        else if (message.kind === "refused") reject(fromWire(message.error));
        else this.#running?.resolve(message.outcomes);
      });
      void this.gone.then(reject);
    });
  }

  run(jobs: readonly Job[]): Promise<readonly Outcome[]> {
    const stuck = setTimeout(() => {
      this.#lose(new InternalError(`a worker thread hung for ${this.overdue} s and was replaced`));
      void this.stop();
    }, this.overdue * 1000);
    return new Promise<readonly Outcome[]>((resolve, reject) => {
      const left = new Int32Array(new SharedArrayBuffer(4 * jobs.length));
      this.#running = { jobs, left, resolve, reject };
      const message: ToWorker = { jobs, left };
      this.#worker.postMessage(message, ownMemory(jobs.map(({ file }) => file)));
    }).finally(() => {
      clearTimeout(stuck);
      this.#running = undefined;
    });
  }

  cancel({ id }: Job): void {
    const { jobs, left } = this.#running ?? {};
    const place = jobs?.findIndex((job) => job.id === id) ?? -1;
    if (left && place >= 0) Atomics.store(left, place, 1);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** What who asked is told: it may have been another's question that ended the thread. */
const lost = new HttpError(503, "thread-lost", "the worker thread for this request was lost; send it again", {
  "retry-after": "1",
});
