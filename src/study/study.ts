/** @file What a study is, as data: its items, what each of them shows, and what may be answered. One file holds it and its answers. */

export const kindNames = ["class-discrimination", "trust", "prediction"] as const;
export type KindName = (typeof kindNames)[number];

/** Practice is explained to the participant, checks ask for one answer, and only trials are analysed. */
export type Role = "practice" | "trial" | "check";

/** One question to a participant. */
export interface Item {
  readonly id: string;
  readonly role: Role;
  /** What is compared: a method's name, or `none` for the control without an explanation. */
  readonly condition: string;
  /** The dataset's picture: nobody is shown one twice. */
  readonly picture: string;
  /** Keys of the visualisations; of two models the better one's first. */
  readonly shown: readonly string[];
  /** Key of the photograph itself, where it is shown too. */
  readonly photo?: string;
  /** The answers, in the order that they are kept by. */
  readonly choices: readonly string[];
  /** The right answer, an index of `choices`; of a check the one that is asked for. */
  readonly right?: number;
  /** What the question names. */
  readonly subject?: string;
}

/** A model that a study is about. */
export interface StudiedModel {
  readonly name: string;
  readonly sha256: string;
  /** Pictures of the dataset that it named right, where that was measured. */
  readonly accuracy?: { readonly right: number; readonly of: number };
}

export interface Study {
  readonly format: 1;
  readonly gradcam: string;
  readonly kind: KindName;
  readonly conditions: readonly string[];
  readonly models: readonly StudiedModel[];
  readonly dataset: string;
  readonly seed: number;
  /** How many people judge an item. */
  readonly ratings: number;
  /** How many trials a participant is given at most. */
  readonly trials: number;
  /** Paragraphs that a participant agrees to. */
  readonly consent: readonly string[];
  readonly items: readonly Item[];
}

/** Whose answers a file holds. It is written once, and a file never holds both. */
export type Origin = "people" | "synthetic";

/** An item in a participant's sequence, and the order in which what it shuffles is shown. */
export interface Slot {
  readonly item: string;
  readonly arrangement: readonly number[];
  /** Of a check: the answer that is asked for. */
  readonly asked?: number;
}

/** A place in a participant's sequence, and what became of it. */
export interface Place extends Slot {
  readonly position: number;
  readonly answer: number | null;
  readonly milliseconds: number | null;
}

/** An answer to a trial. */
export interface Rating {
  readonly participant: string;
  readonly item: string;
  readonly picture: string;
  readonly condition: string;
  /** An index of the item's choices. */
  readonly answer: number;
  /** 1 for right and 0 for wrong, or -2 .. 2. */
  readonly score: number;
  readonly milliseconds: number;
}

export const itemsOf = ({ items }: Study, role: Role): readonly Item[] => items.filter((item) => item.role === role);
