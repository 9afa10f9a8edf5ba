/** @file Taking part, from consent to the completion code. Who somebody is, is a random number; what a browser holds opens nothing else. */
import { createHash, randomBytes } from "node:crypto";
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { assign, sequence } from "./assignment.ts";
import { kinds } from "./kinds/index.ts";
import { choicesOf } from "./kinds/kind.ts";
import type { Waiting } from "./starts.ts";
import type { Participant, Store } from "./store.ts";
import { type Item, itemsOf, type Place } from "./study.ts";

/** Who answered nothing for so long, in milliseconds, is not waited for: the items go to others too. */
export const patience = 600e3;
/** Who began so long ago and never answered is forgotten. */
const remembered = 24 * 3600e3;

/** Of those who hold a place and have not answered yet: who gives way, if anybody. */
export type Yields = (waiting: readonly Waiting[]) => string | undefined;

/** Where a participant stands. */
export interface Standing {
  readonly participant: Participant;
  readonly places: readonly Place[];
  /** The first without an answer; undefined at the end. */
  readonly next: Place | undefined;
  /** Whether the place went to others: nothing was answered for too long. Who has answered something goes on all the same. */
  readonly lost: boolean;
}

/** Whether a study takes somebody in: when nobody is needed any more it is complete; else a place is free at `next`, or now. */
export interface Openings {
  readonly complete: boolean;
  readonly next?: number;
}

export class Participation {
  readonly kind;
  readonly #items: ReadonlyMap<string, Item>;

  constructor(
    readonly store: Store,
    private readonly now: () => number = Date.now,
    /** Milliseconds without an answer after which a place is free again. */
    private readonly idle = patience,
  ) {
    this.kind = kinds[store.study.kind];
    this.#items = new Map(store.study.items.map((item) => [item.id, item]));
  }

  item({ item }: Place): Item {
    return this.#items.get(item) as Item;
  }

  /**
   * Takes somebody in.
   * @returns the secret that the browser keeps, or undefined when all places are taken.
   */
  begin(id = newParticipant(), yields?: Yields): string | undefined {
    const { store } = this;
    const secret = randomBytes(24).toString("base64url");
    return store.atOnce(() => {
      const now = this.now();
      store.forget(now - remembered);
      const sequence = this.#place(id, now, yields);
      if (!sequence) return undefined;
      store.enrol(id, hashed(secret), sequence, now);
      return secret;
    });
  }

  /** A place for somebody who lost theirs: the same questions if they are still wanted, else others. @returns whether there is one */
  return({ participant, places }: Standing, yields?: Yields): boolean {
    const { store } = this;
    return store.atOnce(() => {
      const now = this.now();
      const counts = store.counts(now - this.idle);
      const wanted = places.every(
        (place) => this.item(place).role !== "trial" || (counts.get(place.item) ?? 0) < store.study.ratings,
      );
      const sequence = wanted ? undefined : this.#place(participant.id, now, yields);
      if (!wanted && !sequence) return false;
      store.hold(participant.id, sequence, now);
      return true;
    });
  }

  /** Questions that are still wanted; where there are none, those of whoever gives way. */
  #place(id: string, now: number, yields?: Yields) {
    const { store } = this;
    const random = randomFor(store.study.seed, "participant", id);
    const since = now - this.idle;
    const trials = () => assign(store.study, store.counts(since), random);
    let found = trials();
    while (found.length === 0) {
      const gone = yields?.(store.waiting(since));
      if (gone === undefined) return undefined;
      store.free(gone);
      found = trials();
    }
    return sequence(store.study, found, random);
  }

  openings(): Openings {
    const { study } = this.store;
    const now = this.now();
    const open = (since: number) => {
      const counts = this.store.counts(since);
      return itemsOf(study, "trial").some(({ id }) => (counts.get(id) ?? 0) < study.ratings);
    };
    if (!open(Number.MAX_SAFE_INTEGER)) return { complete: true };
    if (open(now - this.idle)) return { complete: false };
    return { complete: false, next: (this.store.firstSeen(now - this.idle) ?? now) + this.idle };
  }

  /** Where the holder of a secret stands; undefined for one that nobody was given. */
  standing(secret: string | undefined): Standing | undefined {
    const participant = secret && this.store.participant(hashed(secret));
    if (!participant) return undefined;
    const places = this.store.places(participant.id);
    const next = places.find(({ answer }) => answer === null);
    const silent = places.every(({ answer }) => answer === null);
    return { participant, places, next, lost: silent && participant.seen < this.now() - this.idle };
  }

  shown({ participant }: Standing, { position }: Place, at = this.now()): void {
    this.store.show(participant.id, position, at);
  }

  /**
   * Keeps the first answer to a place that was reached.
   * @param shown when it was shown, where the file does not know yet
   * @throws UserError `invalid-input` for another place or answer.
   */
  answer({ participant, places, next }: Standing, position: number, answer: number, shown?: number): void {
    const place = places[position];
    if (!place || (next && position > next.position))
      throw new UserError("invalid-input", `invalid position: ${position}; allowed is a question that was shown`);
    const allowed = choicesOf(this.kind, this.item(place), place).map((choice) => choice.answer);
    if (!allowed.includes(answer))
      throw new UserError("invalid-input", `invalid answer: ${answer}; allowed are ${allowed.join(", ")}`);
    this.store.answer(participant.id, position, answer, this.now(), shown);
  }

  /** The completion code, which is the same at every return. */
  finish({ participant }: Standing, code = completionCode()): string {
    return participant.code ?? this.store.finish(participant.id, code, this.now());
  }

  withdraw({ participant }: Standing): void {
    this.store.withdraw(participant.id);
  }
}

export const newParticipant = (): string => randomBytes(12).toString("hex");

/** What the file knows of a secret. */
const hashed = (secret: string): string => createHash("sha256").update(secret).digest("base64url");

/** 50 bits in 10 characters that are not mistaken for each other. */
function completionCode(): string {
  const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  return [...randomBytes(10)].map((byte) => alphabet[byte % 32]).join("");
}
