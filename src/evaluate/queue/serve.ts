/** @file A worker behind a queue: takes shards, examines them in processes of its own, and answers. */
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { InternalError, UserError } from "../../errors.ts";
import { type Answer, inTurn } from "../examination.ts";
import { ahead, Pool } from "../pool.ts";
import type { Sample } from "../sample.ts";
import type { Work } from "../work.ts";
import type { Link } from "./link.ts";
import { type Report, type Shard, version } from "./shard.ts";

export interface ServeOptions {
  /** Closed at the end. */
  readonly link: Link;
  /** Processes. */
  readonly concurrency: number;
  /** The worker finishes the pictures at hand, and gives the rest back. */
  readonly signal: AbortSignal;
  onNotice(text: string): void;
  /** Around each examination: to count it. */
  watch(examination: Promise<Answer>): Promise<Answer>;
}

/** Milliseconds after which a shard is handed in with what it has: the rest goes on elsewhere, and little is lost with a worker. */
const patience = 10_000;

/** Serves until the signal. @throws UserError for a queue that holds samples of another version. */
export async function serve({ link, concurrency, signal, onNotice, watch }: ServeOptions): Promise<void> {
  const name = `${hostname()}:${process.pid}`;
  const pools = new Pools(concurrency);
  let stopped = false;
  let stop: (error?: Error) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    stop = (error) => {
      stopped = true;
      if (error) reject(error);
      else resolve();
    };
  });
  const finish = () => stop();
  if (signal.aborted) finish();
  signal.addEventListener("abort", finish, { once: true });

  const work = async ({ samples, work }: Shard): Promise<readonly Answer[]> => {
    const start = Date.now();
    const enough = () => stopped || Date.now() - start > patience;
    const answers: Answer[] = [];
    const examine = async (pool: Pool, sample: Sample) => {
      answers.push(await watch(pool.examine(sample)));
    };
    await pools.use(work, (pool) => inTurn(samples, ahead, (sample) => examine(pool, sample), enough));
    return answers;
  };

  const worker = link.worker(name, concurrency, async (shard, back): Promise<Report> => {
    // What others put there fails, and is no reason to end.
    if (typeof shard?.version !== "string")
      throw new UserError("invalid-input", `invalid queue: ${link.place} holds what is no picture of gradcam's`);
    if (shard.version !== version) {
      stop(
        new UserError(
          "invalid-input",
          `invalid queue: ${link.place} holds pictures for gradcam ${shard.version}, this is ${version}; install the same`,
        ),
      );
      return back();
    }
    if (pools.refuses(shard.work)) {
      await setTimeout(1000);
      return back();
    }
    const answers = (await link.lives(shard.run)) ? await work(shard).catch(explain(name, onNotice)) : [];
    return { version, worker: name, answers };
  });
  onNotice(`worker ${name} waits for pictures from ${link.place}, ${concurrency} at once`);
  try {
    await ended;
  } finally {
    signal.removeEventListener("abort", finish);
    // Not within a time: a picture is finished, however long it takes. A second signal ends it.
    await worker.close();
    pools.close();
    await link.close();
  }
}

/** What the coordinator is told of a shard that could not be worked on. */
const explain =
  (name: string, onNotice: ServeOptions["onNotice"]) =>
  (error: unknown): never => {
    if (error instanceof UserError) {
      onNotice(error.message);
      throw new UserError(error.code, `${error.message} (on worker ${name})`);
    }
    throw new InternalError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };

/** Milliseconds for which work that could not be done here is left to others. */
const reluctance = 15_000;

/** Open models: one for the work at hand, and more while shards of several evaluations are under way. */
class Pools {
  readonly #open = new Map<string, { readonly pool: Pool; users: number }>();

  readonly #refused = new Map<string, number>();

  constructor(private readonly processes: number) {}

  /** Whether it went wrong just now: the model is not there, or another one. */
  refuses(work: Work): boolean {
    return Date.now() < (this.#refused.get(JSON.stringify(work)) ?? 0);
  }

  async use(work: Work, act: (pool: Pool) => Promise<void>): Promise<void> {
    const key = JSON.stringify(work);
    const open = this.#open.get(key) ?? this.#make(key, work);
    open.users++;
    try {
      await act(open.pool);
    } catch (error) {
      this.#refused.set(key, Date.now() + reluctance);
      this.#drop(key, open);
      throw error;
    } finally {
      open.users--;
    }
  }

  #make(key: string, work: Work) {
    for (const [other, open] of this.#open) if (open.users === 0) this.#drop(other, open);
    const made = { pool: new Pool(work, this.processes), users: 0 };
    this.#open.set(key, made);
    return made;
  }

  #drop(key: string, open: { readonly pool: Pool }): void {
    open.pool.close();
    if (this.#open.get(key) === open) this.#open.delete(key);
  }

  close(): void {
    for (const { pool } of this.#open.values()) pool.close();
  }
}
