/** @file The way to a queue: BullMQ's objects on one Redis, and what its errors mean to the user. The only file that loads BullMQ and ioredis. */
import { randomUUID } from "node:crypto";
import type { Queue, QueueEvents, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { missingPackage, UserError } from "../../errors.ts";
import { reasonOf, refusalIn } from "./refusal.ts";
import type { Report, Shard } from "./shard.ts";

/** Names in Redis: gradcam:pictures:*, gradcam:run:*. */
const prefix = "gradcam";
const name = "pictures";

/** Milliseconds in which a worker says that it lives: later its shards are another's. */
export const silence = 10_000;
/** Milliseconds that Redis has to answer at the start, and to hear the end. */
const patience = 5_000;

type ShardQueue = Queue<Shard, Report>;
type ShardWorker = Worker<Shard, Report>;

interface Closable {
  close(): Promise<unknown>;
}

export class Link {
  readonly #open: Closable[] = [];
  #lost = false;
  #closed = false;
  #complaint = "";
  /** When the connection was last missed. */
  troubleAt = Number.NEGATIVE_INFINITY;

  private constructor(
    /** Where, without a password. */
    readonly place: string,
    private readonly url: string,
    private readonly bullmq: typeof import("bullmq"),
    readonly redis: Redis,
    private readonly onNotice: (text: string) => void,
  ) {
    redis.on("error", () => this.#lose());
    redis.on("close", () => this.#lose());
    redis.on("ready", () => {
      if (this.#lost) onNotice(`${place} is back`);
      this.#lost = false;
    });
  }

  /** @throws UserError `invalid-option` for no address of a Redis, `unreachable`, `missing-package`. */
  static async open(url: string, onNotice: (text: string) => void): Promise<Link> {
    const place = placeOf(url);
    const { bullmq, Redis } = await loadPackages();
    let seen = new Error(`no answer${url.startsWith("redis:") ? ", or TLS is wanted, rediss://" : ""}`);
    // The first time is the user's to mend; afterwards it is waited for.
    let patient = false;
    const redis = new Redis(url, {
      ...{ lazyConnect: true, connectTimeout: patience, maxRetriesPerRequest: null },
      retryStrategy: (times) => (patient ? delayOf(times) : null),
    });
    redis.on("error", (error: Error) => {
      seen = error;
    });
    try {
      await redis.connect();
      await within(mayWrite(redis));
    } catch (cause) {
      redis.disconnect();
      const error = /closed/.test((cause as Error).message) ? seen : (cause as Error);
      const server = url.startsWith("rediss:") ? "a Redis server that speaks TLS" : "a Redis server";
      const said = refusalIn(error) ?? `${reasonOf(error)}; is ${server} there?`;
      throw new UserError("unreachable", `unreachable queue: ${place}: ${said}`, { cause });
    }
    patient = true;
    return new Link(place, url, bullmq, redis, onNotice);
  }

  get #options() {
    return {
      prefix,
      connection: { url: this.url, maxRetriesPerRequest: null, retryStrategy: delayOf },
    };
  }

  queue(): ShardQueue {
    return this.#watched(new this.bullmq.Queue<Shard, Report>(name, this.#options));
  }

  /** Those from now on. */
  async events(): Promise<QueueEvents> {
    const [seconds] = await this.redis.time();
    return this.#watched(
      new this.bullmq.QueueEvents(name, { ...this.#options, lastEventId: `${Number(seconds) * 1000}-0` }),
    );
  }

  /** One that takes a shard at a time for each of `concurrency`. A shard whose worker falls silent fails: the coordinator decides what next. */
  worker(
    as: string,
    concurrency: number,
    act: (shard: Shard, back: () => Promise<never>) => Promise<Report>,
  ): ShardWorker {
    const { DelayedError } = this.bullmq;
    const worker: ShardWorker = new this.bullmq.Worker<Shard, Report>(
      name,
      (job) =>
        act(job.data, async () => {
          await job.moveToDelayed(Date.now() + 1000, job.token);
          throw new DelayedError();
        }),
      {
        ...this.#options,
        ...{ name: as, concurrency, lockDuration: silence, stalledInterval: silence / 2, maxStalledCount: 0 },
        runRetryDelay: 1000,
      },
    );
    return this.#watched(worker);
  }

  /** The mark of a coordinator that lives; shards of one that does not are nobody's. */
  beat(run: string): Promise<unknown> {
    return this.redis.set(`${prefix}:run:${run}`, "lives", "PX", 3 * silence);
  }

  lives(run: string): Promise<boolean> {
    return this.redis.exists(`${prefix}:run:${run}`).then(Boolean);
  }

  forget(run: string): Promise<unknown> {
    return within(this.redis.del(`${prefix}:run:${run}`));
  }

  async close(): Promise<void> {
    this.#closed = true;
    // What a Redis that is gone does not answer is not waited for.
    for (const one of this.#open.reverse()) await within(one.close()).catch(() => undefined);
    this.redis.disconnect();
  }

  /** What Redis says no to in the middle ends the work: its answers so far are kept, and the same command goes on. */
  refused(error: unknown): unknown {
    const said = refusalIn(error);
    if (said === undefined) return error;
    return new UserError("unreachable", `unreachable queue: ${this.place}: ${said}`, { cause: error });
  }

  #watched<T extends Closable & { on(event: "error", listener: (error: Error) => void): unknown }>(one: T): T {
    // Losing the connection is told once for all, by `redis`; a result that comes too late is another worker's by then.
    one.on("error", (error) => {
      const said = refusalIn(error);
      if (said !== undefined) this.#complain(said);
    });
    this.#open.push(one);
    return one;
  }

  /** Once, until something else is wrong. */
  #complain(reason: string): void {
    if (!this.#closed && reason !== this.#complaint) this.onNotice(`${this.place} refuses: ${reason}; waiting`);
    this.#complaint = reason;
  }

  #lose(): void {
    if (this.#closed) return;
    this.troubleAt = Date.now();
    if (!this.#lost) this.onNotice(`lost ${this.place}; waiting for it`);
    this.#lost = true;
  }
}

/** What the queue needs of its Redis: without it a worker would wait for ever, and an evaluation end in the middle. */
async function mayWrite(redis: Redis): Promise<void> {
  // The client itself goes on with database 0 where there is none of the number.
  await redis.select(redis.options.db ?? 0);
  const key = `${prefix}:try:${randomUUID()}`;
  await redis.set(key, "", "PX", 1000);
  await redis.del(key);
}

/** As it may be shown. @throws UserError */
function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^rediss?:$/.test(parsed.protocol) || !parsed.hostname)
    throw new UserError(
      "invalid-option",
      `invalid --queue: "${url}"; expected redis://host:port, or rediss:// over TLS`,
    );
  return `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/^\/$/, "")}`;
}

const delayOf = (times: number): number => Math.min(2000, 50 * 2 ** Math.min(times, 10));

export function within<T>(promise: Promise<T>, milliseconds = patience): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function loadPackages() {
  try {
    const bullmq = await import("bullmq");
    const { Redis } = await import("ioredis");
    return { bullmq, Redis };
  } catch (cause) {
    throw missingPackage(["bullmq", "ioredis"], "which --queue needs", cause);
  }
}
