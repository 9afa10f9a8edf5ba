/** @file A study with virtual participants: the same assignment, the same storage, and a file that says for ever that it is synthetic. */

import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { Participation } from "./participation.ts";
import { Crowd, type Population } from "./population.ts";
import { Store } from "./store.ts";
import { removeFile } from "./study-file.ts";

export interface SimulateOptions extends Population {
  /** How many take part at most; by default as many as it takes until the study is full. */
  readonly participants?: number;
  readonly seed: number;
  readonly out: string;
}

/** Runs a study's copy through with virtual participants. @throws UserError for effects that are missing or out of range. */
export async function simulate(from: Store, options: SimulateOptions): Promise<void> {
  const { study } = from;
  await Store.create(options.out, study, from.pictures(), "synthetic");
  const store = await Store.open(options.out);
  let now = 0;
  try {
    const participation = new Participation(store, () => now);
    const random = randomFor(options.seed, "simulate");
    const crowd = new Crowd(study, options, random);
    const most = options.participants ?? Number.POSITIVE_INFINITY;
    for (let n = 1; n <= most; n++) {
      const secret = participation.begin(`synthetic-${String(n).padStart(4, "0")}`);
      const begun = participation.standing(secret);
      if (!begun) break;
      const ability = crowd.draw(random);
      store.atOnce(() => {
        for (const place of begun.places) {
          store.show(begun.participant.id, place.position, now);
          now += Math.round(4000 * Math.exp(0.5 * random.normal()));
          const answer = crowd.answer(ability, participation.item(place), random);
          store.answer(begun.participant.id, place.position, answer, now);
        }
        participation.finish(begun);
      });
    }
    store.close();
  } catch (cause) {
    // Half a simulation would be analysed as if it were whole.
    store.close();
    removeFile(options.out);
    throw cause;
  }
}

/** @throws UserError for a condition that the study does not have or that is not planted, and a mean out of its scale. */
export function checkEffects(
  effects: Readonly<Record<string, number>>,
  conditions: readonly string[],
  { low, high }: { readonly low: number; readonly high: number },
): void {
  const strange = Object.keys(effects).find((name) => !conditions.includes(name));
  if (strange !== undefined)
    throw new UserError("unknown-name", `unknown condition: "${strange}"; allowed are ${conditions.join(", ")}`);
  const missing = conditions.find((name) => effects[name] === undefined);
  if (missing !== undefined)
    throw new UserError("invalid-option", `missing effect: ${missing}; give --effect ${missing}=MEAN`);
  const wrong = conditions.find((name) => !(effects[name] > low && effects[name] < high));
  if (wrong !== undefined)
    throw new UserError(
      "invalid-option",
      `invalid effect: ${wrong}=${effects[wrong]}; allowed is a mean between ${low} and ${high}`,
    );
}
