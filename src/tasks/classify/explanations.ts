/** @file Explanations of classes: what is asked in words, and a map for each class and method. */
import { UserError } from "../../errors.ts";
import type { SingleTarget } from "../../explain/every-layer.ts";
import type { Forward } from "../../explain/forward.ts";
import type { Target } from "../../explain/target.ts";
import type { Method } from "../../methods/method.ts";
import { inSteps } from "../asking.ts";
import type { Labels } from "../labels.ts";
import { type ByMethod, inWords, type RawMap, type Remarks, rawMap, withRemarks } from "../raw-map.ts";

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  /** Null for a score that is a value and not a class's: a regression's, a similarity. */
  readonly probability: number | null;
}

/** One map: a class, by a method. */
export interface ExplainedClass extends RawMap, ByMethod, Remarks {
  readonly class: number;
  readonly label: string;
  /** What was asked, in short, for names of files: "967", "967-against-504", "not-967". */
  readonly asked: string;
  /** What was asked, in words: "espresso", "espresso rather than cup", "against espresso". */
  readonly question: string;
}

/** What is asked about a class: for it, for it rather than another, or against it. */
export interface ClassQuestion {
  readonly class: number;
  readonly against?: number;
  readonly counterfactual?: boolean;
}

export const targetOf = ({ class: index, against, counterfactual }: ClassQuestion): SingleTarget =>
  against !== undefined ? { for: index, against } : counterfactual ? { counterfactual: index } : index;

/** A method's map of a class, and what was asked. */
export function explanationOf(question: ClassQuestion, method: Method, labels: Labels, raw: RawMap): ExplainedClass {
  const { class: index, against, counterfactual } = question;
  const label = labels.name(index);
  const words = inWords(label, { against: against === undefined ? undefined : labels.name(against), counterfactual });
  const asked = against !== undefined ? `${index}-against-${against}` : counterfactual ? `not-${index}` : String(index);
  const read = withRemarks({ class: index, label, asked, question: words }, method, raw);
  const text = `${method.title} hardly depends on the class.`;
  const known = method.classIndependent && read.blank === undefined;
  return known ? { ...read, warnings: [...read.warnings, { code: "class-independent", text }] } : read;
}

/** What is asked, with names found. */
export interface ResolvedQuery {
  readonly classes: readonly number[];
  readonly methods: readonly Method[];
  readonly against?: number;
  readonly counterfactual?: boolean;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** The explanations of a forward pass's first sample, by method and class. */
export async function explanationsOf(
  forward: Forward,
  query: ResolvedQuery,
  labels: Labels,
): Promise<ExplainedClass[]> {
  const { classes, methods, against, counterfactual, signal } = query;
  if (against !== undefined && classes.includes(against))
    throw new UserError(
      "invalid-option",
      `invalid against: "${labels.name(against)}" (${against}) is the class that is explained; name another class`,
    );
  const questions = classes.map((index): ClassQuestion => ({ class: index, against, counterfactual }));
  // Plain classes are asked together, contrasts and opposites one at a time.
  const plain = against === undefined && !counterfactual;
  const groups: [Target, ClassQuestion[]][] = plain
    ? [[{ each: classes }, questions]]
    : questions.map((question) => [targetOf(question), [question]]);
  return inSteps(methods, query.onProgress, (method, part) =>
    inSteps(groups, part, async ([target, asked], onProgress) => {
      const answers = await forward.explain({ target, method, signal, onProgress });
      // Of a batch that is full of one sample, the first.
      return asked.map((question, i) => explanationOf(question, method, labels, rawMap(answers, i)));
    }),
  );
}
