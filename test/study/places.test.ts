/** @file Places in a study: they are lent, come free again, and nobody takes them all by pressing "Begin". */
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { peopleOf } from "../../src/study/answers.ts";
import { Participation } from "../../src/study/participation.ts";
import type { ServeOptions } from "../../src/study/serve-options.ts";
import { serveStudy } from "../../src/study/server.ts";
import { networkOf, Starts } from "../../src/study/starts.ts";
import { statusOf } from "../../src/study/status.ts";
import { Store } from "../../src/study/store.ts";
import { folder } from "../cli/run.ts";
import { madeUp, type Shape, written } from "./fixtures.ts";
import { flood } from "./flood.ts";
import { Client } from "./serving.ts";

async function stored(shape: Shape): Promise<Store> {
  const store = await Store.open(await written(path.join(folder(), "real.study"), madeUp(shape)));
  onTestFinished(() => store.close());
  return store;
}

async function served(shape: Shape, options: Partial<ServeOptions> = {}) {
  const store = await stored(shape);
  const { url, close } = await serveStudy(store, { host: "127.0.0.1", port: 0, ...options });
  onTestFinished(close);
  return { store, url, from: (address: string) => new Client(url, address) };
}

/** Everybody is asked everything, so it has as many places as ratings. */
const places = (ratings: number): Shape => ({ pictures: 2, conditions: ["grad-cam"], trials: 2, ratings });

const taken = /<h1>All places are taken for now<\/h1>.*come back at <time datetime="([^"]+)">\d\d:\d\d UTC<\/time>/s;

test("nobody is told that a study is complete before it is; who comes too early is told when to come back", async () => {
  const { store, from } = await served(places(2));
  const people = [from("127.0.0.1"), from("127.0.0.2")];
  for (const one of people) expect((await one.begin()).location).toBe("instructions");
  const early = from("127.0.0.3");
  const page = await early.begin();
  expect(page.status).toBe(503);
  const [, at] = taken.exec(page.text) ?? [];
  const [first] = store
    .participants()
    .map(({ seen }) => seen)
    .sort();
  expect(Date.parse(at) - first).toBeGreaterThanOrEqual(600e3);
  expect(Date.parse(at) - first).toBeLessThan(670e3);
  expect(Math.abs(Number(page.headers.get("retry-after")) * 1000 - (Date.parse(at) - Date.now()))).toBeLessThan(5000);
  expect(early.cookie).toBe("");
  for (const one of people) await one.finish();
  const late = await early.begin();
  expect([late.status, late.text]).toEqual([200, expect.stringContaining("The study is complete")]);
  expect(statusOf(store).ratings).toEqual({ done: 4, wanted: 4 });
});

test("a place without an answer is free after a while; its holder gets one again, or is told, and loses nothing", async () => {
  const { store, from } = await served(places(1), { idle: 1000 });
  const first = from("127.0.0.1");
  await first.begin();
  const second = from("127.0.0.2");
  expect((await second.begin()).status).toBe(503);
  // Seldom enough that nobody takes it for a press on the button that never ends.
  await expect.poll(async () => (await second.begin()).status, { interval: 400 }).toBe(303);
  const lost = await first.get("next");
  expect(lost.status).toBe(503);
  expect(lost.text).toContain("your place was given to someone else");
  expect(lost.text).toMatch(taken);
  // Whoever lost the place while others do nothing either has it again, with the same cookie.
  await expect.poll(async () => (await first.get("next")).status).toBe(200);
  expect(store.participants()).toHaveLength(2);
  expect((await second.get("next")).status).toBe(503);
  // An answer that comes late is an answer, and whoever has given one goes on.
  await expect.poll(async () => (await second.get("next")).status).toBe(200);
  const shown = (await second.question())!;
  await expect.poll(async () => (await first.get("next")).status).toBe(200);
  expect((await second.answer(shown, 0)).status).toBe(303);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(await second.finish()).toMatch(/^[0-9A-Z]{10}$/);
  expect((await first.get("next")).text).toContain("The study is complete");
  const people = peopleOf(store);
  expect(people.map(({ state }) => state).sort()).toEqual(["counted", "unfinished"]);
  expect(people.flatMap(({ ratings }) => ratings)).toHaveLength(2);
});

