/** @file How far a study is. */
import { peopleOf } from "./answers.ts";
import { patience } from "./participation.ts";
import type { Store } from "./store.ts";
import { itemsOf, type Origin, type Study } from "./study.ts";

export interface Status {
  readonly kind: Study["kind"];
  readonly origin: Origin;
  readonly models: Study["models"];
  readonly conditions: readonly string[];
  readonly participants: {
    readonly finished: number;
    readonly missed: number;
    readonly active: number;
    readonly away: number;
  };
  /** Ratings that count, and how many there shall be. */
  readonly ratings: { readonly done: number; readonly wanted: number };
  /** Items by how many ratings they have: `[3, 5]` is three items with none and five with one. */
  readonly items: readonly number[];
}

export function statusOf(store: Store, now = Date.now()): Status {
  const { study, origin } = store;
  const people = peopleOf(store);
  const trials = itemsOf(study, "trial");
  const counts = new Map(trials.map(({ id }) => [id, 0]));
  for (const { state, ratings } of people)
    if (state === "counted") for (const { item } of ratings) counts.set(item, (counts.get(item) ?? 0) + 1);
  const items = Array<number>(Math.max(...counts.values()) + 1).fill(0);
  for (const count of counts.values()) items[count]++;
  const unfinished = new Set(people.filter(({ state }) => state === "unfinished").map(({ id }) => id));
  const active = store.participants().filter(({ id, seen }) => unfinished.has(id) && seen >= now - patience).length;
  const counted = people.filter(({ state }) => state === "counted").length;
  return {
    ...{ kind: study.kind, origin, models: study.models, conditions: study.conditions },
    participants: {
      finished: counted,
      missed: people.length - unfinished.size - counted,
      active,
      away: unfinished.size - active,
    },
    ratings: {
      done: [...counts.values()].reduce((sum, n) => sum + Math.min(n, study.ratings), 0),
      wanted: trials.length * study.ratings,
    },
    items,
  };
}
