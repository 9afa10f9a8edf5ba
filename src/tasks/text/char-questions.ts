/** @file What is asked of a text recogniser: a character that it read, one rather than another, what speaks against one. */
import { present } from "../../errors.ts";
import { ravel } from "../../read/element.ts";
import { composedQuestions } from "../composed-questions.ts";
import type { AskedElements } from "../element-answers.ts";
import { indexOf, type PlainQuestion, refuseQuestion, topOf } from "../questions.ts";
import type { ReadText } from "./read-text.ts";
import { characterOf, type TextHead } from "./text-head.ts";

/** Without a question so many characters are explained at most, from the first on. */
export const mostCharacters = 25;

export interface LineRead {
  readonly head: TextHead;
  readonly read: ReadText;
  /** The shape of the scores. */
  readonly dims: readonly number[];
  /** The layer that maps lie on. */
  readonly layer: string | undefined;
  /** What the model can be asked. */
  readonly can: readonly string[];
}

/**
 * @param targets questions; all characters where there is none
 * @throws UserError for what is no question, and for a character that is not there
 */
export function charQuestions(targets: readonly string[], reading: LineRead): AskedElements[] {
  if (targets.length > 0)
    return composedQuestions(targets, { partsOf: (plain, asked) => partsOf(plain, asked, reading) });
  return reading.read.characters.slice(0, mostCharacters).map(({ index }) => charOf(index, reading));
}

function partsOf({ kind, of }: PlainQuestion, asked: string, reading: LineRead): AskedElements[] {
  if (kind !== "char") return refuseQuestion({ kind, asked }, reading.can);
  const { characters } = reading.read;
  const top = topOf(of);
  if (top === undefined) return [charOf(indexOf(of, characters.length, "character", asked), reading)];
  const best = characters.toSorted((a, b) => b.probability - a.probability);
  return best.slice(0, top).map(({ index }) => charOf(index, reading));
}

/** A character: its logit at the step at which it is most probable. */
function charOf(at: number, { head, read, dims, layer }: LineRead): AskedElements {
  const { class: c, step } = present(read.spelled.characters[at], "a character");
  const label = characterOf(head, c);
  const { channels, grid } = head.axes;
  const index = dims.map((_, axis) => (axis === channels ? c : axis === grid[0] ? step : 0));
  return {
    ...{ class: c, label, target: `char:${at}`, character: at, asked: `char-${at}` },
    question: `"${label}" (character ${at})`,
    // The sum over the line that Grad-CAM weighs channels by is of all of it, and a character is at one place.
    ...{ method: "hires-cam", warnings: [] },
    about: { sum: [{ tensor: head.tensor, place: ravel(index, dims), weight: 1 }], layer },
  };
}
