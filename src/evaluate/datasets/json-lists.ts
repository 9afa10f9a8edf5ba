/**
 * @file The entries of the lists in one large JSON object, piece by piece: memory for one entry at a time, whatever the file's size, and an
 * entry that is too deep or too large is that entry's fault alone. (Parsers of streams on npm make a value of every token, and give up on
 * the whole file.) Each entry is JSON.parse's; of what lies outside of the lists only strings and brackets are read.
 */
import { UserError } from "../../errors.ts";

/** Levels within an entry. */
const mostDepth = 64;
/** Bytes of an entry; and of one that is nested too deeply, which is read to say whose it is. */
const mostBytes = 16 * 2 ** 20;
const mostDeepBytes = 2 ** 20;

export interface Entry {
  /** The key of its list. */
  readonly list: string;
  /** Its place there, from 0. */
  readonly index: number;
  /** Undefined where it has too many bytes. */
  readonly value: unknown;
  /** Why it is not to be used, whatever its value. */
  readonly fault?: string;
}

/**
 * Tells of all entries of these lists, in the order of the file.
 * @returns the keys of all lists
 * @throws UserError `invalid-input` that names the file
 */
export async function eachEntry(
  pieces: AsyncIterable<Uint8Array>,
  lists: readonly string[],
  file: string,
  act: (entry: Entry) => void,
): Promise<ReadonlySet<string>> {
  const scanner = new Scanner(lists, file, act);
  for await (const piece of pieces) scanner.read(piece);
  return scanner.end();
}

const code = (character: string): number => character.charCodeAt(0);
const [quote, backslash, comma, colon, object, list, objectEnd, listEnd] = [
  '"',
  "\\",
  ",",
  ":",
  "{",
  "[",
  "}",
  "]",
].map(code);

class Scanner {
  readonly #found = new Set<string>();
  /** Brackets that are open; strings are open, and the next character belongs to one in any case. */
  #depth = 0;
  #quoted = false;
  #escaped = false;
  #isObject = false;
  /** The last string between the entries of the object, and the one that a colon followed. */
  readonly #string = new Gathered();
  #key = "";
  /** The list at hand. */
  #list: string | undefined;
  #index = 0;
  #deepest = 0;
  readonly #entry = new Gathered();

  constructor(
    private readonly lists: readonly string[],
    private readonly file: string,
    private readonly act: (entry: Entry) => void,
  ) {}

  read(piece: Uint8Array): void {
    // Where what is gathered goes on, or begins, in this piece.
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (this.#quoted) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) {
          this.#quoted = false;
          if (this.#depth === 1) this.#string.add(piece.subarray(from, at), mostDeepBytes);
        }
      } else if (byte === quote) {
        this.#quoted = true;
        if (this.#depth === 1) {
          this.#string.clear();
          from = at + 1;
        }
      } else if (byte === object || byte === list) {
        if (++this.#depth === 1) this.#isObject = byte === object;
        if (this.#list !== undefined) this.#deepest = Math.max(this.#deepest, this.#depth - 2);
        else if (this.#depth === 2 && byte === list && this.#begins()) from = at + 1;
      } else if (byte === comma || byte === listEnd || byte === objectEnd) {
        if (this.#list !== undefined && this.#depth === 2) {
          this.#gather(piece.subarray(from, at));
          this.#finish(byte !== comma);
          from = at + 1;
        }
        if (this.#depth === 1) this.#key = "";
        if (byte !== comma && --this.#depth < 0) throw this.#invalid("it has more ends than beginnings");
      } else if (byte === colon && this.#depth === 1) this.#key = this.#string.text();
    }
    if (this.#list !== undefined) this.#gather(piece.subarray(from));
    else if (this.#quoted && this.#depth === 1) this.#string.add(piece.subarray(from), mostDeepBytes);
  }

  end(): ReadonlySet<string> {
    if (this.#quoted || this.#depth > 0) throw this.#invalid("it ends in the middle");
    return this.#found;
  }

  #begins(): boolean {
    if (!this.#isObject) return false;
    if (this.#found.has(this.#key)) throw this.#invalid(`"${this.#key}" is there twice`);
    this.#found.add(this.#key);
    if (!this.lists.includes(this.#key)) return false;
    this.#list = this.#key;
    this.#index = 0;
    return true;
  }

  #gather(part: Uint8Array): void {
    this.#entry.add(part, this.#deepest > mostDepth ? mostDeepBytes : mostBytes);
  }

  #finish(last: boolean): void {
    const entry = { list: this.#list as string, index: this.#index++ };
    const text = this.#entry.text();
    if (this.#entry.over) this.act({ ...entry, value: undefined, fault: `more than ${mostBytes} bytes, or too deep` });
    else if (!(last && entry.index === 0 && text.trim() === "")) {
      const value = this.#parse(text, entry);
      const deep = this.#deepest > mostDepth;
      this.act({ ...entry, value, ...(deep && { fault: `nested too deeply; at most ${mostDepth} levels are read` }) });
    }
    this.#entry.clear();
    this.#deepest = 0;
    if (last) this.#list = undefined;
  }

  #parse(text: string, { list, index }: Pick<Entry, "list" | "index">): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#invalid(`entry ${index} of "${list}": ${(cause as Error).message}`);
    }
  }

  #invalid(what: string): UserError {
    return new UserError("invalid-input", `invalid annotations: ${this.file} is not JSON (${what})`);
  }
}

/** Bytes that may lie in several pieces, up to a size. */
class Gathered {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  over = false;

  add(part: Uint8Array, most: number): void {
    this.#bytes += part.length;
    if (this.#bytes > most) {
      this.over = true;
      this.#parts = [];
    }
    if (!this.over && part.length) this.#parts.push(part);
  }

  clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.over = false;
  }

  text(): string {
    const [first = new Uint8Array(), ...others] = this.#parts;
    return decoder.decode(others.length ? Buffer.concat(this.#parts) : first);
  }
}

const decoder = new TextDecoder();
