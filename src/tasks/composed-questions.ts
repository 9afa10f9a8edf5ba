/** @file Questions of the grammar about elements, made of plain ones: one thing, one rather than another, the opposite of one. */
import { UserError } from "../errors.ts";
import type { ElementQuestion } from "../explain/elements.ts";
import type { AskedElements } from "./element-answers.ts";
import { type ParsedQuestion, type PlainQuestion, parseQuestion, topOf } from "./questions.ts";

export interface Composing {
  /** What a plain question stands for; `asked` is the whole one, as it was asked. */
  readonly partsOf: (plain: PlainQuestion, asked: string) => readonly AskedElements[];
}

/** One thing is asked once, as it was asked first; @throws UserError for what is no question. */
export function composedQuestions(targets: readonly string[], composing: Composing): AskedElements[] {
  const seen = new Map<string, AskedElements>();
  for (const one of targets.flatMap((target) => ofQuestion(parseQuestion(target), composing)))
    if (!seen.has(one.asked)) seen.set(one.asked, one);
  return [...seen.values()];
}

function ofQuestion(question: ParsedQuestion, { partsOf }: Composing): AskedElements[] {
  const { asked, rather, opposite } = question;
  const parts = partsOf(question, asked);
  const others = rather ? partsOf(rather, asked) : [];
  if (others.length > 1)
    throw new UserError("invalid-option", `invalid target: "${asked}"; expected one thing after " ~ "`);
  if (parts.some((part) => part.asked === others[0]?.asked))
    throw new UserError(
      "invalid-option",
      `invalid target: "${asked}"; expected another thing after " ~ " than in front`,
    );
  return parts.map((part): AskedElements => {
    const single = parts.length === 1 && topOf(question.of) === undefined;
    const [other] = others;
    if (other) {
      return {
        ...part,
        target: single ? asked : `${part.target} ~ ${other.target}`,
        question: `${part.question} rather than ${other.question}`,
        asked: `${part.asked}-against-${other.asked}`,
        ...difference(part, other),
        attributes: undefined,
        warnings: [...part.warnings, ...other.warnings],
      };
    }
    const target = single ? asked : `${opposite ? "not:" : ""}${part.target}`;
    if (!opposite) return { ...part, target };
    const against = {
      about: negative(part.about),
      ...(part.parts && { parts: part.parts.map(negative) }),
      attributes: undefined,
    };
    return { ...part, ...against, target, question: `against ${part.question}`, asked: `not-${part.asked}` };
  });
}

/** One thing rather than another: where the one has its maps, less what the other reads there. */
function difference({ about, parts }: AskedElements, other: AskedElements): Pick<AskedElements, "about" | "parts"> {
  const less = ({ sum, layer }: ElementQuestion) => ({ sum: [...sum, ...negative(other.about).sum], layer });
  return { about: less(about), ...(parts && { parts: parts.map(less) }) };
}

const negative = ({ sum, layer }: ElementQuestion): ElementQuestion => ({
  sum: sum.map((one) => ({ ...one, weight: -one.weight })),
  layer,
});
