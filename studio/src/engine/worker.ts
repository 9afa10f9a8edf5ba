/** @file The worker: takes calls, answers them, and tells mistakes from bugs. The work itself is in `desk.ts`. */

import { type CallName, type Failure, type FromWorker, lifeLock, type Request, type ToWorker } from "./contract.ts";
import { Desk } from "./desk.ts";

const send = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, { transfer });
const desk = new Desk(() => send({ notice: "not-kept" }));
const running = new Map<number, AbortController>();

const alive = new Promise<void>((ready) => {
  if (!navigator.locks) ready();
  // Held until the worker's end, however that comes.
  void navigator.locks?.request(lifeLock(self.name), () => {
    ready();
    return new Promise<never>(() => {});
  });
});

self.onmessage = async ({ data: message }: MessageEvent<ToWorker>) => {
  if ("cancel" in message) {
    running.get(message.id)?.abort();
    return;
  }
  const { id } = message;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    await alive;
    const answer = await answerTo(message, controller.signal);
    send({ id, answer });
  } catch (error) {
    send({ id, failure: failureOf(error) });
  } finally {
    running.delete(id);
  }
};

function answerTo<K extends CallName>({ id, call, argument }: Request, signal: AbortSignal): Promise<unknown> {
  const answer = desk[call as K] as (argument: unknown, context: unknown) => Promise<unknown>;
  return answer.call(desk, argument, { signal, onProgress: (progress: never) => send({ id, progress }) });
}

function failureOf(error: unknown): Failure {
  const { code = "internal", message } = error as { code?: unknown; message?: string };
  return { code: String(code), message: message ?? String(error) };
}
