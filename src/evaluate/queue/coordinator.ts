/**
 * @file Examination by workers behind a queue. The coordinator alone knows what has an answer: Redis may forget everything, a worker may
 * end or answer twice, and each sample still counts once.
 *
 * BullMQ carries shards and tells of silent workers. What follows is decided here: samples without an answer are asked again; those whose
 * worker fell silent one by one; one that two workers fell silent over is set apart.
 */
import { randomUUID } from "node:crypto";
import { InternalError, UserError } from "../../errors.ts";
import { checkSignal, type Errand, type ExamineAll } from "../examination.ts";
import type { Sample } from "../sample.ts";
import { Link, silence, within } from "./link.ts";
import { refusalIn } from "./refusal.ts";
import { type Report, type Shard, version } from "./shard.ts";

/** Shards in the queue at once, and the most samples of each: what Redis holds does not grow with the dataset. */
const window = 256;
const most = 16;
/** Workers over which a sample may fall silent. */
const strikes = 2;
/** Milliseconds between looks at what is out. */
const interval = 5_000;

/** Examines by the workers that serve this queue. */
export const overQueue =
  (url: string): ExamineAll =>
  async (samples, errand) => {
    const link = await Link.open(url, errand.onNotice);
    try {
      await new Coordinator(link, errand).run(samples);
    } finally {
      await link.close();
    }
  };

/** What is in the queue. */
interface Out {
  readonly samples: readonly Sample[];
  /** Redis has said that it has it. */
  added: boolean;
}

class Coordinator {
  readonly #run = randomUUID();
  readonly #queue;
  readonly #out = new Map<string, Out>();
  readonly #unanswered = new Set<string>();
  readonly #strikes = new Map<string, number>();
  /** What is to be sent, the next one last. */
  readonly #groups: (readonly Sample[])[] = [];
  readonly #complaints = new Set<string>();
  #sent = 0;
  #heardAt = Date.now();
  #alone = false;
  #end: (error?: Error) => void = () => {};

  constructor(
    private readonly link: Link,
    private readonly errand: Errand,
  ) {
    this.#queue = link.queue();
  }

