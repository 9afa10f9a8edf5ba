/** @file The bundled network alone, again and again, on an input that is ready: what a service is measured against. */
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import ort from "onnxruntime-node";
import { processorTimeOf } from "./service.mjs";

/** So many sessions, each on a thread of its own with so many of ONNX Runtime's, run at the same time. */
export async function openBareLoop({ sessions, threads, input }) {
  const each = Array.from(
    { length: sessions },
    () => new Worker(new URL(import.meta.url), { workerData: { threads, input } }),
  );
  const answer = (worker) => new Promise((resolve) => worker.once("message", resolve));
  await Promise.all(each.map(answer));
  return {
    /** Runs and milliseconds of processor time of one, over some milliseconds. */
    async measure(milliseconds) {
      const before = processorTimeOf(process.pid);
      const rates = await Promise.all(
        each.map((worker) => {
          worker.postMessage(milliseconds);
          return answer(worker);
        }),
      );
      const runs = rates.reduce((sum, { runs }) => sum + runs, 0);
      const perSecond = rates.reduce((sum, { runs, ms }) => sum + (1000 * runs) / ms, 0);
      return { perSecond, processor: (processorTimeOf(process.pid) - before) / runs };
    },
    close: () => Promise.all(each.map((worker) => worker.terminate())),
  };
}

if (!isMainThread) {
  const { threads, input } = workerData;
  const model = new URL("../models/efficientnet-lite0/onnx/model.onnx", import.meta.url);
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(model)), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", input.data, [1, ...input.dims]) };
  for (let warm = 0; warm < 10; warm++) await session.run(feeds);
  parentPort.on("message", async (milliseconds) => {
    const start = performance.now();
    let runs = 0;
    for (; performance.now() - start < milliseconds; runs++) await session.run(feeds);
    parentPort.postMessage({ runs, ms: performance.now() - start });
  });
  parentPort.postMessage("ready");
}
