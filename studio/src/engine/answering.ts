/** @file A worker's side of the calls: takes them, answers them, tells how far they are, and ends those that nobody waits for. */
import { type CallName, type Failure, type FromWorker, lifeLock, type Progress, type ToWorker } from "./contract.ts";

/** What a call may report, and how it learns that nobody waits for it any more. */
export interface Context {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

const send = (message: FromWorker) => self.postMessage(message, { transfer: bitmapIn(message) });

/** What is handed over rather than copied. */
function bitmapIn(message: FromWorker): Transferable[] {
  const bitmap = "answer" in message && (message.answer as { bitmap?: unknown } | undefined)?.bitmap;
  return bitmap instanceof ImageBitmap ? [bitmap] : [];
}

/** A file could not be kept for the next time. */
export const tellNotKept = (): void => send({ notice: "not-kept" });

/** @param desk has a method of the call's name for each that the page makes */
export function answerCalls(desk: Partial<Record<CallName, unknown>>): void {
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
    const { id, call, argument } = message;
    const controller = new AbortController();
    running.set(id, controller);
    const context: Context = { signal: controller.signal, onProgress: (progress) => send({ id, progress }) };
    try {
      await alive;
      const method = desk[call] as (argument: unknown, context: Context) => Promise<unknown>;
      send({ id, answer: await method.call(desk, argument, context) });
    } catch (error) {
      send({ id, failure: failureOf(error) });
    } finally {
      running.delete(id);
    }
  };
}

function failureOf(error: unknown): Failure {
  const { code = "internal", message } = error as { code?: unknown; message?: string };
  return { code: String(code), message: message ?? String(error) };
}
