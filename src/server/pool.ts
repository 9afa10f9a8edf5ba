/** @file The worker threads: started with the models, and started anew, after growing waits, when one is lost. */
import { setTimeout as wait } from "node:timers/promises";
import type { ModelCard } from "../client/contract.ts";
import { type Weight, weightOf } from "./cost.ts";
import { HttpError } from "./problems.ts";
import { Queue } from "./queue.ts";
import { Thread } from "./thread.ts";
import { fromWire, type Job, type Outcome, type Reply, type WorkerSetup } from "./work.ts";

export interface PoolOptions extends WorkerSetup {
  readonly workers: number;
  readonly batch: number;
  /** Seconds that a request may take. */
  readonly timeout: number;
  readonly onRun?: (jobs: readonly Job[]) => void;
  /** A thread was lost, or could not be started; another takes its place. */
  readonly onLoss?: (reason: Error) => void;
}

/** Seconds that a thread may go on behind the time limit: to the end of the step at hand. */
const grace = 3;
/** Seconds that a thread has to live for its loss to be the first, and those before the next start, doubled by each loss up to the most. */
const patience = { lived: 10, first: 0.5, most: 10 } as const;

export class Pool {
  /** The models, the default first; empty until {@link open} is done. */
  cards: readonly ModelCard[] = [];
  readonly queue: Queue<Job, Outcome>;
  readonly #threads = new Set<Thread>();
  /** When those threads that could not be started are tried again, in ms. */
  readonly #next = new Set<{ readonly at: number }>();
  readonly #ending = new AbortController();
  #sharing: readonly string[] = [];
  #jobs = 0;

  private constructor(private readonly options: PoolOptions) {
    const { batch, onRun, loading } = options;
    const canvas = loading.canvas ?? Number.POSITIVE_INFINITY;
    // Told once for each job: headers are read for it.
    const known = new WeakMap<Job, Weight>();
    const weight = (job: Job): Weight => {
      const told = known.get(job) ?? weightOf(job, canvas);
      known.set(job, told);
      return told;
    };
    const long = (job: Job): boolean => weight(job) === "long";
    // Jobs that may not share a run have a key each.
    const key = (job: Job) => {
      const { id, task, model, question } = job;
      return this.#sharing.includes(model) && weight(job) === "light"
        ? `${model} ${(question as Job<"explain">["question"]).layer ?? ""}`
        : `${task} ${id}`;
    };
    this.queue = new Queue({ key, batch, long, onRun });
  }

  /** @throws UserError for models that cannot be served. */
  static async open(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    // The first tells whether the models are any good before the others read them too.
    const settled = [(await Promise.allSettled([pool.#start()]))[0]];
    if (settled[0].status === "fulfilled")
      settled.push(...(await Promise.allSettled(Array.from({ length: options.workers - 1 }, () => pool.#start()))));
    const failed = settled.find((result) => result.status === "rejected");
    if (failed) {
      await pool.close();
      throw failed.reason;
    }
    for (const { value } of settled as PromiseFulfilledResult<Thread>[]) void pool.#keep(value);
    return pool;
  }

  /** Threads that live, and how many there should be. */
  get threads(): { readonly live: number; readonly wanted: number } {
    return { live: this.queue.lanes, wanted: this.options.workers };
  }

  /** @throws UserError as the library does, `cancelled` where the signal says so; HttpError 503 where no thread lives to answer. */
  async answer(job: Omit<Job, "id">, signal: AbortSignal): Promise<Reply> {
    if (this.#away) throw this.#unavailable;
    const outcome = await this.queue.submit({ ...job, id: this.#jobs++ }, signal);
    if ("error" in outcome) throw fromWire(outcome.error);
    return outcome.reply;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  /** No thread lives, and none is on its way. */
  get #away(): boolean {
    return this.queue.lanes === 0 && this.#next.size === this.options.workers;
  }

  get #unavailable(): HttpError {
    const seconds = Math.max(
      1,
      Math.ceil((Math.min(...[...this.#next].map(({ at }) => at)) - performance.now()) / 1000),
    );
    const detail = `unavailable: no worker thread could be started, for instance because a model's files are missing; the next try is in ${seconds} s`;
    return new HttpError(503, "unavailable", detail, { "retry-after": String(seconds) });
  }

  /** A thread that is ready to be asked. */
  async #start(): Promise<Thread> {
    const { models, loading, maxRender, timeout } = this.options;
    const thread = new Thread({ models, loading, maxRender }, timeout + grace);
    this.#threads.add(thread);
    try {
      const { cards, sharing } = await thread.ready;
      this.cards = cards;
      this.#sharing = sharing;
      return thread;
    } catch (error) {
      this.#threads.delete(thread);
      await thread.stop();
      throw error;
    }
  }

  /** Has one thread live, anew whenever it is lost, until the end. */
  async #keep(first: Thread): Promise<void> {
    let thread: Thread | undefined = first;
    for (let losses = 0; !this.#ended; ) {
      if (thread) losses = (await this.#untilGone(thread)) > patience.lived ? 1 : losses + 1;
      else losses++;
      if (this.#ended) return;
      // The first loss is made good at once.
      const seconds = losses < 2 ? 0 : Math.min(patience.most, patience.first * 2 ** (losses - 2));
      if (!thread) await this.#pause(seconds);
      else await this.#rest(seconds);
      if (this.#ended) return;
      thread = await this.#start().catch((error) => {
        if (!this.#ended) this.options.onLoss?.(error);
        return undefined;
      });
    }
  }

  get #ended(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Lets a thread be asked until it is lost; seconds that it lived. */
  async #untilGone(thread: Thread): Promise<number> {
    const start = performance.now();
    this.queue.add(thread);
    const reason = await thread.gone;
    this.queue.remove(thread);
    this.#threads.delete(thread);
    if (!this.#ended) this.options.onLoss?.(reason);
    return (performance.now() - start) / 1000;
  }

  /** Waits for the next try, and has those who would wait with it told so where there is no other thread. */
  async #pause(seconds: number): Promise<void> {
    const next = { at: performance.now() + 1000 * seconds };
    this.#next.add(next);
    if (this.#away) this.queue.refuse(this.#unavailable);
    await this.#rest(seconds);
    this.#next.delete(next);
  }

  async #rest(seconds: number): Promise<void> {
    if (seconds > 0) await wait(1000 * seconds, undefined, { ref: false, signal: this.#ending.signal }).catch(() => {});
  }
}
