/** @file What a study gathered: who is counted, and their ratings. */
import { kinds } from "./kinds/index.ts";
import type { Participant, Store } from "./store.ts";
import type { Place, Rating } from "./study.ts";

/** What became of a participant: only those who are `counted` are analysed. */
export type State = "counted" | "missed a check" | "unfinished";

export interface Person {
  readonly id: string;
  readonly state: State;
  /** From consent to the end. */
  readonly minutes: number | null;
  readonly ratings: readonly Rating[];
}

export function peopleOf(store: Store): Person[] {
  const { study } = store;
  const items = new Map(study.items.map((item) => [item.id, item]));
  const kind = kinds[study.kind];
  return store.participants().map((participant) => {
    const places = store.places(participant.id);
    const ratings = places.flatMap(({ item: id, answer, milliseconds }): Rating[] => {
      const item = items.get(id);
      if (item?.role !== "trial" || answer === null) return [];
      const { picture, condition } = item;
      const score = kind.score(item, answer);
      return [
        { participant: participant.id, item: id, picture, condition, answer, score, milliseconds: milliseconds ?? 0 },
      ];
    });
    const missed = places.some(({ item: id, answer }) => {
      const item = items.get(id);
      return item?.role === "check" && answer !== null && answer !== item.right;
    });
    return { id: participant.id, state: stateOf(places, missed), minutes: minutesOf(participant), ratings };
  });
}

/** All questions answered: whether the last page was seen, which issues the code, does not matter. */
function stateOf(places: readonly Place[], missed: boolean): State {
  if (places.some(({ answer }) => answer === null)) return "unfinished";
  return missed ? "missed a check" : "counted";
}

const minutesOf = ({ started, seen, finished }: Participant): number | null =>
  finished === null ? null : Math.round((seen - started) / 6000) / 10;
