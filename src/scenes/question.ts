/**
 * @file Questions of six kinds, and their answers: from the text of a question back to its meaning, and from that to the truth.
 */

import { type Description, fitting, only, parsePhrase, phrase, phraseOfMany, related } from "./describe.ts";
import type { Scene } from "./scene.ts";
import { type Answer, type Relation, relations } from "./words.ts";

/** The kinds of question. */
export const questionKinds = ["colour", "shape", "existence", "count", "relation", "comparison"] as const;
export type QuestionKind = (typeof questionKinds)[number];

/** What a question asks. */
export type Question =
  | { readonly kind: "colour" | "shape" | "existence" | "count"; readonly of: Description }
  | { readonly kind: "relation"; readonly a: Description; readonly relation: Relation; readonly b: Description }
  | {
      readonly kind: "comparison";
      readonly by: "bigger" | "same colour" | "more";
      readonly a: Description;
      readonly b: Description;
    };

/** The words of a question, without a question mark. */
export function questionText(question: Question): string {
  switch (question.kind) {
    case "colour":
    case "shape":
      return `what ${question.kind} is the ${phrase(question.of)}`;
    case "existence":
      return `is there a ${phrase(question.of)}`;
    case "count":
      return `how many ${phraseOfMany(question.of)} are there`;
    case "relation":
      return `is the ${phrase(question.a)} ${question.relation} the ${phrase(question.b)}`;
    case "comparison": {
      const { by, a, b } = question;
      if (by === "more") return `are there more ${phraseOfMany(a)} than ${phraseOfMany(b)}`;
      return `is the ${phrase(a)} ${by === "bigger" ? "bigger than" : "the same colour as"} the ${phrase(b)}`;
    }
  }
}

/** Forms of questions: what stands around one or two descriptions, and what is meant by it. */
const forms: readonly {
  readonly form: RegExp;
  readonly many?: boolean;
  readonly read: (a: Description, b: Description) => Question;
}[] = [
  { form: /^what colou?r is the (.+)$/, read: (of) => ({ kind: "colour", of }) },
  { form: /^what shape is the (.+)$/, read: (of) => ({ kind: "shape", of }) },
  { form: /^is there an? (.+)$/, read: (of) => ({ kind: "existence", of }) },
  { form: /^how many (.+) are there$/, many: true, read: (of) => ({ kind: "count", of }) },
  { form: /^are there more (.+) than (.+)$/, many: true, read: (a, b) => ({ kind: "comparison", by: "more", a, b }) },
  { form: /^is the (.+) bigger than the (.+)$/, read: (a, b) => ({ kind: "comparison", by: "bigger", a, b }) },
  {
    form: /^is the (.+) the same colou?r as the (.+)$/,
    read: (a, b) => ({ kind: "comparison", by: "same colour", a, b }),
  },
  ...relations.map((relation) => ({
    form: new RegExp(`^is the (.+) ${relation} the (.+)$`),
    read: (a: Description, b: Description): Question => ({ kind: "relation", a, relation, b }),
  })),
];

/** What a question asks, or undefined where it is not one of this world. Case, spacing and the question mark do not matter. */
export function parseQuestion(text: string): Question | undefined {
  const words = text.toLowerCase().replace("?", "").trim().split(/\s+/).join(" ");
  for (const { form, many, read } of forms) {
    const found = form.exec(words);
    if (!found) continue;
    const [a, b] = found.slice(1).map((part) => parsePhrase(part.split(" "), many));
    return a && (found.length === 2 || b) ? read(a, b as Description) : undefined;
  }
  return undefined;
}

/**
 * The answer to a question about a scene, or undefined where it has none: it is not of this world, or speaks of "the red circle"
 * where there is none, or two.
 */
export function answerTo(scene: Scene, question: Question | string): Answer | undefined {
  const asked = typeof question === "string" ? parseQuestion(question) : question;
  if (!asked) return undefined;
  const count = (description: Description) => fitting(scene, description).length;
  const yes = (holds: boolean) => (holds ? "yes" : "no");
  switch (asked.kind) {
    case "colour":
    case "shape":
      return only(scene, asked.of)?.[asked.kind];
    case "existence":
      return yes(count(asked.of) > 0);
    case "count":
      return String(count(asked.of)) as Answer;
    case "relation": {
      const [a, b] = [only(scene, asked.a), only(scene, asked.b)];
      return a && b && a !== b ? yes(related(a, asked.relation, b)) : undefined;
    }
    case "comparison": {
      if (asked.by === "more") return yes(count(asked.a) > count(asked.b));
      const [a, b] = [only(scene, asked.a), only(scene, asked.b)];
      if (!a || !b || a === b) return undefined;
      return yes(asked.by === "bigger" ? a.size === "big" && b.size === "small" : a.colour === b.colour);
    }
  }
}
