/** @file A thread that computes. ONNX Runtime holds the thread that calls it; the server's own stays free to answer, refuse and count. */
import { parentPort, type Transferable, workerData } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import { openModels } from "./engine.ts";
import type { Served } from "./served.ts";
import { type FromWorker, type Job, type Outcome, ownMemory, type ToWorker, toWire, type WorkerSetup } from "./work.ts";

if (!parentPort) throw new InternalError("the worker was started as a program");
const port = parentPort;
const setup = workerData as WorkerSetup;
const say = (message: FromWorker, transfer: Transferable[] = []): void => port.postMessage(message, transfer);

const opened = openModels(setup);
opened.then(
  (models) => {
    const all = [...models.values()];
    const sharing = all.filter(({ together }) => together).map(({ card }) => card.name);
    say({ kind: "ready", cards: all.map(({ card }) => card), sharing });
  },
  (error) => say({ kind: "refused", error: toWire(error) }),
);

port.on("message", async ({ jobs, left }: ToWorker) => {
  const outcomes = await answer(jobs, left, await opened);
  const bodies = outcomes.flatMap((outcome) => ("reply" in outcome ? [outcome.reply.body] : []));
  say({ kind: "done", outcomes }, ownMemory(bodies));
});

async function answer(
  jobs: readonly Job[],
  left: ToWorker["left"],
  models: ReadonlyMap<string, Served>,
): Promise<Outcome[]> {
  const signals = new Map(jobs.map(({ id }, i) => [id, signalBy(left, i)]));
  try {
    const served = models.get(jobs[0].model);
    if (!served) throw new InternalError(`no model "${jobs[0].model}"`);
    return await served.answer(jobs, ({ id }) => signals.get(id) as AbortSignal);
  } catch (error) {
    return jobs.map(() => ({ error: toWire(error) }));
  }
}

/** A signal that is read from shared memory each time it is looked at, so that it is seen between two steps of one task. */
function signalBy(left: ToWorker["left"], place: number): AbortSignal {
  const { signal } = new AbortController();
  return Object.defineProperty(signal, "aborted", { get: () => Atomics.load(left, place) === 1 });
}
