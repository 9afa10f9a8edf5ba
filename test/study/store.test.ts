/** @file What the file of a study guarantees: people and synthetic participants never mix, answers stay, a killed server loses none. */
import { readFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { analyse } from "../../src/study/analysis.ts";
import { peopleOf } from "../../src/study/answers.ts";
import { exported } from "../../src/study/export.ts";
import { reportPage } from "../../src/study/pages/report.ts";
import { Participation } from "../../src/study/participation.ts";
import { serveStudy } from "../../src/study/server.ts";
import { simulate } from "../../src/study/simulate.ts";
import { Store } from "../../src/study/store.ts";
import { filesIn, folder } from "../cli/run.ts";
import { madeUp, written } from "./fixtures.ts";
import { Client, readsQuestions, serveCommand } from "./serving.ts";

const effects = { "guided-backprop": 0.4, "guided-grad-cam": 0.7 };
const population = { effects, people: 0.5, items: 0.5, seed: 1 };

test("a simulated study is full, marked everywhere, and takes no people", async () => {
  const directory = folder();
  const real = await Store.open(await written(path.join(directory, "real.study"), madeUp({ pictures: 12, trials: 8 })));
  const out = path.join(directory, "tried.study");
  await simulate(real, { ...population, careless: 0.2, out });
  expect(real.participants()).toEqual([]);
  real.close();

  const tried = await Store.open(out);
  const people = peopleOf(tried);
  const { synthetic, items, participants, means } = analyse(tried.study, tried.origin, people);
  expect(synthetic).toBe(true);
  expect(items.enough).toBe(items.of);
  expect(participants["missed a check"]).toBeGreaterThan(0);
  expect(means.every(({ both }) => both.count === 12 * 9)).toBe(true);
  expect(people.every(({ id }) => id.startsWith("synthetic-"))).toBe(true);
  const { answers, codes } = exported(tried);
  expect(answers.every((row) => row.synthetic === true)).toBe(true);
  expect(codes).toHaveLength(people.length);
  expect(reportPage(tried.study, analyse(tried.study, tried.origin, people))).toContain("Synthetic data");
  await expect(serveStudy(tried, { host: "127.0.0.1", port: 0 })).rejects.toThrow(/holds synthetic answers/);
  tried.close();
  await expect(Store.create(out, madeUp(), [])).rejects.toThrow(/it exists/);
});

test("not even with SQL: origins, the study and answers stay", async () => {
  const file = await written(path.join(folder(), "real.study"), madeUp());
  const store = await Store.open(file);
  const participation = new Participation(store);
  const standing = participation.standing(participation.begin())!;
  participation.answer(standing, 0, 1);
  store.close();
  const db = new Database(file);
  const insert = "INSERT INTO participant VALUES ('x', 'synthetic', 's', NULL, 0, 0, NULL)";
  for (const [sql, words] of [
    [insert, /do not mix/],
    ["UPDATE participant SET origin = 'synthetic'", /do not mix/],
    ["UPDATE study SET value = 'synthetic' WHERE key = 'origin'", /a study does not change/],
    ["DELETE FROM study WHERE key = 'origin'", /a study does not change/],
    ["INSERT INTO study VALUES ('more', '')", /a study does not change/],
    ["UPDATE slot SET answer = 0 WHERE position = 0", /an answer does not change/],
  ] as const)
    expect(() => db.exec(sql), sql).toThrow(words);
  db.close();
});

test("somebody who stays away, or misses a check, leaves the items to others; who comes back goes on", async () => {
  const store = await Store.open(
    await written(
      path.join(folder(), "real.study"),
      madeUp({ ratings: 1, pictures: 1, conditions: ["grad-cam"], trials: 1 }),
    ),
  );
  let now = 1e6;
  const participation = new Participation(store, () => now);
  const first = participation.begin()!;
  expect(participation.begin()).toBeUndefined();
  now += 3 * 3600e3;
  const second = participation.begin()!;
  expect(second).toBeDefined();
  const answerAll = (secret: string, reads: boolean) => {
    for (let at = participation.standing(secret)!; at.next; at = participation.standing(secret)!) {
      const { right = 0, role } = participation.item(at.next);
      participation.answer(at, at.next.position, role === "check" && !reads ? 1 - right : right);
    }
    participation.finish(participation.standing(secret)!);
  };
  answerAll(second, false);
  const third = participation.begin()!;
  answerAll(third, true);
  expect(participation.begin()).toBeUndefined();
  answerAll(first, true);
  expect(
    peopleOf(store)
      .map(({ state }) => state)
      .sort(),
  ).toEqual(["counted", "counted", "missed a check"]);
  store.close();
});

test("kill -9 in the middle loses no acknowledged answer, and everybody goes on where they were", async () => {
  const file = await written(path.join(folder(), "real.study"), madeUp({ pictures: 30, trials: 30, ratings: 9 }));
  const acknowledged = new Map<string, number>();
  let { url, child } = await serveCommand(file);
  const clients = Array.from({ length: 4 }, () => new Client(url));
  for (const client of clients) await client.begin();
  const cookies = clients.map(({ cookie }) => cookie);
  for (let round = 0; round < 3; round++) {
    const before = acknowledged.size;
    const work = cookies.map(async (cookie) => {
      const client = new Client(url);
      client.cookie = cookie;
      try {
        for (let question = await client.question(); question; question = await client.question()) {
          const answer = readsQuestions(question);
          const { status } = await client.answer(question, answer);
          if (status === 303) acknowledged.set(`${cookie} ${question.position}`, answer);
        }
      } catch {
        // The server is gone.
      }
    });
    await expect.poll(() => acknowledged.size, { interval: 1 }).toBeGreaterThan(before + 15);
    child.kill("SIGKILL");
    await Promise.all(work);
    ({ url, child } = await serveCommand(file));
  }
  expect(acknowledged.size).toBeGreaterThan(45);
  expect(acknowledged.size).toBeLessThan(4 * 33); // it was in the middle
  const store = await Store.open(file);
  const participation = new Participation(store);
  for (const [key, answer] of acknowledged) {
    const [cookie, position] = key.split(" ");
    expect(participation.standing(cookie.split("=")[1])?.places[Number(position)].answer, key).toBe(answer);
  }
  store.close();
  const client = new Client(url);
  client.cookie = cookies[0];
  expect(await client.finish()).toMatch(/^[0-9A-Z]{10}$/);
  child.kill();
});

test("the file knows nothing of who took part", async () => {
  const file = await written(path.join(folder(), "real.study"), madeUp());
  const { url, child } = await serveCommand(file);
  const client = new Client(url);
  await client.post("begin?PROLIFIC_PID=somebody", { agree: "yes" }, { "user-agent": "a-rare-browser" });
  await client.finish();
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(filesIn(path.dirname(file))).toEqual(["real.study"]);
  const bytes = readFileSync(file).toString("latin1");
  for (const word of ["127.0.0.1", "a-rare-browser", "somebody", client.cookie.split("=")[1]])
    expect(bytes.includes(word), word).toBe(false);
});
