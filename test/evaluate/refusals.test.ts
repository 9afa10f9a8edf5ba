/** @file A Redis that says no: each way is one line and 2, for the worker as for the coordinator, at the start and in the middle. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { overQueue } from "../../src/evaluate/queue/coordinator.ts";
import { Link } from "../../src/evaluate/queue/link.ts";
import { serve } from "../../src/evaluate/queue/serve.ts";
import { expectMistake } from "../cli/mistake.ts";
import { folder, within } from "../cli/run.ts";
import { freePort, TestRedis } from "./redis.ts";

let redis: TestRedis;
let raw: Redis;
beforeAll(async () => {
  redis = await TestRedis.start();
  raw = new Redis(redis.url());
});
afterEach(async () => {
  await raw.config("SET", "maxmemory", "0");
  await raw.replicaof("NO", "ONE");
  await raw.config("SET", "requirepass", "");
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});

const host = () => redis.url().replace(/^redis:\/\/|\/0$/g, "");

test.each<[string, () => Promise<unknown>, () => string, RegExp]>([
  ["memory full", () => raw.config("SET", "maxmemory", "1"), redis_, /its memory is full \(maxmemory\)/],
  ["a replica", async () => raw.replicaof("127.0.0.1", await freePort()), redis_, /it is read-only, a replica; name/],
  ["a password", () => raw.config("SET", "requirepass", "secret"), redis_, /it wants a password: redis:\/\/:PASS/],
  [
    "another password",
    () => raw.config("SET", "requirepass", "secret"),
    () => `redis://:wrong@${host()}`,
    /it knows no such user and password/,
  ],
  [
    "a user without the right",
    () => raw.acl("SETUSER", "guest", "on", ">guest", "~others:*", "+@all"),
    () => `redis://guest:guest@${host()}`,
    /its user has no right to what a queue does; keys begin with gradcam:/,
  ],
  ["no such database", async () => {}, () => redis.url(99), /it has no database of this number/],
  ["no such host", async () => {}, () => "redis://nowhere.invalid:6379", /no such host; is a Redis server there/],
])("%s", async (_, prepare, url, words) => {
  await prepare();
  const cwd = folder();
  expectMistake(await within(["worker", "--queue", url()], cwd), cwd, words);
  await expect(Link.open(url(), () => {})).rejects.toThrow(words);
});

function redis_(): string {
  return redis.url();
}

test("another server is no Redis, and speaks no TLS", async () => {
  const server = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await expect(Link.open(`rediss://127.0.0.1:${port}`, () => {})).rejects.toThrow(
      /: it speaks no TLS; an address without is redis:\/\/; is a Redis server that speaks TLS there\?$/,
    );
    await expect(Link.open(`redis://127.0.0.1:${port}`, () => {})).rejects.toThrow(
      /^unreachable queue: redis:\/\/127\.0\.0\.1:\d+: [^\n]+; is a Redis server there\?$/,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const work = { source: "scenes:4", sha256: "0", load: {}, methods: ["grad-cam"], metrics: ["sparseness"], seed: 0 };
const samples = [1, 2, 3].map((i) => ({ id: `${i}`, picture: `${i}`, objects: [] }));

test("read-only in the middle: the coordinator ends, the worker says so and waits", { timeout: 60_000 }, async () => {
  const notices: string[] = [];
  const stop = new AbortController();
  const onNotice = (text: string) => notices.push(text);
  const watch = <T>(one: T) => one;
  const ended = serve({
    link: await Link.open(redis.url(3), onNotice),
    concurrency: 1,
    signal: stop.signal,
    onNotice,
    watch,
  });
  await expect.poll(() => notices).toContainEqual(expect.stringContaining("waits for pictures"));
  await raw.replicaof("127.0.0.1", await freePort());
  await expect.poll(() => notices).toContainEqual(expect.stringMatching(/ refuses: it is read-only.*; waiting$/));
  expect(notices.filter((text) => text.includes("read-only"))).toHaveLength(1);
  await expect(overQueue(redis.url(3))(samples, { work, onAnswer: () => {}, onNotice })).rejects.toThrow(/read-only/);
  stop.abort();
  await ended;
});

test("no room in the middle ends the coordinator in one line", async () => {
  const notices: string[] = [];
  const onNotice = (text: string) => notices.push(text);
  const ended = overQueue(redis.url(4))(samples, { work, onAnswer: () => {}, onNotice });
  const failed = expect(ended).rejects.toThrow(/^unreachable queue: .*: its memory is full \(maxmemory\)$/);
  await expect.poll(() => raw.info("keyspace")).toContain("db4");
  await raw.config("SET", "maxmemory", "1");
  await failed;
});

test("a signal that was given before is heard", async () => {
  const signal = AbortSignal.abort();
  const onNotice = () => {};
  await serve({ link: await Link.open(redis.url(5), onNotice), concurrency: 1, signal, onNotice, watch: (one) => one });
  await expect(overQueue(redis.url(5))(samples, { work, signal, onAnswer: () => {}, onNotice })).rejects.toThrow(
    /^cancelled$/,
  );
});
