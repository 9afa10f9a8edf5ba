/** @file Literals of Python, as exporters write them into metadata: {0: 'cat', 1: "dog's"}, [640, 640], (1, 2), True, None, 3.5. */

/** How deep literals are read: a file may hold anything. */
const deepest = 8;
const longest = 1 << 20;

/** A dictionary as a Map, a list or tuple as an array, None as null; undefined for what is no literal. */
export function parsePython(text: string): unknown {
  if (text.length > longest) return undefined;
  const reader = new Reader(text);
  try {
    const value = reader.value(0);
    return reader.done ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class Reader {
  #at = 0;
  constructor(private readonly text: string) {}

  get done(): boolean {
    this.#space();
    return this.#at === this.text.length;
  }

  value(depth: number): unknown {
    if (depth > deepest) throw new SyntaxError("too deep");
    this.#space();
    const first = this.text[this.#at];
    if (first === "{") return this.#dictionary(depth);
    if (first === "[") return this.#list("]", depth);
    if (first === "(") return this.#list(")", depth);
    if (first === "'" || first === '"') return this.#string(first);
    const [word = ""] = /^[\w.+-]+/.exec(this.text.slice(this.#at, this.#at + 40)) ?? [];
    this.#at += word.length;
    if (word === "None") return null;
    if (word === "True" || word === "False") return word === "True";
    if (/^[+-]?(\d|\.\d)/.test(word) && Number.isFinite(Number(word))) return Number(word);
    throw new SyntaxError("no literal");
  }

  #dictionary(depth: number): Map<unknown, unknown> {
    const entries = new Map<unknown, unknown>();
    this.#at++;
    while (!this.#ends("}")) {
      const key = this.value(depth + 1);
      this.#take(":");
      entries.set(key, this.value(depth + 1));
      if (!this.#ends(",")) {
        this.#take("}");
        break;
      }
    }
    return entries;
  }

  #list(end: string, depth: number): unknown[] {
    const values: unknown[] = [];
    this.#at++;
    while (!this.#ends(end)) {
      values.push(this.value(depth + 1));
      if (!this.#ends(",")) {
        this.#take(end);
        break;
      }
    }
    return values;
  }

  #string(quote: string): string {
    let out = "";
    for (this.#at++; this.#at < this.text.length; this.#at++) {
      const c = this.text[this.#at] as string;
      if (c === quote) {
        this.#at++;
        return out;
      }
      if (c !== "\\") {
        out += c;
        continue;
      }
      const [written = ""] = /^\\(x[\da-f]{2}|u[\da-f]{4}|.)/i.exec(this.text.slice(this.#at, this.#at + 6)) ?? [];
      this.#at += written.length - 1;
      const kind = written[1] ?? "";
      out +=
        (kind === "x" || kind === "u") && written.length > 2
          ? String.fromCharCode(Number.parseInt(written.slice(2), 16))
          : (({ n: "\n", t: "\t", r: "\r" } as Record<string, string>)[kind] ?? kind);
    }
    throw new SyntaxError("an open string");
  }

  #space(): void {
    while (/\s/.test(this.text[this.#at] ?? "")) this.#at++;
  }

  #ends(mark: string): boolean {
    this.#space();
    if (this.text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #take(mark: string): void {
    if (!this.#ends(mark)) throw new SyntaxError(`no ${mark}`);
  }
}
