/// <reference lib="esnext.disposable" preserve="true" />
/**
 * @file The one owner of sessions: opened when they are first needed, lent to whoever uses them, and closed when there are too many and
 * nobody does.
 *
 * A session holds a copy of the weights and the memory of its largest run, so as many as there are questions would fill any machine.
 */
import { UserError } from "../errors.ts";
import type { SessionOptions } from "../onnx/runtime.ts";

/** How many sessions are kept, and how many bytes they may take together, by an estimate; whichever is reached first. */
export interface SessionBound {
  /** 4 by default. */
  readonly count?: number;
  /** 1 GB by default. However large they are, two stay: one question needs a forward pass and its adjoint. */
  readonly bytes?: number;
}

/** What is owned: a session, what is known of it, and another one that goes before it. */
export interface Owned {
  readonly session: { release(): Promise<void> };
  readonly before?: Owned;
}

/** How to open a session: by its key, which is compared part by part, objects and functions by identity. */
export interface Recipe<T extends Owned> {
  readonly key: readonly unknown[];
  /** What it will take, by an estimate. */
  readonly bytes: number;
  readonly open: () => Promise<T>;
}

/** Whom a session is lent by: the owner, or a loan, whose holder may take another one over the bound rather than wait for itself. */
export interface Lender {
  use<T extends Owned, R>(recipe: Recipe<T>, work: (owned: T, holder: Lender) => Promise<R>): Promise<R>;
}

interface Entry {
  readonly opened: Promise<Owned>;
  readonly bytes: number;
  /** Whether it is closed when it comes back: nobody will ask for it again. */
  retired?: boolean;
  /** Who uses it now, the one that opens it included. */
  users: number;
}

/**
 * Sessions that run in turn: the threads of one must not spin on the cores that the next needs (VGG-16's forward pass and adjoint: 1.15
 * forward passes with spinning, 1.08 without).
 */
export const quiet: SessionOptions = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

const few: Required<SessionBound> = { count: 4, bytes: 1e9 };
/** For many pictures of one size, each asked by all of these methods in turn: each has an adjoint, and the forward pass comes before them. */
export const keepFor = (methods: readonly string[]): SessionBound => ({
  count: Math.max(few.count, methods.length + 2),
});

/** Of so many, none is closed for its bytes. */
const always = 2;

export class Sessions implements Lender {
  /** The last used last. */
  readonly #entries = new Map<string, Entry>();
  readonly #ids = new WeakMap<object, number>();
  readonly #bound: Required<SessionBound>;
  #nextId = 0;
  /** What is open, or being closed. */
  #count = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];
  #released: Promise<void> | undefined;

  constructor(bound: SessionBound = {}) {
    this.#bound = { ...few, ...bound };
  }

  /**
   * Lends the session of a key to `work`, opened now where it is not. Where that would be one too many, one that nobody uses is closed
   * first, the longest unused; where all are in use, it waits.
   * @throws UserError `released` after {@link release}; whatever opening and `work` throw.
   */
  use<T extends Owned, R>(recipe: Recipe<T>, work: (owned: T, holder: Lender) => Promise<R>): Promise<R> {
    return this.#use(recipe, work, false);
  }

  /** Whether a session is open, or being opened. */
  has(key: readonly unknown[]): boolean {
    return this.#entries.has(this.#text(key));
  }

  /** Closes a session that nobody will ask for again: now, or when it comes back. */
  async retire(key: readonly unknown[]): Promise<void> {
    const entry = this.#entries.get(this.#text(key));
    if (!entry) return;
    entry.retired = true;
    await this.#tidy();
  }

  get released(): boolean {
    return this.#released !== undefined;
  }

  /** Closes all: at once what nobody uses, the others when they come back. */
  release(): Promise<void> {
    this.#released ??= this.#closeAll();
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #use<T extends Owned, R>(
    recipe: Recipe<T>,
    work: (owned: T, holder: Lender) => Promise<R>,
    holding: boolean,
  ): Promise<R> {
    const key = this.#text(recipe.key);
    const entry = await this.#borrow(key, recipe, holding);
    try {
      const owned = (await entry.opened) as T;
      return await work(owned, { use: (other, more) => this.#use(other, more, true) });
    } finally {
      entry.users--;
      await this.#tidy();
      this.#wake();
    }
  }

  async #borrow(key: string, recipe: Recipe<Owned>, holding: boolean): Promise<Entry> {
    for (;;) {
      if (this.#released) throw released();
      const known = this.#entries.get(key);
      if (known) {
        known.users++;
        this.#entries.delete(key);
        this.#entries.set(key, known);
        return known;
      }
      if (this.#fits(1, recipe.bytes)) return this.#open(key, recipe);
      const idle = this.#idle();
      // Nothing may come between what is seen here and waiting for it to change: the call to wake would be missed.
      if (idle) await this.#close(...idle);
      else if (holding || this.#count === 0) return this.#open(key, recipe);
      else await this.#change();
    }
  }

  #open(key: string, { open, bytes }: Recipe<Owned>): Entry {
    const entry: Entry = { opened: open(), bytes, users: 1 };
    this.#entries.set(key, entry);
    this.#count++;
    this.#bytes += bytes;
    this.#wake(); // who waits for this one need wait no longer
    entry.opened.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      this.#gone(entry);
    });
    return entry;
  }

  #idle(isWanted: (entry: Entry) => boolean = () => true): [string, Entry] | undefined {
    return [...this.#entries].find(([, entry]) => entry.users === 0 && isWanted(entry));
  }

  #fits(more: number, bytes: number): boolean {
    const count = this.#count + more;
    return count <= this.#bound.count && (count <= always || this.#bytes + bytes <= this.#bound.bytes);
  }

  /** Closes what has been replaced, and what is too much. */
  async #tidy(): Promise<void> {
    for (;;) {
      const replaced = this.#idle(({ retired }) => retired === true);
      const idle = replaced ?? (this.#fits(0, 0) ? undefined : this.#idle());
      if (!idle) return;
      await this.#close(...idle);
    }
  }

  async #close(key: string, entry: Entry): Promise<void> {
    this.#entries.delete(key);
    try {
      const { session, before } = await entry.opened;
      await Promise.all([session.release(), before?.session.release()]);
    } finally {
      this.#gone(entry);
    }
  }

  #gone({ bytes }: Entry): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#wake();
  }

  /** When something has been opened, given back or closed. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  async #closeAll(): Promise<void> {
    this.#wake(); // who waits hears that it is over
    for (;;) {
      const idle = this.#idle();
      if (idle) await this.#close(...idle);
      else if (this.#count === 0) return;
      else await this.#change();
    }
  }

  #text(key: readonly unknown[]): string {
    return JSON.stringify(key.map((part) => (isObject(part) ? { id: this.#idOf(part) } : (part ?? null))));
  }

  #idOf(part: object): number {
    const known = this.#ids.get(part) ?? ++this.#nextId;
    this.#ids.set(part, known);
    return known;
  }
}

const isObject = (part: unknown): part is object =>
  typeof part === "function" || (typeof part === "object" && part !== null);

export const released = (): UserError => new UserError("released", "released: open the model again");
