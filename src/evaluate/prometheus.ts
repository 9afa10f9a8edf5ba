/** @file What an evaluation is doing, for Prometheus: GET /metrics, the text format, by prom-client. */
import { createServer, type Server } from "node:http";
import { missingPackage, UserError } from "../errors.ts";
import type { Answer, ExamineAll } from "./examination.ts";

/** Counts answers, and serves the counts. */
export class Meter {
  private constructor(
    private readonly server: Server,
    private readonly observe: (answer: Answer) => void,
    private readonly move: (under: number) => void,
  ) {}

  /** @throws UserError `missing-package`, and for a port that is taken. */
  static async listen(port: number): Promise<Meter> {
    const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await loadPrometheus();
    const registers = [new Registry()];
    collectDefaultMetrics({ register: registers[0] });
    const pictures = new Counter({
      ...{ name: "gradcam_pictures_total", help: "Images evaluated, by outcome", registers },
      labelNames: ["outcome"],
    });
    for (const outcome of ["done", "failed"]) pictures.inc({ outcome }, 0);
    const seconds = new Histogram({
      ...{ name: "gradcam_picture_seconds", help: "Time that a picture takes its process", registers },
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
    });
    const inFlight = new Gauge({
      name: "gradcam_pictures_in_flight",
      help: "Pictures asked for and not answered",
      registers,
    });
    const server = createServer(async (request, response) => {
      if (request.url !== "/metrics") return response.writeHead(404).end("see /metrics\n");
      response.writeHead(200, { "content-type": registers[0].contentType }).end(await registers[0].metrics());
    });
    await new Promise<void>((resolve, reject) => {
      const refuse = ({ code }: NodeJS.ErrnoException) =>
        reject(new UserError("invalid-option", `invalid --metrics-port: ${port} cannot be listened on (${code})`));
      server.once("error", refuse).listen(port, resolve);
    });
    // It does not keep a process alive.
    server.unref();
    const observe = (answer: Answer) => {
      pictures.inc({ outcome: "examined" in answer ? "done" : "failed" });
      seconds.observe(answer.seconds);
    };
    return new Meter(server, observe, (count) => inFlight.inc(count));
  }

  /** Around one examination. */
  async watch(examination: Promise<Answer>): Promise<Answer> {
    this.move(1);
    try {
      const answer = await examination;
      this.observe(answer);
      return answer;
    } finally {
      this.move(-1);
    }
  }

  /** Around many: in flight is all that has no answer yet. */
  around(examineAll: ExamineAll): ExamineAll {
    return async (samples, errand) => {
      this.move(samples.length);
      await examineAll(samples, {
        ...errand,
        onAnswer: (answer) => {
          this.observe(answer);
          this.move(-1);
          errand.onAnswer(answer);
        },
      });
    };
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function loadPrometheus(): Promise<typeof import("prom-client")> {
  try {
    return (await import("prom-client")).default;
  } catch (cause) {
    throw missingPackage(["prom-client"], "which --metrics-port needs", cause);
  }
}
