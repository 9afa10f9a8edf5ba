/** @file What is asked of a detector: a box, one of its edges, whether anything is there, all boxes of a class; and their opposites. */
import { UserError } from "../../errors.ts";
import type { ElementQuestion } from "../../explain/elements.ts";
import type { Warning } from "../../read/decision.ts";
import type { AskedElements } from "../element-answers.ts";
import type { Labels } from "../labels.ts";
import { indexOf, type PlainQuestion, parseQuestion, type Question, refuseQuestion, topOf } from "../questions.ts";
import type { Detection, Found } from "./detections.ts";
import { type Candidate, edges } from "./head.ts";

/** Without a question so many boxes are explained, the best. */
export const mostBoxes = 16;

export interface Boxes {
  readonly found: Found;
  readonly detections: readonly Detection[];
  readonly labels: Labels;
  /** The layer that maps of several levels lie on. */
  readonly common: (tensors: readonly string[]) => string | undefined;
  /** What the model can be asked. */
  readonly can: readonly string[];
  /** The layer that the caller has named. */
  readonly layer?: string;
}

type Part = Omit<AskedElements, "target" | "warnings"> & { readonly warnings: readonly Warning[] };

/**
 * @param targets questions; every box where there is none
 * @throws UserError for what is no question, and for boxes and classes that are not there.
 */
export function boxQuestions(targets: readonly string[], boxes: Boxes): AskedElements[] {
  const { detections } = boxes;
  if (targets.length === 0)
    return detections.slice(0, mostBoxes).map(({ index }) => ({ ...boxOf(index, boxes), target: `box:${index}` }));
  const asked = targets.flatMap((target) => ofQuestion(parseQuestion(target), boxes));
  return [...new Map(asked.map((one) => [one.target, one])).values()];
}

function ofQuestion(question: Question, boxes: Boxes): AskedElements[] {
  const { asked, rather, opposite } = question;
  const parts = partsOf(question, asked, boxes);
  const others = rather ? partsOf(rather, asked, boxes) : [];
  if (others.length > 1)
    throw new UserError("invalid-option", `invalid target: "${asked}"; expected one thing after " ~ "`);
  return parts.map((part): AskedElements => {
    const single = parts.length === 1 && topOf(question.of) === undefined;
    const target = single ? asked : `${opposite ? "not:" : ""}box:${part.detection}`;
    const [other] = others;
    if (other) {
      const words = `${part.question} rather than ${other.question}`;
      const sum = [...part.about.sum, ...negative(other.about).sum];
      const layer = boxes.layer ?? boxes.common([...new Set(sum.map(({ tensor }) => tensor))]);
      const about = { sum, layer };
      return { ...part, target, question: words, asked: `${part.asked}-against-${other.asked}`, about };
    }
    if (!opposite) return { ...part, target };
    const about = negative(part.about);
    return { ...part, target, about, question: `against ${part.question}`, asked: `not-${part.asked}` };
  });
}

const negative = ({ sum, layer }: ElementQuestion): ElementQuestion => ({
  sum: sum.map((one) => ({ ...one, weight: -one.weight })),
  layer,
});

function partsOf({ kind, of }: PlainQuestion, asked: string, boxes: Boxes): Part[] {
  const { detections } = boxes;
  if (kind === "class") return classOf(of, asked, boxes);
  if (kind !== "box") return refuseQuestion({ kind, asked }, boxes.can);
  const top = topOf(of);
  if (top !== undefined) {
    if (detections.length === 0) throw nothing(asked);
    return detections.slice(0, top).map(({ index }) => boxOf(index, boxes));
  }
  const [number = "", what, ...more] = of.split(".");
  const index = indexOf(number, detections.length, "box", asked);
  if (what === undefined) return [boxOf(index, boxes)];
  const candidate = boxes.found.candidates[index] as Candidate;
  const whole = boxOf(index, boxes);
  const part = (question: ElementQuestion): Part[] => [
    {
      ...whole,
      question: `${what} of ${whole.question}`,
      asked: `${whole.asked}-${what}`,
      about: placed(question, boxes),
    },
  ];
  const edge = edges.find((one) => one === what);
  if (edge && more.length === 0) return part(boxes.found.sum(candidate.edge[edge], candidate));
  if (what === "objectness" && candidate.objectness && more.length === 0)
    return part(boxes.found.logit(candidate.objectness, candidate));
  const parts = [...edges, ...(candidate.objectness ? ["objectness"] : [])].map((one) => `box:${index}.${one}`);
  throw new UserError("unknown-name", `unknown part of a box: "${asked}"; allowed are ${parts.join(", ")}`);
}

function boxOf(index: number, boxes: Boxes): Part {
  const { found, detections } = boxes;
  const { class: c, label, box } = detections[index] as Detection;
  const about = placed(found.score(found.candidates[index] as Candidate), boxes);
  const [x0, y0, x1, y1] = box;
  const flat = x1 <= x0 || y1 <= y0;
  return {
    ...{ class: c, label, detection: index, asked: `box-${index}`, question: `${label} (box ${index})`, about },
    method: "hires-cam",
    warnings: flat
      ? [{ code: "odd-box", text: `Box ${index} has no area: its sides are ${x1 - x0} and ${y1 - y0}.` }]
      : [],
  };
}

/** The scores of all boxes of a class, together. */
function classOf(of: string, asked: string, boxes: Boxes): Part[] {
  const { detections, labels, found } = boxes;
  const classes = [...new Set(detections.map((one) => one.class))];
  const wanted = topOf(of) === undefined ? labels.find(of, labels.count, () => []) : classes.slice(0, topOf(of));
  if (topOf(of) !== undefined && wanted.length === 0) throw nothing(asked);
  return wanted.map((c): Part => {
    const own = detections.filter((one) => one.class === c);
    if (own.length === 0)
      throw new UserError(
        "unknown-name",
        `unknown box: "${asked}"; no ${labels.name(c)} was found, but ${listed(classes.map((one) => labels.name(one)))}`,
      );
    const sum = own.flatMap(({ index }) => found.score(found.candidates[index] as Candidate).sum);
    const layer = boxes.layer ?? boxes.common([...new Set(sum.map(({ tensor }) => tensor))]);
    const label = labels.name(c);
    return {
      ...{ class: c, label, asked: `class-${c}`, question: label, about: { sum, layer } },
      ...(own.length === 1 && { detection: own[0]?.index }),
      method: "grad-cam",
      warnings: [],
    };
  });
}

const listed = (names: readonly string[]): string => (names.length ? names.join(", ") : "nothing at all");

const nothing = (asked: string): UserError =>
  new UserError("unknown-name", `unknown box: "${asked}"; nothing was found; --score lowers what counts`);

const placed = (question: ElementQuestion, { layer }: Boxes): ElementQuestion =>
  layer === undefined ? question : { ...question, layer };
