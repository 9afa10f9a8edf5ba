/** @file A text as it was read, with its characters by their names. */
import type { Spelled } from "./spell.ts";
import { characterOf, type TextHead } from "./text-head.ts";

/** A character of the text. */
export interface Character {
  /** From 0, along the line. */
  readonly index: number;
  readonly character: string;
  /** 0 to 1, at the step at which it is most probable. */
  readonly probability: number;
}

/** A text as it was read. */
export interface ReadText {
  readonly text: string;
  /** That the picture shows this text and no other. */
  readonly probability: number;
  readonly characters: readonly Character[];
  readonly spelled: Spelled;
}

export function textOf(spelled: Spelled, head: TextHead): ReadText {
  const characters = spelled.characters.map(({ class: c, probability }, index) => ({
    ...{ index, character: characterOf(head, c), probability },
  }));
  const text = characters.map(({ character }) => character).join("");
  return { text, probability: spelled.probability, characters, spelled };
}
