/** @file `gradcam evaluate --queue` and `gradcam worker` as people run them. */
import path from "node:path";
import { Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Shard, version } from "../../src/evaluate/queue/shard.ts";
import { expectMistake } from "../cli/mistake.ts";
import { folder, within } from "../cli/run.ts";
import { Fleet } from "./fleet.ts";
import { freePort, TestRedis } from "./redis.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());

// Three evaluations and three workers, as processes.
test("figures are the same by the pool and by 3 workers and 1, in another order, with the model from an address", {
  timeout: 180_000,
}, async () => {
  const fleet = await Fleet.of(24);
  const url = redis.url(0);
  const [port, own] = [await freePort(), await freePort()];
  const [pool, first, ...others] = await Promise.all([
    fleet.figures("pool", "", "--workers", "1"),
    fleet.worker(url, "--metrics-port", String(port)),
    ...[1, 2].map(() => fleet.worker(url)),
  ]);
  expect(pool).toMatchObject({ examined: 23, failures: [{ id: "7.png" }] });
  expect(await fleet.figures("three", "", "--queue", url, "--metrics-port", String(own))).toEqual(pool);

  const stop = async (worker = first) => {
    worker.process.kill("SIGTERM");
    expect(await worker.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^gradcam: worker [^\n]+\n$/) });
  };
  await Promise.all(others.map(stop));
  const net = ["--model", fleet.address("net.onnx")];
  expect(await fleet.figures("one", "turned", "--queue", url, ...net)).toEqual(pool);

  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const number = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(metrics)?.[1]);
  // The last evaluation was its alone.
  expect(number('gradcam_pictures_total{outcome="done"}')).toBeGreaterThanOrEqual(23);
  expect(number('gradcam_pictures_total{outcome="failed"}')).toBeGreaterThanOrEqual(1);
  expect(number("gradcam_picture_seconds_count")).toBeGreaterThanOrEqual(24);
  expect(number("gradcam_picture_seconds_sum")).toBeGreaterThan(0);
  expect(number("gradcam_pictures_in_flight")).toBe(0);
  await stop();
});

test("a worker computes with no other model, for no coordinator that has ended, and for no other version", async () => {
  const fleet = await Fleet.of(1);
  const url = redis.url(1);
  const worker = await fleet.worker(url);
  const options = { connection: { url }, prefix: "gradcam" };
  const queue = new Queue<Shard>("pictures", options);
  const events = new QueueEvents("pictures", { ...options, lastEventId: "0-0" });
  const work = {
    ...{ source: fleet.address(""), model: path.join(fleet.folder, "net.onnx"), sha256: "0000" },
    ...{ load: {}, methods: ["grad-cam"], metrics: ["sparseness"], seed: 0 },
  };
  const shard: Shard = { version, run: "test", work, samples: [{ id: "0.png", picture: "0.png", objects: [] }] };
  const comesTo = async (data: Shard) => (await queue.add("shard", data)).waitUntilFinished(events, 30_000);
  try {
    expect(await comesTo(shard)).toMatchObject({ version, answers: [] });
    const raw = new Redis(url);
    await raw.set("gradcam:run:test", "lives");
    raw.disconnect();
    await expect(comesTo(shard)).rejects.toThrow(
      /^invalid model: .*net\.onnx has SHA-256 [0-9a-f]{64}, the evaluation's has 0000 \(on worker .*\)$/,
    );
    await queue.add("shard", { ...shard, version: "9.9.9" });
    const { code, stderr } = await worker.ended;
    expect(stderr.split("\n").slice(1)).toEqual([
      expect.stringContaining("the evaluation's has 0000"),
      `gradcam: invalid queue: ${url} holds pictures for gradcam 9.9.9, this is ${version}; install the same`,
      "",
    ]);
    expect(code).toBe(2);
    // It is still there for a worker of its version.
    expect(await queue.getDelayedCount()).toBe(1);
  } finally {
    await events.close();
    await queue.close();
  }
});

test("mistakes", async () => {
  const cwd = folder();
  const wrong = async (words: string | RegExp, ...args: string[]) => expectMistake(await within(args, cwd), cwd, words);
  const port = await freePort();
  await wrong('invalid --queue: "somewhere"; expected redis://host:port', "worker", "--queue", "somewhere");
  await wrong("ECONNREFUSED; is a Redis server there", "worker", "--queue", `redis://127.0.0.1:${port}`);
  await wrong(
    /'--metrics-port <port>' argument '0' is invalid/,
    "worker",
    "--queue",
    redis.url(),
    "--metrics-port",
    "0",
  );
  await wrong(
    "option '--queue <address>' cannot be used with option '--workers <count>'",
    ...[...["evaluate", "set", "--metrics", "deletion", "--queue", redis.url(), "--workers", "2"]],
  );
});
