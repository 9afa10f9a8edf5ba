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
const running = new Map<number, AbortController>();

const opened = openModels(setup);
opened.then(
  (models) => {
    const all = [...models.values()];
    const sharing = all.filter(({ together }) => together).map(({ card }) => card.name);
    say({ kind: "ready", cards: all.map(({ card }) => card), sharing });
  },
  (error) => say({ kind: "refused", error: toWire(error) }),
);

port.on("message", async (message: ToWorker) => {
  if (message.kind === "cancel") return running.get(message.job)?.abort();
  const outcomes = await answer(message.jobs, await opened);
  const bodies = outcomes.flatMap((outcome) => ("reply" in outcome ? [outcome.reply.body] : []));
  say({ kind: "done", outcomes }, ownMemory(bodies));
});

async function answer(jobs: readonly Job[], models: ReadonlyMap<string, Served>): Promise<Outcome[]> {
  for (const { id } of jobs) running.set(id, new AbortController());
  try {
    const served = models.get(jobs[0].model);
    if (!served) throw new InternalError(`no model "${jobs[0].model}"`);
    return await served.answer(jobs, ({ id }) => (running.get(id) as AbortController).signal);
  } catch (error) {
    return jobs.map(() => ({ error: toWire(error) }));
  } finally {
    for (const { id } of jobs) running.delete(id);
  }
}
