/** @file What the server counts, for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Seconds, from a tenth of a small network's run to the usual timeout. */
const seconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly contentType = this.#registry.contentType;
  readonly #of = { registers: [this.#registry] };

  readonly requests = new Counter({
    name: "gradcam_requests_total",
    help: "Requests answered",
    labelNames: ["route", "method", "status"],
    ...this.#of,
  });
  readonly duration = new Histogram({
    name: "gradcam_request_seconds",
    help: "Time from a request's first byte to the last byte of the response",
    labelNames: ["route"],
    buckets: seconds,
    ...this.#of,
  });
  readonly batch = new Histogram({
    name: "gradcam_batch_size",
    help: "Requests that shared a run",
    labelNames: ["model"],
    buckets: [1, 2, 4, 8, 16, 32, 64],
    ...this.#of,
  });
  readonly losses = new Counter({
    name: "gradcam_thread_losses_total",
    help: "Worker threads that died, hung, or could not be started",
    ...this.#of,
  });

  /** @param read what is in progress now. */
  constructor(read: Readonly<Record<"inside" | "waiting" | "live" | "wanted", () => number>>) {
    collectDefaultMetrics({ register: this.#registry });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        ...this.#of,
        collect() {
          this.set(value());
        },
      });
    gauge("gradcam_requests_inside", "Requests in progress: arriving, waiting and running", read.inside);
    gauge("gradcam_queue_waiting", "Requests waiting for a worker thread", read.waiting);
    gauge("gradcam_threads", "Worker threads that are ready", read.live);
    gauge("gradcam_threads_wanted", "Worker threads that should be ready", read.wanted);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
