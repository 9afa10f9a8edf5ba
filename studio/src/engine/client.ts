/** @file The page's side of the worker: calls as promises, with progress and an end; a worker that dies is noticed and told. */
import { UserError } from "gradcam";
import { type CallName, type Calls, type FromWorker, lifeLock, type Progress, type ToWorker } from "./contract.ts";

export interface CallOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress?: (progress: Progress) => void;
}

/** The worker died, for want of memory most likely. */
export class WorkerLost extends Error {
  override readonly name = "WorkerLost";
}

export class Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #lost = false;
  #answered = false;

  /**
   * @param start a worker of this name
   * @param onLost called once when the worker has died: before it said a word, as where its script cannot be fetched, or after; or when it
   *   is ended because it lost its runtime or its graphics device
   */
  constructor(
    start: (name: string) => Worker,
    private readonly onLost: (answered: boolean, device: boolean) => void,
    private readonly onNotice: (notice: "not-kept") => void,
  ) {
    const id = crypto.randomUUID?.() ?? String(performance.now());
    this.#worker = start(id);
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = () => this.#lose();
    this.#watch(id);
  }

  #lose(device = false): void {
    if (this.#lost) return;
    this.end();
    this.onLost(this.#answered, device);
  }

  call<K extends CallName>(call: K, argument: Calls[K][0], options: CallOptions = {}): Promise<Calls[K][1]> {
    if (this.#lost) return Promise.reject(new WorkerLost("the engine has stopped"));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject, onProgress: options.onProgress });
      this.#send({ id, call, argument } as ToWorker);
      options.signal?.addEventListener("abort", () => this.#send({ id, cancel: true }), { once: true });
    });
  }

  end(): void {
    this.#lost = true;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(new WorkerLost("the engine has stopped"));
    this.#pending.clear();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    this.#answered = true;
    if ("notice" in message) {
      this.onNotice(message.notice);
      return;
    }
    const pending = this.#pending.get(message.id);
    if ("progress" in message) {
      pending?.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ("answer" in message) pending?.resolve(message.answer);
    else if (/-lost$/.test(message.failure.code)) {
      pending?.reject(new WorkerLost(message.failure.message));
      this.#lose(message.failure.code === "device-lost");
    } else pending?.reject(new UserError(message.failure.code as UserError["code"], message.failure.message));
  }

  /** No event tells that a worker died. It holds a lock while it lives; we get it when it does not. */
  #watch(id: string): void {
    this.#worker.addEventListener(
      "message",
      () => navigator.locks?.request(lifeLock(id), () => this.#lose()),
      { once: true }, // by then the worker has its lock
    );
  }
}
