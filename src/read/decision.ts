/** @file How a model was read, each decision with its reason: nothing is taken for granted without a word. */

export interface Decision {
  readonly what: string;
  readonly value: string;
  readonly because: string;
  /** How a caller says it otherwise, on the command line. */
  readonly option?: string;
  /** Whether it was guessed, since neither the caller nor the model says it. */
  readonly guess?: true;
}

/** Something that a reader of an explanation must know. */
export interface Warning {
  readonly code: WarningCode;
  readonly text: string;
}

/** Those of which there is something to say. */
export const told = (all: readonly (readonly [WarningCode, string | false | undefined])[]): Warning[] =>
  all.flatMap(([code, text]) => (text ? [{ code, text }] : []));

export type WarningCode =
  | "preparation-guessed"
  | "layout-guessed"
  | "layer-guessed"
  | "layer-replaced"
  | "relu-emptied"
  | "low-probability"
  | "other-heads"
  | "class-independent"
  | "probability-guessed"
  | "unfamiliar-picture"
  | "odd-box"
  | "class-chosen"
  | "masks-guessed"
  | "head-guessed"
  | "text-guessed"
  | "labels";
