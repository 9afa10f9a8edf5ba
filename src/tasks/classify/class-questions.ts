/** @file Which classes are asked about: by questions of the one grammar, or by the options that mean the same. */
import { UserError } from "../../errors.ts";
import type { ClassQuery, Labels } from "../labels.ts";
import { type ParsedQuestion, type PlainQuestion, parseQuestion, refuseQuestion } from "../questions.ts";
import type { AskedClass, ClassQuestion } from "./explanations.ts";
import type { ClassifyOptions } from "./options.ts";

/** The classes that a query stands for, the best first. */
type Find = (query: ClassQuery) => readonly number[];

/**
 * @param can what the model can be asked, for who asks something else
 * @throws UserError `unknown-name`, `invalid-option`
 */
export function classQuestions(
  {
    targets = [],
    classes,
    against,
    counterfactual,
  }: Pick<ClassifyOptions, "targets" | "classes" | "against" | "counterfactual">,
  find: Find,
  labels: Labels,
  can: readonly string[],
): AskedClass[] {
  const queries = classes ?? (targets.length ? [] : ["top1"]);
  const rather = against === undefined ? undefined : one(find, against);
  const byOptions = queries
    .flatMap((query) => [...find(query)])
    .map((index) => {
      const question: ClassQuestion = { class: index, against: rather, counterfactual };
      return { ...question, target: targetText(question) };
    });
  const byTargets = targets.flatMap((asked) => ofQuestion(parseQuestion(asked), find, can));
  const all = [...byOptions, ...byTargets];
  if (all.length === 0) throw new UserError("invalid-option", "invalid classes: no class is given");
  const same = all.find((question) => question.class === question.against);
  if (same)
    throw new UserError(
      "invalid-option",
      `invalid against: "${labels.name(same.class)}" (${same.class}) is the class that is explained; name another class`,
    );
  const texts = all.map(targetText);
  return all.filter((_, i) => texts.indexOf(texts[i] ?? "") === i);
}

/** In the grammar: "class:281", "class:281 ~ class:285", "not:281". */
export const targetText = ({ class: index, against, counterfactual }: ClassQuestion): string =>
  against !== undefined ? `class:${index} ~ class:${against}` : counterfactual ? `not:${index}` : `class:${index}`;

function ofQuestion(question: ParsedQuestion, find: Find, can: readonly string[]): AskedClass[] {
  const { asked, rather, opposite } = question;
  for (const part of [question, ...(rather ? [{ ...rather, asked }] : [])])
    if (part.kind !== "class") refuseQuestion({ ...part, asked }, can);
  const found = find(question.of);
  const other = rather && one(find, rather.of);
  return found.map((index): AskedClass => {
    const about = { class: index, against: other, ...(opposite && { counterfactual: true }) };
    return { ...about, target: found.length === 1 && !isTop(question) ? asked : targetText(about) };
  });
}

const isTop = ({ of }: PlainQuestion): boolean => /^top\d+$/.test(of);

function one(find: Find, query: ClassQuery): number {
  const found = find(query);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  throw new UserError("invalid-option", `invalid against: "${query}" is several classes; name one`);
}
