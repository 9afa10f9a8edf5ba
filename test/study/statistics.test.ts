/** @file The statistics of studies, against published figures and against populations whose truth is known. */
import { describe, expect, test } from "vitest";
import { type Random, randomFor } from "../../src/array/random.ts";
import { krippendorffAlpha } from "../../src/study/agreement.ts";
import { assign } from "../../src/study/assignment.ts";
import {
  bootstrapBy,
  type Contrast,
  clusterVariance,
  estimate,
  independent,
  twoWay,
} from "../../src/study/intervals.ts";
import { kinds } from "../../src/study/kinds/index.ts";
import { Crowd, type Population } from "../../src/study/population.ts";
import type { Item, Rating, Study } from "../../src/study/study.ts";
import { madeUp } from "./fixtures.ts";

describe("Krippendorff's alpha", () => {
  // Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units, missing data.
  const observers = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
  ];
  const units = observers[0].map((_, unit) => observers.map((values) => values[unit]).filter((value) => value > 0));

  test("the published example", () => {
    expect(krippendorffAlpha(units, "nominal")).toBeCloseTo(0.743, 3);
    expect(krippendorffAlpha(units, "interval")).toBeCloseTo(0.849, 3);
  });
  test("agreement, chance, and nothing to agree on", () => {
    expect(
      krippendorffAlpha(
        [
          [1, 1, 1],
          [2, 2],
        ],
        "nominal",
      ),
    ).toBe(1);
    expect(krippendorffAlpha([[1, 2]], "nominal")).toBe(0);
    expect(krippendorffAlpha([[1, 1], [1]], "nominal")).toBeNaN();
  });
});

/** Who judges what: each participant's trials. */
function allocate(study: Study, people: number, random: Random): Item[][] {
  const counts = new Map<string, number>();
  return Array.from({ length: people }, () => {
    const trials = assign(study, counts, random);
    for (const { id } of trials) counts.set(id, (counts.get(id) ?? 0) + 1);
    return trials;
  });
}

/** A whole study, without a file or a server. */
function ask(study: Study, population: Population, allocation: readonly Item[][], random: Random): Rating[] {
  const crowd = new Crowd(study, population, random);
  const ratings: Rating[] = [];
  for (const [n, trials] of allocation.entries()) {
    const participant = `person ${n}`;
    const ability = crowd.draw(random);
    for (const item of trials) {
      const answer = crowd.answer(ability, item, random);
      const score = kinds[study.kind].score(item, answer);
      const { id, picture, condition } = item;
      ratings.push({ participant, item: id, picture, condition, answer, score, milliseconds: 0 });
    }
  }
  return ratings;
}

const repetitions = 200;

/** How often an interval holds the truth, and the mean of the estimates. */
function repeat(study: Study, population: Population, people: number, contrasts: readonly Contrast[]) {
  const truth = ({ condition, than }: Contrast) =>
    population.effects[condition] - (than === undefined ? 0 : population.effects[than]);
  const found = contrasts.map(() => ({ covered: 0, naive: 0, above0: 0, sum: 0 }));
  // Answers do not change who is asked what, so that an allocation serves several repetitions.
  const allocations = Array.from({ length: 10 }, (_, i) => allocate(study, people, randomFor("allocation", i)));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const all = ask(study, population, allocations[repetition % 10], randomFor("repetition", repetition));
    contrasts.forEach((contrast, i) => {
      const { value, low, high } = twoWay(all, contrast);
      const { covered, naive, above0, sum } = found[i];
      const scores = all.filter((r) => r.condition === contrast.condition).map((r) => r.score);
      const alone = independent(scores, kinds[study.kind].scale.fraction);
      const within = (e: { low: number; high: number }) =>
        Number(e.low <= truth(contrast) && truth(contrast) <= e.high);
      found[i] = {
        covered: covered + within({ low, high }),
        naive: naive + within(alone),
        above0: above0 + Number(low > 0),
        sum: sum + value,
      };
    });
  }
  return {
    ratings: allocations[0].flat().length,
    of: contrasts.map((contrast, i) => {
      const { covered, naive, above0, sum } = found[i];
      const shares = [covered, naive, above0].map((n) => n / repetitions);
      console.log(
        `${contrast.condition}${contrast.than ? ` - ${contrast.than}` : ""}: planted ${truth(contrast).toFixed(3)}, mean estimate ${(sum / repetitions).toFixed(3)}, covered ${shares[0]}${contrast.than ? `, above 0 ${shares[2]}` : `, as if independent ${shares[1]}`}`,
      );
      return {
        truth: truth(contrast),
        mean: sum / repetitions,
        covered: shares[0],
        naive: shares[1],
        above0: shares[2],
      };
    }),
  };
}

