/** @file `gradcam worker`: examines pictures of evaluations that run elsewhere, until it is stopped. */
import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import type { Answer } from "../evaluate/examination.ts";
import { Meter } from "../evaluate/prometheus.ts";
import { Link } from "../evaluate/queue/link.ts";
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
Models and images are read from where the evaluation reads them: URLs, or paths that are the same on all machines.
SIGTERM or Ctrl-C: finishes the images in progress, returns the rest to the queue, and exits; the second time: exits at once.`;

export function defineWorker(program: Command): void {
  program
    .command("worker")
    .description("evaluate images for `gradcam evaluate --queue` running elsewhere")
    .requiredOption("--queue <address>", "Redis that holds the queue, redis://host:port")
    .addOption(
      new Option("--concurrency <count>", "worker processes")
        .argParser(whole)
        .default(availableParallelism(), "one per core"),
    )
    .option("--metrics-port <port>", "serve Prometheus /metrics on this port", port)
    .addHelpText("after", examples)
    .action(work);
}

async function work({ queue, concurrency, metricsPort }: WorkerFlags): Promise<void> {
  const meter = metricsPort === undefined ? undefined : await Meter.listen(metricsPort);
  try {
    // Until here nothing is at hand: a signal ends it at once.
    const link = await Link.open(queue, notice);
    const watch = (examination: Promise<Answer>) => meter?.watch(examination) ?? examination;
    const serving = (signal: AbortSignal) => serve({ link, concurrency, signal, onNotice: notice, watch });
    await interruptible(serving, { signals: ["SIGINT", "SIGTERM"], finishes: true });
  } finally {
    meter?.close();
  }
}
