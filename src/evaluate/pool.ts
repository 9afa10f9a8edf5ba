/**
 * @file Workers of one machine: a process each, with a model of its own on one thread, so that all cores decode, run and measure at once
 * and a crash costs one picture.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UserError, type UserErrorCode } from "../errors.ts";
import { type Answer, checkSignal, type ExamineAll, inTurn } from "./examination.ts";
import type { Sample } from "./sample.ts";
import type { Work } from "./work.ts";

/** To a worker. */
export type Order = { readonly open: Work } | { readonly examine: Sample };
/** From a worker: answers come in the order of the samples. */
export type Reply =
  | { readonly ready: true }
  | { readonly answer: Answer }
  | { readonly refused: { readonly code: UserErrorCode; readonly message: string } }
  | { readonly bug: string };

/** Samples that a worker has at hand: the next one is there when it has finished one. */
export const ahead = 2;

/** Examines in so many processes of this machine. */
export const inPool =
  (workers: number): ExamineAll =>
  async (samples, { work, signal, onAnswer }) => {
    checkSignal(signal);
    const count = Math.min(samples.length, workers);
    const pool = new Pool(work, count);
    const cancel = () => pool.close(new UserError("cancelled", "cancelled"));
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      await inTurn(samples, count * ahead, async (sample) => onAnswer(await pool.examine(sample)));
    } finally {
      signal?.removeEventListener("abort", cancel);
      pool.close();
    }
  };

interface Task {
  readonly sample: Sample;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  crashes: number;
}

export class Pool {
  readonly #workers = new Set<Worker>();
  readonly #waiting: Task[] = [];
  #ended: Error | undefined;
  #stillborn = 0;

  constructor(
    private readonly work: Work,
    workers: number,
  ) {
    for (let i = 0; i < workers; i++) this.#hire();
  }

  /** @throws UserError when the work itself is wrong. */
  examine(sample: Sample): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      this.#waiting.push({ sample, resolve, reject, crashes: 0 });
      this.#share();
    });
  }

  /** Ends the processes; what is still asked fails. */
  close(why: Error = new UserError("cancelled", "cancelled")): void {
    if (this.#ended) return;
    this.#ended = why;
    const open = [...this.#waiting, ...[...this.#workers].flatMap(({ hands }) => hands)];
    for (const worker of this.#workers) worker.dismiss();
    for (const { reject } of open) reject(why);
  }

  #share(): void {
    for (const worker of this.#workers)
      while (this.#waiting.length && worker.free) worker.give(this.#waiting.shift() as Task);
  }

  #hire(): void {
    const worker = new Worker(this.work, {
      reply: (reply) => this.#hear(worker, reply),
      gone: (how) => this.#lose(worker, how),
    });
    this.#workers.add(worker);
  }

  #hear(worker: Worker, reply: Reply): void {
    if ("refused" in reply) this.close(new UserError(reply.refused.code, reply.refused.message));
    else if ("bug" in reply) this.close(new Error(reply.bug));
    else if ("answer" in reply) worker.hands.shift()?.resolve(reply.answer);
    else this.#stillborn = 0;
    this.#share();
  }

  /** A picture that two workers died of is set apart. It is the first at hand: what waited behind it is not to blame. */
  #lose(worker: Worker, how: string): void {
    this.#workers.delete(worker);
    const [suspect, ...behind] = worker.hands;
    this.#waiting.unshift(...behind);
    if (suspect && ++suspect.crashes < 2) this.#waiting.unshift(suspect);
    else if (suspect) {
      const { id } = suspect.sample;
      suspect.resolve({ id, error: `the worker ended twice while examining it (${how})`, seconds: 0 });
    }
    if (!worker.ready && ++this.#stillborn > 2)
      this.close(new UserError("invalid-model", `invalid model: the process that opens it ends (${how})`));
    if (!this.#ended) this.#hire();
  }
}

/** Of all pools. One that computes does not hear that its parent has ended. */
const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

interface Watch {
  reply(reply: Reply): void;
  gone(how: string): void;
}

class Worker {
  /** What it has been given and not answered, in order. */
  readonly hands: Task[] = [];
  ready = false;
  readonly #process: ChildProcess;
  #dismissed = false;

  constructor(work: Work, watch: Watch) {
    this.#process = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), { serialization: "advanced" });
    this.#process.on("message", (reply: Reply) => {
      this.ready ||= "ready" in reply;
      watch.reply(reply);
    });
    alive.add(this.#process);
    this.#process.on("exit", (code, signal) => {
      alive.delete(this.#process);
      if (!this.#dismissed) watch.gone(signal ?? `exit code ${code}`);
    });
    this.#send({ open: work });
  }

  get free(): boolean {
    return this.ready && this.hands.length < ahead;
  }

  give(task: Task): void {
    this.hands.push(task);
    this.#send({ examine: task.sample });
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
