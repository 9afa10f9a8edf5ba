/** @file The computing threads: started with the models, started anew when one dies. */
import { Worker } from "node:worker_threads";
import type { ModelCard } from "../client/contract.ts";
import { InternalError } from "../errors.ts";
import { type Lane, Queue } from "./queue.ts";
import {
  type FromWorker,
  fromWire,
  type Job,
  type Outcome,
  ownMemory,
  type Reply,
  type ToWorker,
  type WorkerSetup,
} from "./work.ts";

export interface PoolOptions extends WorkerSetup {
  readonly workers: number;
  readonly batch: number;
  readonly onRun?: (jobs: readonly Job[]) => void;
  /** A thread died and another takes its place. */
  readonly onLoss?: (reason: Error) => void;
}

export class Pool {
  /** The models, the default first; empty until {@link open} is done. */
  cards: readonly ModelCard[] = [];
  readonly queue: Queue<Job, Outcome>;
  readonly #threads = new Set<Thread>();
  #sharing: readonly string[] = [];
  #closed = false;
  #jobs = 0;

  private constructor(private readonly options: PoolOptions) {
    const { batch, onRun } = options;
    // Jobs that may not share a run have a key each.
    const key = ({ id, task, model, question }: Job) =>
      this.#sharing.includes(model)
        ? `${model} ${(question as Job<"explain">["question"]).layer ?? ""}`
        : `${task} ${id}`;
    this.queue = new Queue({ key, batch, onRun });
  }

  /** @throws UserError for models that cannot be served. */
  static async open(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    // The first tells whether the models are any good before the others read them too.
    const settled = [(await Promise.allSettled([pool.#start()]))[0]];
    if (settled[0].status === "fulfilled")
      settled.push(...(await Promise.allSettled(Array.from({ length: options.workers - 1 }, () => pool.#start()))));
    const failed = settled.find((result) => result.status === "rejected");
    if (!failed) return pool;
    await pool.close();
    throw failed.reason;
  }

  /** @throws UserError as the library does, `cancelled` where the signal says so. */
  async answer(job: Omit<Job, "id">, signal: AbortSignal): Promise<Reply> {
    const outcome = await this.queue.submit({ ...job, id: this.#jobs++ }, signal);
    if ("error" in outcome) throw fromWire(outcome.error);
    return outcome.reply;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  async #start(): Promise<void> {
    const { models, loading, onLoss } = this.options;
    const thread = new Thread({ models, loading });
    this.#threads.add(thread);
    try {
      const { cards, sharing } = await thread.ready;
      this.cards = cards;
      this.#sharing = sharing;
    } catch (error) {
      this.#threads.delete(thread);
      await thread.stop();
      throw error;
    }
    this.queue.add(thread);
    void thread.gone.then((reason) => {
      this.queue.remove(thread);
      this.#threads.delete(thread);
      if (this.#closed) return;
      onLoss?.(reason);
      this.#start().catch((error) => onLoss?.(error));
    });
  }
}

/** One computing thread as a lane. */
class Thread implements Lane<Job, Outcome> {
  readonly ready: Promise<Extract<FromWorker, { kind: "ready" }>>;
  /** When the thread has ended, and why. */
  readonly gone: Promise<Error>;
  readonly #worker: Worker;
  #running?: { readonly jobs: readonly Job[]; resolve(outcomes: readonly Outcome[]): void; reject(error: Error): void };

  constructor(setup: WorkerSetup) {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: setup });
    this.#worker = worker;
    let died = new InternalError("a computing thread ended");
    this.gone = new Promise((resolve) => {
      worker.on("error", (cause) => {
        died = new InternalError(`a computing thread died: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        });
      });
      worker.once("exit", () => {
        this.#running?.reject(died);
        resolve(died);
      });
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
    return new Promise<readonly Outcome[]>((resolve, reject) => {
      this.#running = { jobs, resolve, reject };
      const files = ownMemory(jobs.map(({ file }) => file));
      this.#post({ kind: "run", jobs }, files);
    }).finally(() => {
      this.#running = undefined;
    });
  }

  cancel({ id }: Job): void {
    if (this.#running?.jobs.some((job) => job.id === id)) this.#post({ kind: "cancel", job: id });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
