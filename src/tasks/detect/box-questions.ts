/** @file What is asked of a detector: a box, one of its edges, whether anything is there, all boxes of a class; and their opposites. */
import { listing, present, UserError } from "../../errors.ts";
import type { ElementQuestion } from "../../explain/elements.ts";
import { composedQuestions } from "../composed-questions.ts";
import type { AskedElements } from "../element-answers.ts";
import type { Labels } from "../labels.ts";
import { indexOf, NotInSample, type PlainQuestion, refuseQuestion, topOf } from "../questions.ts";
import type { FoundMask } from "../segment/masks.ts";
import type { Detection, FoundBoxes } from "./detections.ts";
import { type Candidate, edges } from "./head.ts";
import { maskSum } from "./prototype-masks.ts";

/** Without a question so many boxes are explained, the best. */
export const mostBoxes = 16;

export interface Boxes {
  readonly found: FoundBoxes;
  readonly detections: readonly Detection[];
  readonly labels: Labels;
  /** Where the head has them: the mask of each box, and what they are sums of. */
  readonly masks?: { readonly of: readonly FoundMask[]; readonly prototypes: string };
  /** The layer that maps of several levels lie on. */
  readonly common: (tensors: readonly string[]) => string | undefined;
  /** What the model can be asked. */
  readonly can: readonly string[];
  /** The layer that the caller has named. */
  readonly layer?: string;
}

/**
 * @param targets questions; every box where there is none
 * @throws UserError for what is no question, and for boxes and classes that are not there.
 */
export function boxQuestions(targets: readonly string[], boxes: Boxes): AskedElements[] {
  const { detections } = boxes;
  if (targets.length === 0) return detections.slice(0, mostBoxes).map(({ index }) => boxOf(index, boxes));
  return composedQuestions(targets, { partsOf: (plain, asked) => partsOf(plain, asked, boxes) });
}

function partsOf({ kind, of }: PlainQuestion, asked: string, boxes: Boxes): AskedElements[] {
  const { detections } = boxes;
  if (kind === "class") return classOf(of, asked, boxes);
  if (kind === "mask" && boxes.masks) return masksOf(of, asked, boxes);
  if (kind !== "box") return refuseQuestion({ kind, asked }, boxes.can);
  if (detections.length === 0) throw nothing(asked);
  const top = topOf(of);
  if (top !== undefined) {
    return detections.slice(0, top).map(({ index }) => boxOf(index, boxes));
  }
  const [number = "", what, ...more] = of.split(".");
  const index = indexOf(number, detections.length, "box", asked);
  if (what === undefined) return [boxOf(index, boxes)];
  const candidate = boxes.found.candidates[index] as Candidate;
  const whole = boxOf(index, boxes);
  const part = (question: ElementQuestion): AskedElements[] => [
    {
      ...whole,
      attributes: undefined,
      target: `box:${index}.${what}`,
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

function boxOf(index: number, boxes: Boxes): AskedElements {
  const { found, detections } = boxes;
  const { class: c, label, box } = detections[index] as Detection;
  const candidate = found.candidates[index] as Candidate;
  const about = placed(found.score(candidate), boxes);
  const [x0, y0, x1, y1] = box;
  const flat = x1 <= x0 || y1 <= y0;
  return {
    ...{ class: c, label, target: `box:${index}`, detection: index },
    ...{ asked: `box-${index}`, question: `${label} (box ${index})`, about },
    attributes: () => [about, ...edges.map((edge) => placed(found.sum(candidate.edge[edge], candidate), boxes))],
    method: "hires-cam",
    warnings: flat
      ? [{ code: "odd-box", text: `Box ${index} has no area: its sides are ${x1 - x0} and ${y1 - y0}.` }]
      : [],
  };
}

/** The logits of a box's mask, or of all of a class, over the cells that are predicted as it. */
function masksOf(of: string, asked: string, boxes: Boxes): AskedElements[] {
  const { detections, labels } = boxes;
  if (detections.length === 0) throw nothing(asked);
  const top = topOf(of);
  if (top !== undefined) return detections.slice(0, top).map(({ index }) => maskOf(index, asked, boxes));
  if (/^\d+$/.test(of)) return [maskOf(indexOf(of, detections.length, "mask", asked), asked, boxes)];
  const [c] = labels.find(of, labels.count, () => []);
  const own = detections.filter((one) => one.class === c);
  if (own.length) return own.map(({ index }) => maskOf(index, asked, boxes));
  const there = [...new Set(detections.map(({ label }) => label))];
  throw new NotInSample("mask", asked, `no ${labels.name(c as number)} was found, but ${listing(there)}`);
}

function maskOf(index: number, asked: string, { found, detections, masks, layer, common }: Boxes): AskedElements {
  const { class: c, label } = detections[index] as Detection;
  const { of, prototypes } = present(masks, "masks");
  const { cells } = present(of[index], "a mask");
  if (cells.length === 0) throw new NotInSample("mask", asked, `the mask of box ${index} (${label}) is empty`);
  const candidate = found.candidates[index] as Candidate;
  const { sum } = found.sum(maskSum(found, candidate, prototypes, cells), candidate);
  return {
    ...{ class: c, label, target: `mask:${index}`, detection: index, mask: index, asked: `mask-${index}` },
    ...{ question: `mask of ${label} (box ${index})`, method: "grad-cam", warnings: [] },
    about: { sum, layer: layer ?? common([...new Set(sum.map(({ tensor }) => tensor))]) },
  };
}

/** The scores of all boxes of a class, together; each has a map on its own level. */
function classOf(of: string, asked: string, boxes: Boxes): AskedElements[] {
  const { detections, labels, found } = boxes;
  const classes = [...new Set(detections.map((one) => one.class))];
  const wanted = topOf(of) === undefined ? labels.find(of, labels.count, () => []) : classes.slice(0, topOf(of));
  if (detections.length === 0) throw nothing(asked);
  return wanted.map((c): AskedElements => {
    const own = detections.filter((one) => one.class === c);
    if (own.length === 0)
      throw new NotInSample(
        "box",
        asked,
        `no ${labels.name(c)} was found, but ${listing(classes.map((one) => labels.name(one)))}`,
      );
    const parts = own.map(({ index }) => placed(found.score(found.candidates[index] as Candidate), boxes));
    const sum = parts.flatMap((part) => part.sum);
    const layer = boxes.layer ?? boxes.common([...new Set(sum.map(({ tensor }) => tensor))]);
    const label = labels.name(c);
    return {
      ...{ class: c, label, target: `class:${c}`, asked: `class-${c}`, question: label, about: { sum, layer }, parts },
      ...(own.length === 1 && { detection: own[0]?.index }),
      method: "hires-cam",
      warnings: [],
    };
  });
}

const nothing = (asked: string): UserError =>
  new NotInSample("box", asked, "nothing was found; --score lowers what counts");

const placed = (question: ElementQuestion, { layer }: Boxes): ElementQuestion =>
  layer === undefined ? question : { ...question, layer };
