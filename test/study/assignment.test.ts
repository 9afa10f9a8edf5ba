/** @file Who judges what: balanced, random, and nothing twice. */
import { expect, test } from "vitest";
import { randomFor } from "../../src/array/random.ts";
import { assign, sequence } from "../../src/study/assignment.ts";
import { itemsOf } from "../../src/study/study.ts";
import { madeUp } from "./fixtures.ts";

const conditions = ["a", "b", "c"];
const random = randomFor("assignment");

test("all items get their ratings, evenly on the way; nobody sees a picture twice", () => {
  const study = madeUp({ pictures: 24, conditions, trials: 12, ratings: 9 });
  const counts = new Map<string, number>();
  const items = itemsOf(study, "trial");
  let people = 0;
  for (let trials = assign(study, counts, random); trials.length; trials = assign(study, counts, random)) {
    people++;
    expect(new Set(trials.map((item) => item.picture)).size).toBe(trials.length);
    for (const { id } of trials) counts.set(id, (counts.get(id) ?? 0) + 1);
    const all = items.map(({ id }) => counts.get(id) ?? 0);
    expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(2);
    if (people <= 48)
      for (const condition of conditions) {
        const own = trials.filter((item) => item.condition === condition).length;
        expect(Math.abs(own - 4), `person ${people}`).toBeLessThanOrEqual(3);
      }
  }
  expect([...counts.values()]).toEqual(items.map(() => 9));
  expect(people).toBeGreaterThanOrEqual((24 * 3 * 9) / 12);
  expect(people).toBeLessThan(70);
});

test("practice comes first, checks lie among the trials, and every order is as likely as another", () => {
  const study = madeUp({ pictures: 10, conditions, trials: 10, practice: 2, checks: 2 });
  const roles = new Map(study.items.map(({ id, role }) => [id, role]));
  const turned = [0, 0];
  const places = new Set<number>();
  for (let n = 0; n < 400; n++) {
    const slots = sequence(study, assign(study, new Map(), random), random);
    const order = slots.map(({ item }) => roles.get(item));
    expect(order.slice(0, 2)).toEqual(["practice", "practice"]);
    expect(order.filter((role) => role === "trial").length).toBe(10);
    expect(order.filter((role) => role === "check").length).toBe(2);
    expect(order[2]).toBe("trial");
    order.forEach((role, i) => {
      if (role === "check") places.add(i);
    });
    for (const { arrangement, item, asked } of slots) {
      turned[arrangement[0]]++;
      expect(asked !== undefined).toBe(roles.get(item) === "check");
    }
  }
  expect(places.size).toBeGreaterThan(8);
  expect(Math.abs(turned[0] / (turned[0] + turned[1]) - 0.5)).toBeLessThan(0.03);
});
