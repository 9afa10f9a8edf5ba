/** @file What the coordinator makes of workers that answer in part, twice, wrongly or not at all: real Redis and BullMQ, workers played by the test. */
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import type { Answer } from "../../src/evaluate/examination.ts";
import { overQueue } from "../../src/evaluate/queue/coordinator.ts";
import { type Report, type Shard, version } from "../../src/evaluate/queue/shard.ts";
import type { Sample } from "../../src/evaluate/sample.ts";
import { freePort, TestRedis } from "./redis.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());

const samples = (count: number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${i}`, picture: `${i}.png`, objects: [] }));
const work = { source: "/set", sha256: "", load: {}, methods: [], metrics: [], seed: 0 };
const answer = ({ id }: Sample): Answer => ({ id, seconds: 0, error: `seen ${id}` });
const report = (answers: readonly Answer[], its = version): Report => ({ version: its, worker: "test", answers });

let databases = 0;
/** A queue of its own (tests run at once: what ends with one is told to its own context), in which this worker serves. */
function play({ onTestFinished }: TestContext, act?: (job: Job<Shard>) => Promise<Report>) {
  const url = redis.url(databases++);
  const options = { connection: { url, maxRetriesPerRequest: null }, prefix: "gradcam" };
  if (act) {
    const worker = new Worker<Shard, Report>("pictures", act, { ...options, concurrency: 8 });
    worker.on("error", () => {});
    onTestFinished(() => worker.close(true));
  }
  const queue = new Queue<Shard, Report>("pictures", options);
  const raw = new Redis(url);
  onTestFinished(async () => {
    await queue.close();
    raw.disconnect();
  });
  return { url, queue, raw };
}

/** All answers by their picture, in the order in which they came, and what was said. */
async function examine(url: string, count: number, signal?: AbortSignal) {
  const answers: Answer[] = [];
  const notices: string[] = [];
  await overQueue(url)(samples(count), {
    ...{ work, signal },
    onAnswer: (one) => answers.push(one),
    onNotice: (text) => notices.push(text),
  });
  return { answers, notices, ids: answers.map(({ id }) => Number(id)).sort((a, b) => a - b) };
}
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.concurrent("the coordinator", () => {
  test("asks again for what a worker gave back, and leaves nothing in the queue", async (context) => {
    const sizes: number[] = [];
    const { url, queue } = play(context, async ({ data }) => {
      sizes.push(data.samples.length);
      return report(data.samples.slice(0, 2).map(answer));
    });
    const { ids, notices } = await examine(url, 700);
    expect(ids).toEqual(all(700));
    expect(notices).toEqual([]);
    expect(sizes[0]).toBe(11);
    expect(Math.max(...sizes)).toBe(11);
    const counts = await queue.getJobCounts();
    expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(0);
  });

  test("takes one answer of each picture, however often it comes, and none that it did not ask for", async (context) => {
    const { url, queue } = play(context, async ({ id, data, name, opts }) => {
      if (!id?.startsWith("twice")) await queue.add(name, data, { ...opts, jobId: `twice-${id}` });
      return report([...data.samples.map(answer), ...data.samples.map(answer), answer(samples(999)[998])]);
    });
    const { ids } = await examine(url, 40);
    expect(ids).toEqual(all(40));
  });

  test("refuses what another version computed", async (context) => {
    let lies = 0;
    const { url } = play(context, async ({ data }) =>
      lies++ === 0 ? report(data.samples.map(answer), "9.9.9") : report(data.samples.map(answer)),
    );
    const { ids, notices } = await examine(url, 3);
    expect(ids).toEqual(all(3));
    expect(notices).toEqual([
      `refused the results of worker test: it is gradcam 9.9.9, the evaluation is of ${version}`,
    ]);
  });

  test("asks again where a worker returned nothing", async (context) => {
    let times = 0;
    const { url } = play(context, async ({ data }) =>
      times++ === 0 ? (null as never) : report(data.samples.map(answer)),
    );
    const { ids, notices } = await examine(url, 3);
    expect(ids).toEqual(all(3));
    expect(notices).toEqual([
      `refused the results of worker unknown: it is gradcam of an unknown version, the evaluation is of ${version}`,
    ]);
  });

  test("sets a picture apart over which worker after worker falls silent, and no other", async (context) => {
    const tried: string[] = [];
    const { url, raw } = play(context, async ({ id, data }) => {
      if (data.samples.every((sample) => sample.id !== "77")) return report(data.samples.map(answer));
      tried.push(data.samples.map((sample) => sample.id).join());
      // As BullMQ marks a job whose worker fell silent, without the wait.
      await raw.hset(`gradcam:pictures:${id}`, { stc: 1 });
      throw Object.assign(new Error("job stalled more than allowable limit"), { name: "UnrecoverableError" });
    });
    const { ids, answers } = await examine(url, 130);
    expect(ids).toEqual(all(130));
    expect(tried).toEqual(["75,76,77", "77", "77"]);
    expect(answers.filter(({ id }) => id === "77")).toEqual([
      { id: "77", seconds: 0, error: "2 workers fell silent while examining it alone" },
    ]);
  });

  test("tries again elsewhere what a worker could not, says so, and ends when nobody can", async (context) => {
    let tries = 0;
    const { url } = play(context, async () => {
      tries++;
      throw new Error("missing model: /nowhere.onnx: no such file (on worker test)");
    });
    await expect(examine(url, 1)).rejects.toThrow("missing model: /nowhere.onnx: no such file (on worker test)");
    expect(tries).toBe(4);
  });

  test("sends again what Redis forgot", async (context) => {
    let forgotten = 0;
    const { url, raw } = play(context, async ({ data }) => {
      if (forgotten === 0) {
        forgotten = await raw.dbsize();
        await raw.flushdb();
      }
      return report(data.samples.map(answer));
    });
    expect((await examine(url, 64)).ids).toEqual(all(64));
    expect(forgotten).toBeGreaterThan(64);
  });

  test("says that nobody works, waits, and can be cancelled", async (context) => {
    const { url, queue } = play(context);
    const stop = new AbortController();
    const notices: string[] = [];
    const ended = overQueue(url)(samples(3), {
      ...{ work, signal: stop.signal },
      onAnswer: () => {},
      onNotice: (text) => {
        notices.push(text);
        stop.abort();
      },
    });
    await expect(ended).rejects.toThrow("cancelled");
    expect(notices).toEqual([`no worker serves ${url}; waiting: gradcam worker --queue ${url}`]);
    expect(await queue.getWaitingCount()).toBe(0);
  });

  test("ends with the error of whoever keeps the answers", async (context) => {
    const { url } = play(context, async ({ data }) => report(data.samples.map(answer)));
    const full = overQueue(url)(samples(3), {
      work,
      onAnswer: () => {
        throw new Error("disk full");
      },
      onNotice: () => {},
    });
    await expect(full).rejects.toThrow("disk full");
  });

  test("does not wait for a queue that is not there, and shows no password", async () => {
    const port = await freePort();
    await expect(examine(`redis://:secret@127.0.0.1:${port}`, 1)).rejects.toThrow(
      `unreachable queue: redis://127.0.0.1:${port}: ECONNREFUSED; is a Redis server there?`,
    );
    for (const url of ["localhost:6379", "http://localhost", "redis://"])
      await expect(examine(url, 1)).rejects.toThrow(`invalid --queue: "${url}"; expected redis://host:port`);
  });
});
