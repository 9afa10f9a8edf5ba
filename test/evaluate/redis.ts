/** @file A Redis of the test's own: a free port, a temporary folder, gone when the tests of the file are over. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export class TestRedis {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "gradcam-redis-"));
  #process!: ChildProcess;

  private constructor(
    private readonly port: number,
    private readonly more: readonly string[],
  ) {}

  static async start(...more: string[]): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), more);
    await redis.#begin();
    return redis;
  }

  /** The database of this number. */
  url(database = 0): string {
    return `redis://127.0.0.1:${this.port}/${database}`;
  }

  /** Killed as by a power cut, and begun again with nothing, or with what `--appendonly` kept. */
  async restart(pause: number): Promise<void> {
    await this.#end();
    await new Promise((resolve) => setTimeout(resolve, pause));
    await this.#begin();
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    const args = [
      "--port",
      String(this.port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--dir",
      this.#folder,
      ...this.more,
    ];
    this.#process = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise<void>((resolve, reject) => {
      this.#process.once("error", () => reject(new Error("missing redis-server: apt-get install redis-server")));
      this.#process.once("exit", () => reject(new Error("redis-server ends")));
      this.#process.stdout?.on("data", (text: Buffer) => text.includes("Ready to accept connections") && resolve());
    });
  }

  async #end(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}
