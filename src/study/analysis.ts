/** @file What a study says: every condition's mean, every difference, how sure they are, how far people agree, and the paper's figures. */
import { randomFor } from "../array/random.ts";
import type { Estimate } from "../array/statistics.ts";
import { krippendorffAlpha } from "./agreement.ts";
import type { Person, State } from "./answers.ts";
import { bootstrapBy, type Contrast, independent, twoWay } from "./intervals.ts";
import { kinds } from "./kinds/index.ts";
import { itemsOf, type Origin, type Rating, type Study } from "./study.ts";

/** An estimate, and its 95 % intervals under different assumptions. */
export interface Figure extends Contrast {
  /** For other people and other pictures: the one to quote. */
  readonly both: Estimate;
  /** Bootstrap by participant: for other people, these pictures. */
  readonly people: Estimate;
  /** Bootstrap by picture: for other pictures, these people. */
  readonly pictures: Estimate;
}

/** A condition's mean. */
export interface Mean extends Figure {
  /** As if all ratings were independent (Wilson for fractions), as is often reported. */
  readonly independent: Estimate;
  /** Krippendorff's alpha over the answers. */
  readonly agreement: number;
  /** Median time for an answer. */
  readonly seconds: number;
  /** How often each score was given. */
  readonly scores: readonly { readonly score: number; readonly count: number }[];
  /** What the paper reports. */
  readonly paper?: number;
}

export interface Analysis {
  readonly kind: Study["kind"];
  readonly synthetic: boolean;
  readonly measure: string;
  readonly chance: number;
  readonly participants: Readonly<Record<State, number>>;
  readonly ratings: number;
  readonly items: { readonly judged: number; readonly of: number; readonly enough: number; readonly wanted: number };
  readonly means: readonly Mean[];
  readonly differences: readonly Figure[];
  readonly seed: number;
}

export function analyse(study: Study, origin: Origin, people: readonly Person[]): Analysis {
  const { scale, paper } = kinds[study.kind];
  const ratings = people.filter(({ state }) => state === "counted").flatMap((person) => person.ratings);
  const trials = itemsOf(study, "trial");
  const perItem = groups(ratings);
  const judged = study.conditions.filter((condition) => ratings.some((r) => r.condition === condition));
  const figure = (contrast: Contrast): Figure => {
    const draws = (by: string) => randomFor(study.seed, "bootstrap", by, contrast.condition, contrast.than ?? "");
    return {
      ...contrast,
      both: twoWay(ratings, contrast),
      people: bootstrapBy("participant", ratings, contrast, draws("people")),
      pictures: bootstrapBy("picture", ratings, contrast, draws("pictures")),
    };
  };
  const means = judged.map((condition): Mean => {
    const own = ratings.filter((r) => r.condition === condition);
    const scores = own.map((r) => r.score);
    // What is right differs from item to item, so people agree on answers, not on scores; of a scale the two are the same.
    const values = [...groups(own).values()].map((of) => of.map((r) => (scale.fraction ? r.answer : r.score)));
    return {
      ...figure({ condition }),
      independent: independent(scores, scale.fraction),
      agreement: krippendorffAlpha(values, scale.fraction ? "nominal" : "interval"),
      seconds: median(own.map((r) => r.milliseconds)) / 1000,
      scores: range(scale.low, scale.high).map((score) => ({
        score,
        count: scores.filter((s) => s === score).length,
      })),
      ...(paper[condition] !== undefined && { paper: paper[condition] }),
    };
  });
  const best = [...judged].sort((a, b) => meanOf(means, b) - meanOf(means, a));
  const differences = best.flatMap((condition, i) => best.slice(i + 1).map((than) => figure({ condition, than })));
  const count = (wanted: State) => people.filter(({ state }) => state === wanted).length;
  return {
    ...{ kind: study.kind, synthetic: origin === "synthetic", measure: scale.title, chance: scale.chance(trials) },
    participants: {
      counted: count("counted"),
      "missed a check": count("missed a check"),
      unfinished: count("unfinished"),
    },
    ratings: ratings.length,
    items: {
      judged: perItem.size,
      of: trials.length,
      enough: [...perItem.values()].filter((of) => of.length >= study.ratings).length,
      wanted: study.ratings,
    },
    ...{ means, differences, seed: study.seed },
  };
}

const meanOf = (means: readonly Mean[], condition: string): number =>
  means.find((m) => m.condition === condition)?.both.value ?? Number.NaN;

function groups(ratings: readonly Rating[]): Map<string, Rating[]> {
  const of = new Map<string, Rating[]>();
  for (const rating of ratings) {
    const group = of.get(rating.item);
    if (group) group.push(rating);
    else of.set(rating.item, [rating]);
  }
  return of;
}

const range = (low: number, high: number): number[] => Array.from({ length: high - low + 1 }, (_, i) => low + i);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
