/** @file Who judges what: balanced over items, over conditions, and random where balance leaves a choice. */
import type { Random } from "../array/random.ts";
import { kinds } from "./kinds/index.ts";
import { shuffled } from "./kinds/kind.ts";
import { type Item, itemsOf, type Slot, type Study } from "./study.ts";

/**
 * The trials of the next participant: those judged least often, of the conditions that this participant has least of; no picture
 * twice, and none that has all its ratings. Empty when the study is full.
 * @param counts how often each item is judged, or about to be, by its id
 */
export function assign(study: Study, counts: ReadonlyMap<string, number>, random: Random): Item[] {
  const open = itemsOf(study, "trial")
    .map((item) => ({ item, count: counts.get(item.id) ?? 0, key: random.uniform() }))
    .filter(({ count }) => count < study.ratings)
    .sort((a, b) => a.count - b.count || a.key - b.key);
  const seen = new Set<string>();
  const conditions = new Map<string, number>();
  const chosen: Item[] = [];
  while (chosen.length < study.trials) {
    const left = open.filter(({ item }) => !seen.has(item.picture));
    if (left.length === 0) break;
    const least = left.filter(({ count }) => count === left[0].count);
    const had = ({ item }: (typeof left)[number]) => conditions.get(item.condition) ?? 0;
    const { item } = least.reduce((best, one) => (had(one) < had(best) ? one : best));
    chosen.push(item);
    seen.add(item.picture);
    conditions.set(item.condition, (conditions.get(item.condition) ?? 0) + 1);
  }
  return chosen;
}

/** A participant's sequence: practice, then the trials in random order with the checks spread among them. */
export function sequence(study: Study, trials: readonly Item[], random: Random): Slot[] {
  const order = shuffle(trials, random);
  const checks = itemsOf(study, "check");
  // Each check somewhere in its share of the sequence, but not at its very begin.
  checks.forEach((check, i) => {
    const share = trials.length / checks.length;
    order.splice(Math.ceil(i * share + random.uniform() * share) + i, 0, check);
  });
  return [...itemsOf(study, "practice"), ...order].map((item) => ({
    item: item.id,
    arrangement: shuffle([...Array(shuffled(kinds[study.kind], item)).keys()], random),
    ...(item.role === "check" && { asked: item.right }),
  }));
}

const shuffle = <T>(list: readonly T[], random: Random): T[] =>
  [...random.choose(list.length, list.length)].map((i) => list[i]);
