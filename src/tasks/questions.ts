/**
 * @file The one grammar of questions, read once for the library, the command line, the studio, the service and evaluation:
 *
 *   question = plain | plain " ~ " plain | "not:" (class | plain)
 *   plain    = kind ":" text
 *
 * After the first colon all is text, so a label may hold colons, commas and hyphens; only " ~ ", with its spaces, before a kind of question
 * and a colon parts two questions, the first of which is asked rather than the second.
 */
import { listing, UserError } from "../errors.ts";

/** What can be asked about. */
export const questionKinds = [
  "class",
  "box",
  "mask",
  "region",
  "pixel",
  "point",
  "char",
  "text",
  "token",
  "word",
] as const;
export type QuestionKind = (typeof questionKinds)[number];

/** A kind, and which one of it: "class" and "cat", "box" and "3.left". */
export interface PlainQuestion {
  readonly kind: QuestionKind;
  readonly of: string;
}

export interface ParsedQuestion extends PlainQuestion {
  /** As it was asked. */
  readonly asked: string;
  /** Why the first rather than this one. */
  readonly rather?: PlainQuestion;
  /** What speaks against it. */
  readonly opposite?: true;
}

const begins = new RegExp(`^(?:${[...questionKinds, "not"].join("|")}):`);
const parts = new RegExp(` ~ (?=(?:${[...questionKinds, "not"].join("|")}):)`);

/** @throws UserError `invalid-option` for what is no question. */
export function parseQuestion(asked: string): ParsedQuestion {
  const [first = "", second, ...more] = asked.trim().split(parts);
  if (more.length || (second !== undefined && [first, second].some((text) => text.startsWith("not:"))))
    throw wrong(asked, "one question rather than another, neither of them with not:, as class:A ~ class:B");
  if (second !== undefined) return { asked, ...plain(first, asked), rather: plain(second, asked) };
  if (!first.startsWith("not:")) return { asked, ...plain(first, asked) };
  const rest = first.slice("not:".length);
  if (rest.startsWith("not:")) throw wrong(asked, "not: once");
  return { asked, ...plain(begins.test(rest) ? rest : `class:${rest}`, asked), opposite: true };
}

function plain(text: string, asked: string): PlainQuestion {
  const at = text.indexOf(":");
  const kind = questionKinds.find((one) => at > 0 && text.slice(0, at) === one);
  const of = text.slice(at + 1).trim();
  if (!kind) throw wrong(asked, `a kind and a colon first: ${listing(questionKinds.map((one) => `${one}:`))}`);
  if (of === "") throw wrong(asked, `what is asked about after "${kind}:"`);
  const quoted = kind === "text" && /^(["']).*\1$/.test(of);
  return { kind, of: quoted ? of.slice(1, -1) : of };
}

const wrong = (asked: string, expected: string): UserError =>
  new UserError("invalid-option", `invalid target: "${asked}"; expected ${expected}`);

/** @throws UserError `invalid-option` that lists what this model can be asked. */
export function refuseQuestion({ asked, kind }: Pick<ParsedQuestion, "asked" | "kind">, can: readonly string[]): never {
  const allowed = can.length ? `it can be asked ${listing(can, 12)}` : "it can be asked nothing of this grammar";
  throw new UserError(
    "invalid-option",
    `invalid target: "${asked}": this model has no ${kind} to ask about; ${allowed}`,
  );
}

/** What is asked about is not in this sample, and may be in another. */
export class NotInSample extends UserError {
  constructor(what: string, asked: string, allowed: string) {
    super("unknown-name", `unknown ${what}: "${asked}"; ${allowed}`);
  }
}

/** A whole number from 0 on; @throws NotInSample that says which there are. */
export function indexOf(text: string, count: number, what: string, asked: string): number {
  const index = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
  if (index < count) return index;
  const allowed = count === 0 ? "there is none" : count === 1 ? "allowed is 0 alone" : `allowed are 0 to ${count - 1}`;
  throw new NotInSample(what, asked, allowed);
}

/** "top5": how many of the best; undefined for other texts. */
export function topOf(text: string): number | undefined {
  const found = /^top([1-9]\d{0,5})$/.exec(text);
  return found ? Number(found[1]) : undefined;
}
