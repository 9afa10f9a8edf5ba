/** @file From the scores of each step to the text: its characters, where along the line each is, and how probable each and all of them are. */
import { softmax } from "../classify/probability.ts";
import type { Spelling } from "./text-head.ts";

/** A character that was read. */
export interface SpelledCharacter {
  readonly class: number;
  /** The step at which it is most probable. */
  readonly step: number;
  /** Its probability there. */
  readonly probability: number;
}

export interface Spelled {
  readonly characters: readonly SpelledCharacter[];
  /** That the picture shows this text: of all ways to spell it where there are several. */
  readonly probability: number;
}

/** The class with the largest value, the first of equal ones. */
export const likeliest = (step: readonly number[] | Float32Array): number => {
  let best = 0;
  for (let c = 1; c < step.length; c++) if ((step[c] as number) > (step[best] as number)) best = c;
  return best;
};

/**
 * The text by the best class of each step.
 * @param scores of each step, [steps][classes]
 * @param silent the class that is the blank, or the end of the text
 */
export function spell(scores: readonly Float32Array[], silent: number, spelling: Spelling): Spelled {
  const probabilities = scores.map(softmax);
  const best = probabilities.map(likeliest);
  if (spelling === "attention") {
    const end = best.indexOf(silent);
    const said = best.slice(0, end < 0 ? best.length : end);
    const characters = said.map((c, step) => ({ class: c, step, probability: probabilities[step]?.[c] as number }));
    const last = end < 0 ? 1 : (probabilities[end]?.[silent] as number);
    return { characters, probability: characters.reduce((product, { probability }) => product * probability, last) };
  }
  const characters: SpelledCharacter[] = [];
  best.forEach((c, step) => {
    if (c === silent) return;
    const probability = probabilities[step]?.[c] as number;
    const before = characters.at(-1);
    const goesOn = step > 0 && best[step - 1] === c && before;
    if (!goesOn) characters.push({ class: c, step, probability });
    else if (probability > before.probability) characters[characters.length - 1] = { class: c, step, probability };
  });
  const text = characters.map((character) => character.class);
  return { characters, probability: Math.exp(logProbability(probabilities, text, silent)) };
}

/** ln p(text) over all alignments, by the forward algorithm of CTC (Graves et al. 2006, equations 5 to 8). */
export function logProbability(steps: readonly (readonly number[])[], text: readonly number[], blank: number): number {
  const states = [blank, ...text.flatMap((c) => [c, blank])];
  let before = states.map((_, s) => (s === 0 ? 0 : Number.NEGATIVE_INFINITY));
  steps.forEach((step, t) => {
    before = states.map((c, s) => {
      const skips = s > 1 && c !== blank && c !== states[s - 2];
      const from = [before[s], s > 0 && t + s > 0 ? before[s - 1] : undefined, skips ? before[s - 2] : undefined];
      const start = t === 0 ? (s < 2 ? 0 : Number.NEGATIVE_INFINITY) : logSum(from);
      return start + Math.log(step[c] as number);
    });
  });
  return logSum(before.slice(-2));
}

function logSum(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined);
  const most = Math.max(...known);
  if (most === Number.NEGATIVE_INFINITY) return most;
  return most + Math.log(known.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
