/** @file `gradcam worker`: examines pictures of evaluations that run elsewhere, until it is stopped. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { Meter } from "../evaluate/prometheus.ts";
import { serve } from "../evaluate/queue/serve.ts";
import { interruptible } from "./interrupt.ts";
import { notice, port, whole } from "./options.ts";

interface WorkerFlags {
  readonly queue: string;
  readonly concurrency: number;
  readonly metricsPort?: number;
}

const examples = `
Examples:
  gradcam worker --queue redis://queue.example:6379
  gradcam worker --queue rediss://:password@queue.example:6380 --concurrency 4 --metrics-port 9464
Models and pictures are read from the places that the evaluation names: paths that are the same on all machines, or addresses.
SIGTERM or Ctrl-C: finishes the pictures at hand, gives the rest back, and ends; a second time: ends at once.`;

export function defineWorker(program: Command): void {
  program
    .command("worker")
    .description("examine pictures for `gradcam evaluate --queue` elsewhere")
    .requiredOption("--queue <address>", "the Redis of the queue, redis://host:port")
    .option("--concurrency <count>", "processes (default: one for each core)", whole, availableParallelism())
    .option("--metrics-port <port>", "serve /metrics for Prometheus there", port)
    .addHelpText("after", examples)
    .action(work);
}

async function work({ queue, concurrency, metricsPort }: WorkerFlags): Promise<void> {
  const serving = async (signal: AbortSignal) => {
    const meter = metricsPort === undefined ? undefined : await Meter.listen(metricsPort);
    try {
      await serve({
        ...{ url: queue, concurrency, signal, onNotice: notice },
        watch: (examination) => meter?.watch(examination) ?? examination,
      });
    } finally {
      meter?.close();
    }
  };
  await interruptible(serving, { signals: ["SIGINT", "SIGTERM"], finishes: true });
}
