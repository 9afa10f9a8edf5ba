/** @file An evaluation as a fleet sees it: a web server of small pictures, one of them broken, and `gradcam evaluate` and `worker` as processes. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { built, folder, gradcam, type Running, start, withModel } from "../cli/run.ts";
import { gap } from "../nets.ts";

export class Fleet {
  readonly folder = folder();
  /** Milliseconds that a picture takes the server. */
  delay = 0;
  /** Called when a picture is asked for. */
  onPicture: (name: string) => void = () => {};
  #fetched = 0;
  #refusedOnce = false;
  #watch: { at: number; resolve: () => void } | undefined;
  readonly #files = new Map<string, Uint8Array>();
  #port = 0;

  static async of(count: number): Promise<Fleet> {
    const fleet = new Fleet();
    const net = gap({ input: [1, 3, 32, 32] });
    withModel(fleet.folder, net);
    fleet.#files.set("/net.onnx", net);
    writeFileSync(path.join(fleet.folder, "labels.txt"), "zero\none\ntwo");
    const lines = ["picture,label,name,x0,y0,x1,y1"];
    for (let i = 0; i < count; i++) {
      const data = Uint8Array.from(randomNormal(i + 1)(40 * 40 * 3), (v) => Math.max(0, Math.min(255, 128 + 60 * v)));
      fleet.#files.set(`/${i}.png`, await encodePng({ width: 40, height: 40, data }));
      lines.push(`${i}.png,${i % 2},${i % 2},4,4,${10 + (i % 25)},20`);
    }
    fleet.#files.set("/7.png", Buffer.from("no picture"));
    const [head, ...rows] = lines;
    fleet.#files.set("/manifest.csv", Buffer.from(lines.join("\n")));
    fleet.#files.set("/turned/manifest.csv", Buffer.from([head, ...rows.reverse()].join("\n")));
    await fleet.#serve();
    return fleet;
  }

  async #serve(): Promise<void> {
    const server = createServer((request, response) => {
      const name = request.url ?? "";
      const file = this.#files.get(name) ?? this.#files.get(`/${path.basename(name)}`);
      const isPicture = name.endsWith(".png");
      if (isPicture) this.onPicture(name.slice(1));
      if (isPicture && ++this.#fetched === this.#watch?.at) this.#watch.resolve();
      // A server that is busy for once is no reason to lose a picture.
      const busy = name.endsWith("/5.png") && !this.#refusedOnce;
      this.#refusedOnce ||= busy;
      const status = busy ? 503 : file ? 200 : 404;
      setTimeout(() => response.writeHead(status).end(busy ? "" : file), isPicture ? this.delay : 0);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as { port: number }).port;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
  }

  /** Where a file is. */
  address(file: string): string {
    return `http://127.0.0.1:${this.#port}/${file}`;
  }

  /** When so many more pictures have been asked for. */
  fetched(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watch = { at: this.#fetched + count, resolve };
    });
  }

  /** The arguments of an evaluation; `set` may be "turned", the same pictures in the opposite order. */
  evaluation(out: string, set = "", ...more: string[]): string[] {
    return [
      ...["evaluate", this.address(set), "--format", "manifest"],
      ...["--model", "net.onnx", "--labels", "labels.txt", "--methods", "grad-cam,gradient"],
      ...["--metrics", "pointing-game,inside-outside", "--out", out, ...more],
    ];
  }

  /** The figures of an evaluation that must end well. */
  async figures(out: string, set = "", ...more: string[]) {
    const run = more.includes("--queue") ? gradcam : built;
    const { code, stderr } = await run(this.evaluation(out, set, ...more), this.folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return this.figuresIn(out);
  }

  /** What must not depend on how the work went. */
  figuresIn(out: string) {
    const { examined, right, figures, differences, failures, outcomes } = JSON.parse(
      readFileSync(path.join(this.folder, out, "figures.json"), "utf8"),
    );
    return { examined, right, figures, differences, failures, outcomes };
  }

  /** A worker that has begun to wait; killed when the test is over. */
  async worker(url: string, ...more: string[]): Promise<Running> {
    const running = start(["worker", "--queue", url, "--concurrency", "1", ...more], this.folder);
    onTestFinished(async () => {
      running.process.kill("SIGKILL");
      await running.ended;
    });
    await Promise.race([once(running.process.stderr as NodeJS.ReadableStream, "data"), running.ended]);
    return running;
  }
}
