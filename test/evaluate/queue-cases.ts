/** @file What goes wrong around a queue: each case begins an evaluation, does its harm, and must come to the rows and figures of one process. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import Database from "libsql";
import { expect } from "vitest";
import { version } from "../../src/evaluate/queue/shard.ts";
import { type Ended, folder, type Running, repository, start } from "../cli/run.ts";
import { gap } from "../nets.ts";
import { Fleet } from "./fleet.ts";
import { TestRedis } from "./redis.ts";

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** An evaluation under way. */
class Scene {
  constructor(
    readonly fleet: Fleet,
    readonly redis: TestRedis,
  ) {}

  get url(): string {
    return this.redis.url();
  }

  coordinate(): Running {
    return start(this.fleet.evaluation("out", "", "--queue", this.url), this.fleet.folder);
  }

  workers(count: number): Promise<Running[]> {
    return Promise.all(Array.from({ length: count }, () => this.fleet.worker(this.url)));
  }

  /** A coordinator and two workers that have begun. */
  async begin() {
    const coordinator = this.coordinate();
    const [first, second] = await this.workers(2);
    await this.fleet.fetched(6);
    return { coordinator, first, second };
  }

  /** Puts another model in the place of the evaluation's, and gives what puts it back. */
  swapModel(): () => void {
    const file = path.join(this.fleet.folder, "net.onnx");
    const bytes = readFileSync(file);
    writeFileSync(file, gap({ input: [1, 3, 16, 16] }));
    return () => writeFileSync(file, bytes);
  }
}

const kill = async ({ process, ended }: Running, signal: NodeJS.Signals): Promise<Ended> => {
  process.kill(signal);
  return ended;
};

/** A command line of another version, with our own packages. */
function otherVersion(): string {
  const at = folder();
  const { version: _, ...rest } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8"));
  writeFileSync(path.join(at, "package.json"), JSON.stringify({ ...rest, version: "0.0.1" }));
  mkdirSync(path.join(at, "dist"));
  const isStudio = (file: string) => path.relative(path.join(repository, "dist"), file).startsWith("studio");
  cpSync(path.join(repository, "dist"), path.join(at, "dist"), { recursive: true, filter: (file) => !isStudio(file) });
  symlinkSync(path.join(repository, "node_modules"), path.join(at, "node_modules"));
  return path.join(at, "dist/cli/bin.js");
}

type Act = (scene: Scene) => Promise<Running>;

/** Each gives the coordinator whose end counts. */
const acts = {
  "nothing goes wrong": async (scene) => (await scene.begin()).coordinator,
  "a worker is killed, and a new one comes": async (scene) => {
    const { coordinator, first } = await scene.begin();
    await kill(first, "SIGKILL");
    await scene.workers(1);
    return coordinator;
  },
  "the coordinator is killed, and begun again": async (scene) => {
    const { coordinator } = await scene.begin();
    await kill(coordinator, "SIGKILL");
    return scene.coordinate();
  },
  "Redis is killed, and comes back with nothing": async (scene) => {
    const { coordinator } = await scene.begin();
    await scene.redis.restart(6000);
    return coordinator;
  },
  "Redis is killed, and comes back with all, after the workers' silence": async (scene) => {
    const { coordinator } = await scene.begin();
    await scene.redis.restart(14_000);
    return coordinator;
  },
  "Redis forgets all": async (scene) => {
    const { coordinator } = await scene.begin();
    const raw = new Redis(scene.url);
    await raw.flushall();
    raw.disconnect();
    return coordinator;
  },
  "a worker stands still for half a minute": async (scene) => {
    const { coordinator, first } = await scene.begin();
    first.process.kill("SIGSTOP");
    await pause(30_000);
    first.process.kill("SIGCONT");
    return coordinator;
  },
  "the first worker finds another model": async (scene) => {
    const coordinator = scene.coordinate();
    await expect.poll(() => queued(scene.url), { timeout: 60_000 }).toBeGreaterThan(0);
    const putBack = scene.swapModel();
    await scene.workers(1);
    await pause(8000);
    putBack();
    await scene.workers(1);
    return coordinator;
  },
  "the model is another one for who comes later": async (scene) => {
    const { coordinator, first } = await scene.begin();
    scene.swapModel();
    await scene.workers(1);
    await kill(first, "SIGKILL");
    return coordinator;
  },
  "a worker of another version": async (scene) => {
    const coordinator = scene.coordinate();
    await expect.poll(() => queued(scene.url), { timeout: 60_000 }).toBeGreaterThan(0);
    const args = ["worker", "--queue", scene.url, "--concurrency", "1"];
    const other = await start(args, scene.fleet.folder, otherVersion()).ended;
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining(`for gradcam ${version}, this is 0.0.1`) });
    await scene.workers(1);
    return coordinator;
  },
  "everybody is stopped in turn, the coordinator twice": async (scene) => {
    const { coordinator, first, second } = await scene.begin();
    expect((await kill(first, "SIGTERM")).code).toBe(0);
    expect((await kill(second, "SIGINT")).code).toBe(0);
    await scene.workers(1);
    expect((await kill(coordinator, "SIGTERM")).code).toBe(130);
    const again = scene.coordinate();
    await scene.fleet.fetched(2);
    expect((await kill(again, "SIGINT")).code).toBe(130);
    return scene.coordinate();
  },
  "two coordinators of the same results": async (scene) => {
    const { coordinator } = await scene.begin();
    const other = scene.coordinate();
    expect((await coordinator.ended).code).toBe(0);
    return other;
  },
  "the queue holds what is no picture": async (scene) => {
    const queue = new Queue("pictures", { connection: { url: scene.url }, prefix: "gradcam" });
    for (const data of [{ version, run: "x" }, null, { version, run: "x", work: 1, samples: [{}] }, "text", [1]])
      await queue.add("shard", data);
    await queue.close();
    return (await scene.begin()).coordinator;
  },
} satisfies Record<string, Act>;

export type CaseName = keyof typeof acts;
export const caseNames = Object.keys(acts) as CaseName[];

async function queued(url: string): Promise<number> {
  const queue = new Queue("pictures", { connection: { url }, prefix: "gradcam" });
  const counts = await queue.getJobCounts();
  await queue.close();
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

/** All that was found, in one order. */
function rowsIn(fleet: Fleet, out: string): unknown[][] {
  const db = new Database(path.join(fleet.folder, out, "results.sqlite"));
  const of = (columns: string, table: string) =>
    db.prepare(`SELECT ${columns} FROM ${table} ORDER BY 1, 2, 3`).raw().all();
  try {
    return [of("id, predicted, right, error", "picture"), of("*", "finding"), of("*", "outcome")] as unknown[][];
  } finally {
    db.close();
  }
}

/** Does a case's harm to an evaluation of so many pictures. */
export async function endure(name: CaseName, count: number): Promise<void> {
  const fleet = await Fleet.of(count);
  const undisturbed = await fleet.figures("calm", "", "--workers", "1");
  fleet.delay = 60;
  const redis = await TestRedis.start(
    "--appendonly",
    name.includes("with all") ? "yes" : "no",
    "--appendfsync",
    "always",
  );
  try {
    const coordinator = await acts[name](new Scene(fleet, redis));
    expect((await coordinator.ended).code).toBe(0);
    expect(fleet.figuresIn("out")).toEqual(undisturbed);
    expect(rowsIn(fleet, "out")).toEqual(rowsIn(fleet, "calm"));
  } finally {
    await redis.stop();
  }
}
