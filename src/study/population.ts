/**
 * @file Virtual participants, whose effects are known: a threshold model with normal differences between people and between items, set so
 * that the mean over all people and items is the planted one. For testing an analysis, and for planning how many people a study needs.
 */

import { normalCdf, solve } from "../array/distributions.ts";
import type { Random } from "../array/random.ts";
import { kinds } from "./kinds/index.ts";
import type { Item, Study } from "./study.ts";

export interface Population {
  /** The planted mean score of each condition. */
  readonly effects: Readonly<Record<string, number>>;
  /** Deviation between people, and between items; within them it is 1. */
  readonly people: number;
  readonly items: number;
  /** The fraction of people who press anything. */
  readonly careless: number;
}

/** Somebody's ability, in standard deviations of the single answer; `careless` presses anything. */
export type Ability = number | "careless";

export class Crowd {
  readonly #levels = new Map<string, number>();
  readonly #ease = new Map<string, number>();

  constructor(
    private readonly study: Study,
    private readonly population: Population,
    random: Random,
  ) {
    const spread = Math.hypot(1, population.people, population.items);
    const { fraction } = kinds[study.kind].scale;
    for (const [condition, effect] of Object.entries(population.effects)) {
      const meanAt = (level: number) => (fraction ? normalCdf(level / spread) : meanScore(level, spread));
      this.#levels.set(condition, solve(meanAt, effect));
    }
    for (const item of study.items) this.#ease.set(item.id, population.items * random.normal());
  }

  draw(random: Random): Ability {
    return random.uniform() < this.population.careless ? "careless" : this.population.people * random.normal();
  }

  /** An answer, as an index of the item's choices. */
  answer(ability: Ability, item: Item, random: Random): number {
    const guess = () => random.below(item.choices.length);
    if (ability === "careless") return guess();
    if (item.role === "check") return item.right ?? guess();
    const level = (this.#levels.get(item.condition) ?? 0) + (this.#ease.get(item.id) ?? 0) + ability + random.normal();
    if (!kinds[this.study.kind].scale.fraction) return 2 - Math.max(-2, Math.min(2, Math.round(level)));
    if (level > 0 || item.choices.length === 1) return item.right ?? guess();
    const wrong = item.choices.map((_, i) => i).filter((i) => i !== item.right);
    return wrong[random.below(wrong.length)];
  }
}

/** The mean of a normal variable that is rounded to -2 .. 2. */
const meanScore = (level: number, spread: number): number =>
  -2 + [-1.5, -0.5, 0.5, 1.5].reduce((sum, cut) => sum + normalCdf((level - cut) / spread), 0);
