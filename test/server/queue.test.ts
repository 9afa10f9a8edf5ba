/** @file The queue: order, shared runs, fair shares, leaving. */
import { expect, test } from "vitest";
import { type Lane, Queue } from "../../src/server/queue.ts";

/** A lane whose runs end when the test says so. */
function lane() {
  const runs: { jobs: readonly string[]; end: (error?: Error) => void }[] = [];
  const cancelled: string[] = [];
  const made: Lane<string, string> = {
    run: (jobs) =>
      new Promise((resolve, reject) => {
        runs.push({ jobs, end: (error) => (error ? reject(error) : resolve(jobs.map((job) => job.toUpperCase()))) });
      }),
    cancel: (job) => cancelled.push(job),
  };
  return { made, runs, cancelled };
}
const queue = (batch = 4) => new Queue<string, string>({ key: (job) => job[0], batch });
const { signal } = new AbortController();
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the first runs at once and alone; those that came meanwhile share a run, of one kind, in their order", async () => {
  const q = queue();
  const { made, runs } = lane();
  q.add(made);
  const answers = ["a1", "a2", "b1", "a3"].map((job) => q.submit(job, signal));
  expect(runs.map(({ jobs }) => jobs)).toEqual([["a1"]]);
  expect(q.waiting).toBe(3);
  runs[0].end();
  await turn();
  expect(runs[1].jobs).toEqual(["a2", "a3"]);
  runs[1].end();
  await turn();
  expect(runs[2].jobs).toEqual(["b1"]);
  runs[2].end();
  expect(await Promise.all(answers)).toEqual(["A1", "A2", "B1", "A3"]);
});

test("a run has at most so many jobs, and lanes share what waits", async () => {
  const q = queue(3);
  const [one, two] = [lane(), lane()];
  for (let i = 0; i < 10; i++) void q.submit(`a${i}`, signal);
  q.add(one.made);
  q.add(two.made);
  expect(one.runs[0].jobs).toEqual(["a0", "a1", "a2"]);
  expect(two.runs[0].jobs).toEqual(["a3", "a4", "a5"]);
  one.runs[0].end();
  await turn();
  expect(one.runs[1].jobs).toEqual(["a6", "a7"]);
});

test("who leaves is told at once: from the queue, or in a run, whose lane hears of it", async () => {
  const q = queue();
  const { made, runs, cancelled } = lane();
  q.add(made);
  const [runner, waiter] = [new AbortController(), new AbortController()];
  const answers = [q.submit("a1", runner.signal), q.submit("a2", waiter.signal), q.submit("a3", signal)];
  waiter.abort();
  await expect(answers[1]).rejects.toMatchObject({ code: "cancelled" });
  expect(q.waiting).toBe(1);
  runner.abort();
  await expect(answers[0]).rejects.toMatchObject({ code: "cancelled" });
  expect(cancelled).toEqual(["a1"]);
  expect(runs).toHaveLength(1); // the lane is not free before its run ends
  runs[0].end();
  await turn();
  expect(runs[1].jobs).toEqual(["a3"]);
  await expect(q.submit("a4", AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
});

test("a run that fails fails its jobs alone, and a lane that is gone gets no more", async () => {
  const q = queue();
  const { made, runs } = lane();
  q.add(made);
  const first = q.submit("a1", signal);
  const second = q.submit("a2", signal);
  q.remove(made);
  runs[0].end(new Error("died"));
  await expect(first).rejects.toThrow("died");
  expect([runs.length, q.lanes, q.waiting]).toEqual([1, 0, 1]);
  const other = lane();
  q.add(other.made);
  other.runs[0].end();
  expect(await second).toBe("A2");
});

test("the time that jobs will take grows with their number and falls with the lanes", () => {
  const q = queue();
  q.add(lane().made);
  const one = q.secondsFor(10);
  q.add(lane().made);
  expect(one).toBeGreaterThan(0);
  expect(q.secondsFor(10)).toBeCloseTo(one / 2);
  expect(q.secondsFor(20)).toBeCloseTo(one);
});

test("long jobs run alone and leave a lane for the others, wherever there are two", async () => {
  const q = new Queue<string, string>({
    key: (job) => (job[0] === "L" ? job : job[0]),
    batch: 4,
    long: (job) => job[0] === "L",
  });
  const { signal } = new AbortController();
  const lanes = [lane(), lane()];
  const runs = () => lanes.map(({ runs }) => runs.map(({ jobs }) => jobs.join()));
  for (const { made } of lanes) q.add(made);
  const answers = ["L1", "L2", "a1", "L3", "a2"].map((job) => q.submit(job, signal));
  expect(runs()).toEqual([["L1"], ["a1"]]);
  lanes[1].runs[0].end();
  await turn();
  expect(runs()).toEqual([["L1"], ["a1", "a2"]]);
  lanes[1].runs[1].end();
  await turn();
  expect(runs()).toEqual([["L1"], ["a1", "a2"]]); // the second lane waits for what is short
  lanes[0].runs[0].end();
  await turn();
  expect(runs().flat().sort()).toEqual(["L1", "L2", "a1", "a2"]);
  // One lane takes what comes.
  q.remove(lanes.find(({ runs }) => runs.some(({ jobs }) => jobs[0] === "L2"))?.made as Lane<string, string>);
  await turn();
  expect(runs().flat().sort()).toEqual(["L1", "L2", "L3", "a1", "a2"]);
  for (const { runs } of lanes) for (const { end } of runs) end();
  expect(await Promise.all(answers)).toEqual(["L1", "L2", "A1", "L3", "A2"]);
});

test("who waits is refused where no lane will come", async () => {
  const q = queue();
  const answers = ["a1", "b1"].map((job) => q.submit(job, signal));
  q.refuse(new Error("away"));
  for (const answer of answers) await expect(answer).rejects.toThrow("away");
  expect(q.waiting).toBe(0);
});