  async run(samples: readonly Sample[]): Promise<void> {
    const { signal } = this.errand;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error ? reject(this.link.refused(error)) : resolve());
    });
    checkSignal(signal);
    const cancel = () => this.#end(new UserError("cancelled", "cancelled"));
    signal?.addEventListener("abort", cancel, { once: true });
    for (const { id } of samples) this.#unanswered.add(id);
    // Of a small dataset, too, each worker has some.
    const size = Math.min(most, Math.ceil(samples.length / 64));
    for (let at = 0; at < samples.length; at += size) this.#groups.push(samples.slice(at, at + size));
    this.#groups.reverse();
    await this.link.beat(this.#run).catch((error) => Promise.reject(this.link.refused(error)));
    const events = await this.link.events();
    const heard = (news: Promise<void>) => news.catch(this.#end);
    events.on("completed", ({ jobId, returnvalue }) => heard(this.#hear(jobId, returnvalue as Partial<Report> | null)));
    events.on("failed", ({ jobId, failedReason }) => heard(this.#hearFailure(jobId, failedReason)));
    const look = this.#repeatedly(interval, () => this.#look());
    const beat = this.#repeatedly(silence, () => this.link.beat(this.#run));
    try {
      this.#send();
      await ended;
    } finally {
      signal?.removeEventListener("abort", cancel);
      for (const timer of [look, beat]) clearInterval(timer);
      await this.#withdraw().catch(() => undefined);
    }
  }

  /** Nothing starts while the last turn waits for Redis. */
  #repeatedly(milliseconds: number, act: () => Promise<unknown>): NodeJS.Timeout {
    let busy = false;
    return setInterval(() => {
      if (busy) return;
      busy = true;
      act()
        .catch((error) => this.#end(error))
        .finally(() => {
          busy = false;
        });
    }, milliseconds);
  }

  /** Fills the window, or ends where nothing is left. */
  #send(delay = 0): void {
    if (this.#unanswered.size === 0) this.#end();
    while (this.#out.size < window) {
      const group = this.#groups.pop();
      if (!group) return;
      this.#add(group, delay).catch((cause: Error) =>
        this.#end(
          refusalIn(cause) === undefined
            ? new UserError("unreachable", `${this.link.place} refuses pictures: ${cause.message}`, { cause })
            : cause,
        ),
      );
    }
  }

  async #add(samples: readonly Sample[], delay: number): Promise<void> {
    const id = `${this.#run}-${this.#sent++}`;
    const out: Out = { samples, added: false };
    this.#out.set(id, out);
    const shard: Shard = { version, run: this.#run, work: this.errand.work, samples };
    await this.#queue.add("shard", shard, {
      ...{ jobId: id, delay },
      // A worker that cannot, since it does not reach the model, may be followed by one that can.
      ...{ attempts: 4, backoff: { type: "exponential", delay: 1000 } },
      // What an ended coordinator leaves behind.
      ...{ removeOnComplete: { age: 3600 }, removeOnFail: { age: 3600 } },
    });
    out.added = true;
  }

  /** A shard is back. */
  #take(id: string): readonly Sample[] | undefined {
    const out = this.#out.get(id);
    if (this.#out.delete(id)) this.#queue.remove(id).catch(() => undefined);
    return out?.samples;
  }

  /** @param report whatever a worker returned, of another version too. */
  async #hear(id: string, report: Partial<Report> | null): Promise<void> {
    const { version: theirs = "of an unknown version", worker = "unknown", answers = [] } = report ?? {};
    const samples = this.#take(id);
    // Another coordinator's, or heard before.
    if (!samples) return;
    this.#heardAt = Date.now();
    if (theirs !== version) {
      this.errand.onNotice(
        `refused the results of worker ${worker}: it is gradcam ${theirs}, the evaluation is of ${version}`,
      );
      this.#ask(samples);
      this.#send(1000);
      return;
    }
    const asked = new Set(samples.map((sample) => sample.id));
    for (const answer of answers)
      if (asked.has(answer.id) && this.#unanswered.delete(answer.id)) this.errand.onAnswer(answer);
    this.#ask(samples);
    this.#send();
  }

  /** Sends again what has no answer. */
  #ask(samples: readonly Sample[]): void {
    const left = samples.filter((sample) => this.#unanswered.has(sample.id));
    if (left.length) this.#groups.push(left);
  }

  async #hearFailure(id: string, reason: string): Promise<void> {
    if (!this.#out.has(id)) return;
    const job = await this.#queue.getJob(id);
    const samples = this.#take(id);
    if (!samples) return;
    if (job && job.stalledCounter === 0)
      throw reason.startsWith("internal:")
        ? new InternalError(reason.slice("internal:".length).trim())
        : new UserError("invalid-input", reason);
    // Silence while Redis itself could not be reached says nothing of the worker.
    const calm = Date.now() - this.link.troubleAt > 3 * silence;
    if (samples.length > 1 || !calm) for (const sample of samples) this.#ask([sample]);
    else for (const sample of samples) this.#strike(sample);
    this.#send();
  }

  #strike(sample: Sample): void {
    const count = (this.#strikes.get(sample.id) ?? 0) + 1;
    this.#strikes.set(sample.id, count);
    if (count < strikes) this.#ask([sample]);
    else if (this.#unanswered.delete(sample.id)) {
      const error = `${count} workers fell silent while examining it alone`;
      this.errand.onAnswer({ id: sample.id, error, seconds: 0 });
    }
  }

  /** What events did not tell: shards that Redis has lost, ends that were missed while it was away; and whether anyone works. */
  async #look(): Promise<void> {
    for (const [id, { samples, added }] of [...this.#out]) {
      if (!added) continue;
      const job = await this.#queue.getJob(id);
      if (!this.#out.has(id)) continue;
      if (!job) {
        this.#take(id);
        this.#ask(samples);
      } else if (job.finishedOn && (job.returnvalue || !job.failedReason)) await this.#hear(id, job.returnvalue);
      else if (job.finishedOn) await this.#hearFailure(id, job.failedReason);
      else if (job.failedReason) this.#complain(job.failedReason);
    }
    this.#send();
    const idle = Date.now() - this.#heardAt > interval;
    const alone = idle && (await this.#queue.getWorkersCount()) === 0;
    if (alone && !this.#alone)
      this.errand.onNotice(`no worker serves ${this.link.place}; waiting: gradcam worker --queue ${this.link.place}`);
    this.#alone = alone;
  }

  /** A worker could not; another may, or the same one later. */
  #complain(reason: string): void {
    if (!this.#complaints.has(reason)) this.errand.onNotice(`${reason}; it is tried again`);
    this.#complaints.add(reason);
  }

  /** Leaves nothing behind that nobody waits for. */
  async #withdraw(): Promise<void> {
    await this.link.forget(this.#run);
    const left = [...this.#out.keys()];
    await within(Promise.allSettled(left.map((id) => this.#queue.remove(id))));
  }
}
