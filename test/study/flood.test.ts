/**
 * @file The served study under somebody who presses "Begin" 100 times a second from one address. `FLOOD_SECONDS=60 npx vitest run
 * test/study/flood.test.ts` presses for a whole minute, and prints the figures of docs/study.md.
 */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { peopleOf } from "../../src/study/answers.ts";
import { Store } from "../../src/study/store.ts";
import { folder } from "../cli/run.ts";
import { madeUp, written } from "./fixtures.ts";
import { flood } from "./flood.ts";
import { Client, serveCommand } from "./serving.ts";

const seconds = Number(process.env.FLOOD_SECONDS ?? 4);

test("an honest participant at another address begins within 10 s, and finishes", { timeout: 120_000 }, async () => {
  // Nine places, as the paper's nine ratings.
  const study = madeUp({ pictures: 20, conditions: ["grad-cam"], trials: 20, ratings: 9 });
  const file = await written(path.join(folder(), "a.study"), study);
  const { url, child } = await serveCommand(file);
  onTestFinished(() => void child.kill());
  const { statuses, stop } = flood(url, 100);
  await sleep(seconds * 250);
  const honest = new Client(url, "127.0.0.2");
  const start = performance.now();
  expect((await honest.begin()).status).toBe(303);
  const began = performance.now() - start;
  expect(began).toBeLessThan(10_000);
  // As slowly as somebody who reads: all the while others press on.
  const waits: number[] = [];
  const pause = (seconds * 500) / 23;
  for (let question = await honest.question(); question; ) {
    await sleep(pause);
    const asked = performance.now();
    const wanted = /please press “([^”]*)”/.exec(question.text)?.[1];
    const { answer } = question.answers.find(({ label }) => label === wanted) ?? question.answers[0];
    expect((await honest.answer(question, answer)).status).toBe(303);
    question = await honest.question();
    waits.push(performance.now() - asked);
  }
  expect((await honest.get("done")).text).toContain("completion code");
  await sleep(Math.max(0, seconds * 1000 - (performance.now() - start) - seconds * 250));
  await stop();
  const store = await Store.read(file);
  const people = peopleOf(store);
  store.close();
  expect(people.filter(({ state }) => state === "counted")).toHaveLength(1);
  // What one address leaves in the file is bounded by time, not by how often it presses.
  expect(people.length).toBeLessThan(9 + 20 + seconds);
  expect(statuses[429]).toBeGreaterThan(statuses[303]);
  console.log(
    `${seconds} s, ${JSON.stringify(statuses)} by status; began in ${began.toFixed(0)} ms, an answer and the next question took ${Math.max(...waits).toFixed(0)} ms at most; ${people.length} participants in the file`,
  );
});