test("who answered everything is counted, whether or not the last page was seen", async () => {
  const store = await stored(places(1));
  let now = 1e9;
  const participation = new Participation(store, () => now);
  const secret = participation.begin()!;
  for (let at = participation.standing(secret)!; at.next; at = participation.standing(secret)!)
    participation.answer(at, at.next.position, participation.item(at.next).right ?? 0);
  now += 24 * 3600e3;
  expect(participation.begin()).toBeUndefined();
  expect(participation.openings()).toEqual({ complete: true });
});

test("who began a day ago and never answered is forgotten; who answered is not", async () => {
  const store = await stored(places(9));
  let now = 1e9;
  const participation = new Participation(store, () => now);
  participation.begin("silent");
  const answering = participation.standing(participation.begin("answering"))!;
  participation.answer(answering, 0, 0);
  now += 25 * 3600e3;
  participation.begin("new");
  expect(store.participants().map(({ id }) => id)).toEqual(["answering", "new"]);
  expect(store.places("silent")).toEqual([]);
});

test("starts of an address grow back with time and with answers, and are of a network in IPv6", () => {
  let now = 0;
  const starts = new Starts(() => now);
  const begin = (address: string) => starts.take(address) === undefined;
  const begun = Array.from({ length: 100 }, () => begin("192.0.2.1")).filter(Boolean).length;
  expect(begun).toBeGreaterThanOrEqual(9);
  expect(begun).toBeLessThan(40);
  const next = starts.take("192.0.2.1")!;
  expect(begin("192.0.2.2")).toBe(true);
  now = next - 1;
  expect(begin("192.0.2.1")).toBe(false);
  now = next;
  expect(begin("192.0.2.1")).toBe(true);
  expect(begin("192.0.2.1")).toBe(false);
  starts.begun("somebody", "192.0.2.1");
  starts.answered("somebody");
  starts.answered("somebody");
  expect(begin("192.0.2.1")).toBe(true);
  expect(begin("192.0.2.1")).toBe(false);
});

test.each([
  ["2001:db8:1:2:3:4:5:6", "2001:0DB8:0001:0002::1", true],
  ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
  ["2001:db8::1", "2001:db8:0:0:ffff::", true],
  ["::1", "::2", true],
  ["64:ff9b::192.0.2.1", "64:ff9b::1", true],
  ["fe80::1%eth0", "fe80::2", true],
  ["::ffff:192.0.2.1", "192.0.2.1", true],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
  ["192.0.2.1:4711", "192.0.2.1:4712", true],
  ["[2001:db8::1]:4711", "2001:db8::2", true],
  ["192.0.2.1", "192.0.2.2", false],
])("%s and %s are one network: %s", (a, b, one) => {
  expect(networkOf(a) === networkOf(b)).toBe(one);
});

test.each([1, 2, 9])("in a study of %s places one address presses on; others begin and finish", async (ratings) => {
  const { store, url, from } = await served(places(ratings));
  const { statuses, stop } = flood(url, 100);
  await expect.poll(() => statuses[429]).toBeGreaterThan(0);
  expect(statuses[503]).toBeGreaterThan(0);
  expect(store.participants()).toHaveLength(ratings);
  const honest = from("127.0.0.2");
  const begun = await honest.begin();
  // The last place of all is whose it is; of two, one is another's.
  expect(begun.status).toBe(ratings === 1 ? 503 : 303);
  if (ratings > 1) {
    await honest.question();
    const until = statuses[429] + 30;
    await expect.poll(() => statuses[429]).toBeGreaterThan(until);
    expect(await honest.finish()).toMatch(/^[0-9A-Z]{10}$/);
  }
  await stop();
  expect(Object.keys(statuses).sort()).toEqual(["303", "429", "503"]);
  expect(peopleOf(store).filter(({ state }) => state === "counted")).toHaveLength(ratings > 1 ? 1 : 0);
});

test("through a proxy addresses are those that it tells of, if it is trusted, and only then", async () => {
  const behind = (n: number) => ({ "x-forwarded-for": `198.51.100.1, 203.0.113.${n}` });
  const press = async (url: string) => {
    const statuses: number[] = [];
    for (let n = 0; n < 60; n++)
      statuses.push((await new Client(url).post("begin", { agree: "yes" }, behind(n))).status);
    return statuses;
  };
  const seen: string[] = [];
  const plain = await served(places(200), { onProxy: () => seen.push("seen") });
  expect(await press(plain.url)).toContain(429);
  expect(seen).toEqual(["seen"]);
  const trusting = await served(places(200), { trustProxy: ["127.0.0.0/8"], onProxy: () => seen.push("again") });
  expect(new Set(await press(trusting.url))).toEqual(new Set([303]));
  expect(seen).toEqual(["seen"]);
});
