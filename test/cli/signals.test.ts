/** @file Ctrl-C: heard at every moment, also while JavaScript computes; a second one ends what finishes its work at the first. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Fleet } from "../evaluate/fleet.ts";
import { TestRedis } from "../evaluate/redis.ts";
import { filesIn, folder, repository, start } from "./run.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// 20,000 scenes take minutes: what is not heard runs into the test's limit. Before a process listens it has the default, an end by the signal.
test("evaluate ends at Ctrl-C, whenever it comes", async () => {
  const model = path.join(repository, "models/scenes-shortcut/biased");
  const args = ["scenes:20000", "--model", model, "--metrics", "pointing-game,deletion", "--out", "out"];
  const cwds = [100, 600, 1100, 2000, 3500].map((after) => ({ after, cwd: folder() }));
  const ends = cwds.map(async ({ after, cwd }) => {
    const running = start(["evaluate", ...args], cwd);
    await pause(after);
    running.process.kill("SIGINT");
    return { ...(await running.ended), figures: existsSync(path.join(cwd, "out/figures.json")) };
  });
  for (const { code, stderr, figures } of await Promise.all(ends)) {
    expect([130, null]).toContain(code);
    expect({ stderr, figures }).toEqual({ stderr: "", figures: false });
  }
});

/** An answerer whose tokenizer never comes to an end. */
function endless(cwd: string): string[] {
  cpSync(path.join(repository, "models/scenes-answerer"), path.join(cwd, "answerer"), { recursive: true });
  const file = path.join(cwd, "answerer/tokenizer.json");
  const tokenizer = JSON.parse(readFileSync(file, "utf8"));
  tokenizer.normalizer = { type: "Replace", pattern: { Regex: "(a+)+$" }, content: "x" };
  writeFileSync(file, JSON.stringify(tokenizer));
  const picture = path.join(repository, "examples/images/scene.png");
  return ["ask", picture, `what ${"a".repeat(60)}!`, "--model", "answerer"];
}

test("Ctrl-C and SIGTERM end a pattern that never matches", async () => {
  const ends = (["SIGINT", "SIGTERM"] as const).map(async (signal) => {
    const cwd = folder();
    const running = start(endless(cwd), cwd);
    await pause(4000);
    expect(running.process.exitCode).toBeNull();
    running.process.kill(signal);
    const ended = await running.ended;
    expect(filesIn(cwd).filter((name) => !name.startsWith("answerer/"))).toEqual([]);
    return ended;
  });
  const quiet = { stdout: "", stderr: "" };
  expect(await Promise.all(ends)).toEqual([
    { code: 130, ...quiet },
    { code: null, ...quiet },
  ]);
});

test("a worker finishes what it has at hand at the first signal, and ends at the second", async () => {
  const redis = await TestRedis.start();
  try {
    const fleet = await Fleet.of(4);
    fleet.delay = 20_000;
    const worker = await fleet.worker(redis.url());
    const evaluation = start(fleet.evaluation("out", "", "--queue", redis.url()), fleet.folder);
    await fleet.fetched(1);
    worker.process.kill("SIGINT");
    await pause(1000);
    expect(worker.process.exitCode).toBeNull();
    worker.process.kill("SIGINT");
    expect((await worker.ended).code).toBe(130);
    evaluation.process.kill("SIGTERM");
    expect((await evaluation.ended).code).toBe(130);
  } finally {
    await redis.stop();
  }
});
