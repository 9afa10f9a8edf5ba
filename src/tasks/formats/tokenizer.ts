/** @file Text to numbers and back, by the `tokenizer.json` of a model; and the words that a person sees in a row of tokens. */
import { Tokenizer } from "@huggingface/tokenizers";
import { firstLine, listing, UserError } from "../../errors.ts";
import { inner } from "./json.ts";

/** A word of a sentence: its text, and the tokens [from, to) that spell it. */
export interface Word {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #special: ReadonlySet<number>;
  readonly #unknown: number | undefined;

  /**
   * @param json what `tokenizer.json` holds
   * @param config what `tokenizer_config.json` holds, {} where there is none
   * @throws UserError `invalid-input` for what is no tokenizer, or one of a kind that is not read.
   */
  constructor(json: unknown, config: unknown = {}) {
    const { unk_token } = inner(json, "model");
    const unknown = typeof unk_token === "string" ? unk_token : undefined;
    try {
      this.#tokenizer = new Tokenizer(json as object, { unk_token: unknown, ...(config as object) });
    } catch (cause) {
      throw new UserError("invalid-input", `invalid tokenizer.json: ${firstLine(cause)}`, { cause });
    }
    const added = [...this.#tokenizer.get_added_tokens_decoder()];
    this.#special = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
    this.#unknown = unknown === undefined ? undefined : this.idOf(unknown);
  }

  /** The number of a token; undefined where there is none of this name. */
  idOf(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  /** Whether a token stands for no text (start, end, padding). */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /**
   * The tokens of a text.
   * @param what how an error calls the text
   * @param special whether those that the model wants around a text are added
   * @param verbatim whether its spaces and line breaks stay as they are
   * @throws UserError `invalid-input` for an empty text, `unknown-name` for words that the vocabulary lacks.
   */
  encode(text: string, what: string, { special = false, verbatim = false } = {}): number[] {
    const plain = verbatim ? text : checkedText(text, what);
    const isUnknown = (id: number | undefined) => id === undefined || id === this.#unknown;
    const ids = this.#tokenizer.encode(plain, { add_special_tokens: special }).ids as (number | undefined)[];
    if (ids.some(isUnknown)) {
      const words = plain
        .split(" ")
        .filter((word) => this.#tokenizer.encode(word, { add_special_tokens: false }).ids.some(isUnknown));
      const names = listing(new Set(words.map((word) => `"${word}"`)));
      throw new UserError(
        "unknown-name",
        `unknown ${words.length > 1 ? "words" : "word"}: ${names} in the ${what}; ${this.#known()}`,
      );
    }
    return ids as number[];
  }

  #known(): string {
    const words = [...this.#tokenizer.get_vocab(false).keys()].filter((word) => /^[\p{L}\p{N}]+$/u.test(word)).sort();
    return words.length > 60 ? `the model knows ${words.length} words` : `the model knows ${listing(words, 60)}`;
  }

  /** The text of tokens, special ones left out. */
  decode(ids: readonly number[]): string {
    const plain = ids.filter((id) => !this.#special.has(id));
    return plain.length ? this.#tokenizer.decode([...plain], { clean_up_tokenization_spaces: true }).trim() : "";
  }

  /** The text of one token as it stands in the vocabulary. */
  tokenText(id: number): string {
    return this.#tokenizer.decode([id], { clean_up_tokenization_spaces: false });
  }

  /** The words that tokens spell: a space begins one, and so does what is no letter or number. Special tokens belong to none. */
  words(ids: readonly number[]): Word[] {
    const words: { text: string; from: number; to: number }[] = [];
    const shown: number[] = [];
    let before = "";
    ids.forEach((id, t) => {
      if (this.#special.has(id)) return;
      shown.push(id);
      const text = this.#tokenizer.decode([...shown], { clean_up_tokenization_spaces: false });
      const piece = text.startsWith(before) ? text.slice(before.length) : text;
      before = text;
      const last = words.at(-1);
      const continues =
        last &&
        last.to === t &&
        !/^\s/.test(piece) &&
        /[\p{L}\p{N}\u{fffd}]/u.test(piece) &&
        /[\p{L}\p{N}\u{fffd}'-]$/u.test(last.text);
      if (continues) {
        last.text += piece;
        last.to = t + 1;
      } else words.push({ text: piece.trim(), from: t, to: t + 1 });
    });
    return words.filter(({ text }) => text !== "");
  }
}

/** A person's text with single spaces; @throws UserError `invalid-input` for an empty one. */
export function checkedText(text: string, what: string): string {
  const plain = text.trim().replace(/\s+/g, " ");
  if (plain === "") throw new UserError("invalid-input", `invalid ${what}: it is empty; give a few words`);
  return plain;
}
