/**
 * @file Workers killed, Redis gone and back with nothing, a full disk, a broken picture, a job that comes twice, a coordinator killed: the
 * figures of an undisturbed run, nothing lost, nothing counted twice. CHAOS=20 does it all so many times as long.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { Queue } from "bullmq";
import Database from "libsql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gradcam, repository, start } from "../cli/run.ts";
import { Fleet } from "./fleet.ts";
import { TestRedis } from "./redis.ts";

const scale = Number(process.env.CHAOS ?? 1);
const count = 160 * scale;

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());

/** The evaluation where no file may grow above so many kilobytes: a disk that is full, without a disk. */
async function onFullDisk(args: readonly string[], cwd: string, kilobytes: number) {
  const command = `ulimit -f ${kilobytes}; exec "$0" "$@"`;
  const bin = path.join(repository, "dist/cli/bin.js");
  const child = spawn("bash", ["-c", command, process.execPath, bin, ...args], { cwd });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, stderr };
}

/** Puts a job that is there into the queue once more, as a producer does that was not told that its job arrived. */
async function duplicate(url: string): Promise<number> {
  const queue = new Queue("pictures", { connection: { url }, prefix: "gradcam" });
  const jobs = (await queue.getJobs(["active", "waiting"])).filter(Boolean).slice(0, 5);
  for (const job of jobs) await queue.add(job.name, job.data, { ...job.opts, jobId: `${job.id}-again` });
  await queue.close();
  return jobs.length;
}

test("figures survive everything", { timeout: 180_000 * scale }, async () => {
  const fleet = await Fleet.of(count);
  const undisturbed = await fleet.figures("calm", "", "--workers", "1");
  expect(undisturbed.examined).toBe(count - 1);

  fleet.delay = 20;
  const url = redis.url();
  const evaluation = fleet.evaluation("chaos", "", "--queue", url);
  const [first, second] = [await fleet.worker(url), await fleet.worker(url)];

  const full = await onFullDisk(evaluation, fleet.folder, 400 * scale);
  expect(full).toMatchObject({ code: 2, stderr: expect.stringMatching(/^gradcam: cannot write [^\n]+\n$/) });

  const interrupted = start(evaluation, fleet.folder);
  await fleet.fetched(15 * scale);
  first.process.kill("SIGKILL");
  const third = await fleet.worker(url);
  expect(await duplicate(url)).toBeGreaterThan(0);
  await fleet.fetched(15 * scale);
  await redis.restart(300);
  await fleet.fetched(15 * scale);
  interrupted.process.kill("SIGKILL");
  await interrupted.ended;

  const resumed = gradcam(evaluation, fleet.folder);
  await fleet.fetched(10 * scale);
  third.process.kill("SIGTERM");
  expect((await third.ended).code).toBe(0);
  await fleet.fetched(5 * scale);
  // Nobody tells of its pictures: its silence does.
  second.process.kill("SIGKILL");
  await fleet.worker(url);
  const { code, stderr } = await resumed;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  expect(fleet.figuresIn("chaos")).toEqual(undisturbed);
  const db = new Database(path.join(fleet.folder, "chaos/results.sqlite"));
  const rows = (table: string) => (db.prepare(`SELECT COUNT(*) AS rows FROM ${table}`).get() as { rows: number }).rows;
  expect({ pictures: rows("picture"), outcomes: rows("outcome") }).toEqual({
    pictures: count,
    outcomes: 2 * (count - 1),
  });
  db.close();
});
