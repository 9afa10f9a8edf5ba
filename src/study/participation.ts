/** @file Taking part, from consent to the completion code. Who somebody is, is a random number; what a browser holds opens nothing else. */
import { createHash, randomBytes } from "node:crypto";
import { UserError } from "../errors.ts";
import { randomFor } from "../evaluate/random.ts";
import { assign, sequence } from "./assignment.ts";
import { kinds } from "./kinds/index.ts";
import { choicesOf } from "./kinds/kind.ts";
import type { Participant, Place, Store } from "./store.ts";
import type { Item } from "./study.ts";

/** Who stayed away for so long, in milliseconds, is not waited for: the items go to others too. */
export const patience = 2 * 3600e3;

/** Where a participant stands. */
export interface Standing {
  readonly participant: Participant;
  readonly places: readonly Place[];
  /** The first without an answer; undefined at the end. */
  readonly next: Place | undefined;
}

export class Participation {
  readonly kind;
  readonly #items: ReadonlyMap<string, Item>;

  constructor(
    readonly store: Store,
    private readonly now: () => number = Date.now,
  ) {
    this.kind = kinds[store.study.kind];
    this.#items = new Map(store.study.items.map((item) => [item.id, item]));
  }

  item({ item }: Place): Item {
    return this.#items.get(item) as Item;
  }

  /**
   * Takes somebody in.
   * @returns the secret that the browser keeps, or undefined when the study is full.
   */
  begin(id = randomBytes(12).toString("hex")): string | undefined {
    const { store } = this;
    const random = randomFor(store.study.seed, "participant", id);
    const secret = randomBytes(24).toString("base64url");
    return store.atOnce(() => {
      const now = this.now();
      const trials = assign(store.study, store.counts(now - patience), random);
      if (trials.length === 0) return undefined;
      store.enrol(id, hashed(secret), sequence(store.study, trials, random), now);
      return secret;
    });
  }

  /** Where the holder of a secret stands; undefined for one that nobody was given. */
  standing(secret: string | undefined): Standing | undefined {
    const participant = secret && this.store.participant(hashed(secret));
    if (!participant) return undefined;
    const places = this.store.places(participant.id);
    return { participant, places, next: places.find(({ answer }) => answer === null) };
  }

  shown({ participant }: Standing, { position }: Place): void {
    this.store.show(participant.id, position, this.now());
  }

  /** Keeps the first answer to a place that was reached. @throws UserError `invalid-input` for another place or answer. */
  answer({ participant, places, next }: Standing, position: number, answer: number): void {
    const place = places[position];
    if (!place || (next && position > next.position))
      throw new UserError("invalid-input", `invalid position: ${position}; allowed is a question that was shown`);
    const allowed = choicesOf(this.kind, this.item(place), place).map((choice) => choice.answer);
    if (!allowed.includes(answer))
      throw new UserError("invalid-input", `invalid answer: ${answer}; allowed are ${allowed.join(", ")}`);
    this.store.answer(participant.id, position, answer, this.now());
  }

  /** The completion code, which is the same at every return. */
  finish({ participant }: Standing, code = completionCode()): string {
    return participant.code ?? this.store.finish(participant.id, code, this.now());
  }

  withdraw({ participant }: Standing): void {
    this.store.withdraw(participant.id);
  }
}

/** What the file knows of a secret. */
const hashed = (secret: string): string => createHash("sha256").update(secret).digest("base64url");

/** 50 bits in 10 characters that are not mistaken for each other. */
function completionCode(): string {
  const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  return [...randomBytes(10)].map((byte) => alphabet[byte % 32]).join("");
}
