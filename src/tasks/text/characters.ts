/** @file Which character each class of a text recogniser is: lists of characters come with the blank, without it, or without the space too. */
import { UserError } from "../../errors.ts";

/** How lists write the class that is no character: the blank, or the end of the text. */
const silentNames: ReadonlySet<string> = new Set([
  ...["", "blank", "<blank>", "[blank]", "<blk>", "[ctcblank]", "<ctc_blank>", "<pad>", "[pad]"],
  ...["<eos>", "[eos]", "[e]", "[s]", "</s>"],
]);

export interface NamedClasses {
  /** The character of each class, where this one is none. */
  readonly characters: (silent: number) => readonly string[];
  /** The class that is no character; undefined where the list leaves open whether it is the first or the last. */
  readonly silent: number | undefined;
  readonly because: string;
}

/**
 * The characters of so many classes, from a list of them.
 * @throws UserError `invalid-input` for a list of another length.
 */
export function namedClasses(list: readonly string[], classes: number): NamedClasses {
  if (list.length === classes) {
    const named = list.findIndex((name) => silentNames.has(name.toLowerCase()));
    const silent = named < 0 ? undefined : named;
    const shown = silent === undefined ? "" : list[silent];
    return { characters: () => list, silent, because: `the list of characters has it, "${shown}"` };
  }
  // As PaddleOCR fills its dictionaries up.
  if (list.length === classes - 2)
    return {
      ...{ characters: () => ["", ...list, " "], silent: 0 },
      because: `${list.length} characters for ${classes} classes: the blank before them and the space behind them, as PaddleOCR's`,
    };
  if (list.length !== classes - 1)
    throw new UserError(
      "invalid-input",
      `invalid labels: ${list.length} characters for a model of ${classes} classes; expected ${classes} with the blank, ${classes - 1} without it, or ${classes - 2} without blank and space`,
    );
  return { characters: (silent) => (silent === 0 ? ["", ...list] : [...list, ""]), silent: undefined, because: "" };
}
