/** @file The way to a queue: BullMQ's objects on one Redis, and what its errors mean to the user. The only file that loads BullMQ and ioredis. */
import type { Queue, QueueEvents, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { missingPackage, UserError } from "../../errors.ts";
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
    let seen = "no answer";
    // The first time is the user's to mend; afterwards it is waited for.
    let patient = false;
    const redis = new Redis(url, {
      ...{ lazyConnect: true, connectTimeout: patience, maxRetriesPerRequest: null },
      retryStrategy: (times) => (patient ? delayOf(times) : null),
    });
    redis.on("error", (error: NodeJS.ErrnoException) => {
      seen = error.code ?? error.message;
    });
    try {
      await redis.connect();
      await within(redis.ping());
    } catch (cause) {
      redis.disconnect();
      const said = /closed/.test((cause as Error).message) ? seen : (cause as Error).message;
      throw new UserError("unreachable", `unreachable queue: ${place}: ${said}; is a Redis server there?`, { cause });
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

  #watched<T extends Closable & { on(event: "error", listener: () => void): unknown }>(one: T): T {
    // Losing the connection is told once for all, by `redis`; a result that comes too late is another worker's by then.
    one.on("error", () => {});
    this.#open.push(one);
    return one;
  }

  #lose(): void {
    if (this.#closed) return;
    this.troubleAt = Date.now();
    if (!this.#lost) this.onNotice(`lost ${this.place}; waiting for it`);
    this.#lost = true;
  }
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
