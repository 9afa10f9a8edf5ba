/** @file What the studio knows: signals that the parts read, and nothing that can be computed from others. */
import { computed, signal } from "@preact/signals";
import { type ColormapName, percent, type Step } from "gradcam/web";
import type { Answer, Backend, ModelInfo, Progress, Question, Seen, Stroke } from "../engine/contract.ts";

/** A picture on the stage. */
export interface Shown {
  /** No other has it. */
  readonly id: number;
  /** For names of files. */
  readonly name: string;
  /** The example that it is, which an address may name. */
  readonly example?: string;
  readonly file: Blob;
  /** What the brush did, in its order. */
  readonly strokes: Stroke[];
  /** Large enough for the stage. */
  readonly bitmap: ImageBitmap;
  /** Of the picture itself. */
  readonly width: number;
  readonly height: number;
}

export interface Notice {
  readonly kind: "error" | "note";
  readonly title: string;
  /** What to do. */
  readonly advice: string;
  /** What the library says, for whoever wants to know. */
  readonly detail?: string;
  /** What the runtime says, in words of its own: shown to whoever opens it. */
  readonly technical?: string;
  /** What failed, once more. */
  readonly again?: (() => void) | undefined;
}

/** An answer, the question, and what the network saw when it was asked. */
export interface Answered {
  readonly question: Question;
  readonly seen: Seen;
  readonly answer: Answer;
}

/** How the question is put: for a class, for it rather than another, or against it. */
export const stances = ["for", "versus", "against"] as const;
export type Stance = (typeof stances)[number];

/** A server that is asked, where one is. */
export interface Server {
  readonly host: string;
  /** Its models of pictures. */
  readonly models: readonly string[];
  /** Whether pictures are sent there; before that, nothing is but the request for its models. */
  readonly used: boolean;
}

export const server = signal<Server | undefined>(undefined);
/** Where pictures are sent; undefined while they stay. */
export const sentTo = computed(() => (server.value?.used ? server.value.host : undefined));
export const backend = signal<Backend | undefined>(undefined);
export const model = signal<ModelInfo | undefined>(undefined);
/** What is being waited for: the engine, a model. */
export const loading = signal<Progress | undefined>(undefined);
export const notice = signal<Notice | undefined>(undefined);

export const shown = signal<Shown | undefined>(undefined);
export const seen = signal<Seen | undefined>(undefined);
/** Whether a picture is being looked at. */
export const looking = signal(false);

/** The class that is asked about, the one under the pointer, and the one that it is held against. */
export const chosen = signal<number | undefined>(undefined);
export const hovered = signal<number | undefined>(undefined);
export const rival = signal<number | undefined>(undefined);
export const stance = signal<Stance>("for");
export const method = signal("grad-cam");
/** By name; undefined for the default. */
export const layer = signal<string | undefined>(undefined);

/** What lies on the stage. */
export const answer = signal<Answered | undefined>(undefined);
/** The share that is done of a method that takes long. */
export const asking = signal<number | undefined>(undefined);

export const colours = signal<ColormapName>("inferno");
export const opacity = signal(0.75);
export const threshold = signal(0.15);
export const boxed = signal(false);
export const lens = signal(false);

/** What the brush has covered, to lie over the picture. */
export const patch = signal<ImageBitmap | undefined>(undefined);
/** Whether the worker still has touches of the brush before it. */
export const painting = signal(false);
/** The scores before the brush. */
export const untouched = signal<Seen | undefined>(undefined);

/** The steps from the layer to the score. */
export const path = signal<readonly Step[] | undefined>(undefined);

/** Of a class; where boxes were found, of one of them. */
export const labelOf = (index: number): string =>
  (seen.value?.boxes ? seen.value.boxes[index]?.label : model.value?.labels[index]) || `class ${index}`;
/** The first of its names: labels often list synonyms. */
export const shortLabel = (index: number): string => labelOf(index).split(",")[0];

/** How likely a class is, in words; its score where it has no probability. */
export function likelihood({ probabilities, scores }: Seen, index: number): string {
  if (Number.isNaN(scores[index])) return "–"; // a server has not told it yet
  return Number.isNaN(probabilities[index]) ? scores[index].toFixed(2) : percent(probabilities[index]);
}

const classes = computed(() => seen.value?.scores.length ?? 0);

/** The question as it stands; undefined before there is something to ask about. */
export const question = computed<Question | undefined>(() => {
  const index = hovered.value ?? chosen.value;
  if (index === undefined) return undefined;
  const against = stance.value === "versus" ? (rival.value ?? index) : index;
  return {
    class: index,
    ...(against !== index && against < classes.value && { against }),
    ...(stance.value === "against" && { counterfactual: true }),
    method: method.value,
    ...(layer.value !== undefined && { layer: layer.value }),
  };
});

/** Whether the stage answers the question as it stands. */
export const settled = computed(
  () =>
    !painting.value &&
    answer.value !== undefined &&
    answer.value.question === question.value &&
    answer.value.seen === seen.value,
);

/** In words, without "Why". */
export function wordsOf({ class: index, against, counterfactual }: Question): string {
  if (against !== undefined) return `${shortLabel(index)} rather than ${shortLabel(against)}`;
  return counterfactual ? `against ${shortLabel(index)}` : shortLabel(index);
}