/** 95 % of 200 repetitions, with 2.6 standard errors of that fraction. */
const likely = (covered: number) => {
  expect(covered).toBeGreaterThanOrEqual(0.91);
  expect(covered).toBeLessThanOrEqual(0.99);
};

describe(`planted effects come back, and intervals hold them in 95 % of ${repetitions} repetitions`, () => {
  test("class discrimination at the paper's size: 44 % against 61 %, 3,240 ratings of 43 people", () => {
    const effects = {
      deconvolution: 0.5333,
      "guided-backprop": 0.4444,
      "deconvolution-grad-cam": 0.6037,
      "guided-grad-cam": 0.6123,
    };
    const study = madeUp({ pictures: 90, conditions: Object.keys(effects), trials: 76 });
    const { ratings, of } = repeat(study, { effects, people: 0.5, items: 0.5, careless: 0 }, 43, [
      { condition: "guided-backprop" },
      { condition: "guided-grad-cam" },
      { condition: "guided-grad-cam", than: "guided-backprop" },
    ]);
    expect(Math.abs(ratings - 3240)).toBeLessThan(40);
    for (const { truth, mean, covered } of of) {
      expect(Math.abs(mean - truth)).toBeLessThan(0.01);
      likely(covered);
    }
    // What the two-way interval is for: people and pictures differ, and an interval that overlooks it is too narrow.
    expect(of[0].naive).toBeLessThan(0.85);
    expect(of[2].above0).toBeGreaterThan(0.95);
  });

  test("trust at the paper's size: +1.00 and +1.27 of 54 people", () => {
    const effects = { "guided-backprop": 1.0, "guided-grad-cam": 1.27 };
    const study = madeUp({ kind: "trust", pictures: 90, conditions: Object.keys(effects), trials: 30 });
    const { of } = repeat(study, { effects, people: 0.4, items: 0.4, careless: 0 }, 54, [
      { condition: "guided-grad-cam" },
      { condition: "guided-grad-cam", than: "guided-backprop" },
    ]);
    for (const { truth, mean, covered } of of) {
      expect(Math.abs(mean - truth)).toBeLessThan(0.02);
      likely(covered);
    }
  });

  test("where nobody and nothing differs the interval is not too narrow either", () => {
    const effects = { "guided-backprop": 0.5, "guided-grad-cam": 0.5 };
    const study = madeUp({ pictures: 40, conditions: Object.keys(effects), trials: 20 });
    const { of } = repeat(study, { effects, people: 0, items: 0, careless: 0 }, 30, [{ condition: "guided-grad-cam" }]);
    expect(of[0].covered).toBeGreaterThanOrEqual(0.91);
  });
});

test("a bootstrap of people, or of pictures, has the deviation that its formula gives", () => {
  const effects = { "guided-backprop": 0.4, "guided-grad-cam": 0.6 };
  const study = madeUp({ pictures: 60, conditions: Object.keys(effects), trials: 40 });
  const ratings = ask(
    study,
    { effects, people: 0.7, items: 0.7, careless: 0 },
    allocate(study, 40, randomFor(1)),
    randomFor(2),
  );
  const contrast = { condition: "guided-grad-cam", than: "guided-backprop" };
  for (const by of ["participant", "picture"] as const) {
    const { value, low, high } = bootstrapBy(by, ratings, contrast, randomFor("bootstrap", by));
    expect(value).toBe(estimate(ratings, contrast));
    const means = new Map(
      study.conditions.map((c) => {
        const scores = ratings.filter((r) => r.condition === c).map((r) => r.score);
        return [c, { mean: scores.reduce((a, b) => a + b) / scores.length, count: scores.length }];
      }),
    );
    const influence = Float64Array.from(ratings, ({ condition, score }) => {
      const { mean, count } = means.get(condition)!;
      return ((condition === contrast.condition ? 1 : -1) * (score - mean)) / count;
    });
    const { variance } = clusterVariance(ratings, influence, by);
    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeCloseTo(1, 0.7);
  }
});
