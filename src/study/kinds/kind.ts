/** @file What differs from one kind of study to another: what is asked, how answers are shown and scored, and what the paper found. */
import { InternalError } from "../../errors.ts";
import type { Item, KindName, Slot } from "../study.ts";

export interface Kind {
  readonly name: KindName;
  readonly title: string;
  /** What a participant is told before the practice. */
  readonly instructions: readonly string[];
  readonly models: 1 | 2;
  readonly question: (item: Item) => string;
  /** What is shuffled for each participant: the answers, or the visualisations. */
  readonly shuffles: "choices" | "shown";
  readonly score: (item: Item, answer: number) => number;
  readonly scale: Scale;
  /** Means that the paper reports, by condition. */
  readonly paper: Readonly<Record<string, number>>;
}

export interface Scale {
  /** What the mean is called. */
  readonly title: string;
  readonly low: number;
  readonly high: number;
  /** Whether scores are 0 or 1, so that their mean is a fraction. */
  readonly fraction: boolean;
  /** The mean of somebody who knows nothing. */
  chance(items: readonly Item[]): number;
}

/** Right answers, and what guessing gives. */
export const accuracy: Scale = {
  title: "right answers",
  ...{ low: 0, high: 1, fraction: true },
  chance: (items) => items.reduce((sum, { choices }) => sum + 1 / choices.length, 0) / items.length,
};

export const isRight = ({ right }: Item, answer: number): number => Number(answer === right);

/** An answer as it is shown: its place in the item's choices, and its words. */
export interface Choice {
  readonly answer: number;
  readonly label: string;
}

/** The answers in the order of this participant. */
export function choicesOf({ shuffles }: Kind, { choices }: Item, { arrangement }: Slot): readonly Choice[] {
  if (shuffles === "choices") return arrangement.map((answer) => ({ answer, label: choices[answer] }));
  // A scale from the one to the other is turned round when they change places; its words stay where they are.
  const turned = arrangement[0] !== 0;
  return choices.map((label, i) => ({ answer: turned ? choices.length - 1 - i : i, label }));
}

/** Keys of the visualisations in the order of this participant. */
export const shownTo = ({ shuffles }: Kind, { shown }: Item, { arrangement }: Slot): readonly string[] =>
  shuffles === "shown" ? arrangement.map((i) => shown[i]) : shown;

/** How many things of an item are shuffled. */
export const shuffled = ({ shuffles }: Kind, item: Item): number => item[shuffles].length;

/** What a check asks for, in this participant's words. */
export function checkQuestion(kind: Kind, item: Item, slot: Slot): string {
  const wanted = choicesOf(kind, item, slot).find(({ answer }) => answer === item.right);
  if (!wanted) throw new InternalError(`check ${item.id} asks for no answer that it has`);
  return `To show that you read the questions, please press “${wanted.label}” here, whatever you see.`;
}
