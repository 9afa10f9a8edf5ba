/** @file Answers as files: a line for each, under random numbers, with nothing that tells who somebody is. */
import { csv } from "../evaluate/csv.ts";
import { type Person, peopleOf } from "./answers.ts";
import { kinds } from "./kinds/index.ts";
import type { Store } from "./store.ts";
import type { Item, Rating } from "./study.ts";

type Cell = string | number | boolean | null;
type Row = Readonly<Record<string, Cell>>;

export interface Exported {
  readonly participants: readonly Row[];
  readonly answers: readonly Row[];
  /** Codes of who finished, sorted: whose they are is not told. */
  readonly codes: readonly string[];
}

/** All answers to trials; those that are not analysed say why in `state`. */
export function exported(store: Store): Exported {
  const { study } = store;
  const synthetic = store.origin === "synthetic";
  const items = new Map(study.items.map((item) => [item.id, item]));
  const people = peopleOf(store);
  return {
    participants: people.map(({ id, state, minutes }) => ({ participant: id, state, minutes, synthetic })),
    answers: people.flatMap((person) =>
      person.ratings.map((rating) => answerRow(person, rating, items.get(rating.item) as Item, synthetic)),
    ),
    codes: [...new Set(store.participants().flatMap(({ code }) => code ?? []))].sort(),
  };

  function answerRow({ state }: Person, rating: Rating, item: Item, synthetic: boolean): Row {
    const { participant, picture, condition, score, milliseconds, answer } = rating;
    // Of a scale the words depend on who stood where; the score does not.
    const said = kinds[study.kind].scale.fraction ? item.choices[answer] : score;
    return {
      ...{ participant, state, item: item.id, picture, condition, subject: item.subject ?? null },
      ...{ answer: said, score, milliseconds, synthetic },
    };
  }
}

/** RFC 4180, the names of the columns first. */
export function csvOf(rows: readonly Row[]): string {
  const head = Object.keys(rows[0] ?? {});
  return csv([head, ...rows.map((row) => head.map((name) => row[name]))]);
}
