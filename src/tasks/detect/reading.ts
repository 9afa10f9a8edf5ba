/** @file What was read of a detector, each decision with its reason: its head, its probabilities, and what it can be asked. */
import { listing } from "../../errors.ts";
import type { Model } from "../../onnx/model.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Decision } from "../../read/decision.ts";
import type { Probability, Probable } from "../classify/probability.ts";
import { shapeText } from "../sample.ts";
import type { Head, ReadHead } from "./head.ts";
import type { Level } from "./levels.ts";

export interface DetectorReading {
  readonly head: Head;
  /** What its scores are computed as, and the layers that maps of its boxes lie on. */
  readonly levels: readonly Level[];
  readonly probable: Probable;
  readonly questions: readonly string[];
}

/** Said of a detector, whether its head is known or not. */
export interface HeadDecision {
  readonly detector?: DetectorReading;
  readonly headDecision: Decision;
}

const probabilities: Readonly<Record<Probability, string>> = {
  sigmoid: "each class has a logit of its own",
  softmax: "a query is one of the classes, or nothing",
  "as-is": "the head gives probabilities",
  none: "the head gives none",
};

/** What a detector can be asked. */
const questions = [
  "box:0 (or another number)",
  "box:topN",
  "box:0.left (or .top, .right, .bottom; .objectness where the head has it)",
  "class:… (all boxes of a class, by its name or number)",
  "class:topN",
  "not:… (the opposite of each)",
  "… ~ … (one rather than another)",
];

/** Of one that has masks too. */
const ofMasks = "mask:0 (or another number, a class, or topN)";

export function readHead(
  { model, tensors }: { readonly model: Model; readonly tensors: Observed },
  found: ReadHead | undefined,
  levels: readonly Level[],
): HeadDecision {
  const what = "head";
  if (!found) {
    const shapes = model.outputs.map((name) => shapeOf(tensors, name));
    return { headDecision: { what, value: "none that is known", because: listing(shapes, 3) } };
  }
  const { head, guess } = found;
  const shapes = listing(
    head.reads.map((name) => shapeOf(tensors, name)),
    3,
  );
  return {
    detector: {
      ...{ head, levels, questions: head.prototypes === undefined ? questions : [...questions, ofMasks] },
      probable: { probability: head.probability, because: probabilities[head.probability] },
    },
    headDecision: {
      ...{ what, value: head.format, because: guess?.because ?? shapes },
      ...(guess && { option: guess.option, guess: true }),
    },
  };
}

function shapeOf(tensors: Observed, name: string): string {
  return `"${name}" has the shape ${shapeText(tensors.get(name)?.dims ?? [])}`;
}
