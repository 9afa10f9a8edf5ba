/** @file What a detector found in a picture: the run, the boxes that stay, and where each of their numbers was computed. */
import { present, throwIfAborted } from "../../errors.ts";
import { ElementPass, type ElementQuestion, type Likeness, type Weighted } from "../../explain/elements.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { type Geometry, onCanvas, type Size } from "../../image/geometry.ts";
import type { Box } from "../../image/locate.ts";
import type { Observed, TensorType } from "../../onnx/observe.ts";
import type { Feeds, Runtime } from "../../onnx/runtime.ts";
import { toDense } from "../../onnx/tensors.ts";
import { type Element, ofOne, ravel } from "../../read/element.ts";
import { Trace } from "../../read/trace.ts";
import type { Candidate, ElementSum, Head, OutputNumbers } from "./head.ts";
import { type Level, levelsOf } from "./levels.ts";
import { likenessBy } from "./likeness.ts";
import { bestFirst, suppressed } from "./suppress.ts";

export interface DetectOptions {
  /** Detections above this probability: 0.25 by default. */
  readonly score?: number;
  /** Of boxes of one class that overlap by more than this, the best stays: 0.7 by default. */
  readonly iou?: number;
  /** So many at most, the best: 300 by default. */
  readonly maxDetections?: number;
}

/** As Ultralytics has them. */
export const usual: Required<DetectOptions> = { score: 0.25, iou: 0.7, maxDetections: 300 };

/** What holds, by default where nothing is said, or undefined. */
export function thresholdsOf(
  { score = usual.score, iou = usual.iou, maxDetections }: DetectOptions,
  most = usual.maxDetections,
): Required<DetectOptions> {
  return { score, iou, maxDetections: maxDetections ?? most };
}

/** What is found in a picture. */
export interface Detection {
  /** From the best on. */
  readonly index: number;
  readonly class: number;
  readonly label: string;
  /** A probability. */
  readonly score: number;
  /** In pixels of the original picture; it may reach beyond. */
  readonly box: Box;
}

/** Finds what is in pictures. */
export class Finder {
  #levels: readonly Level[] | undefined;
  readonly #trace: Trace;
  readonly #needs: readonly string[];

  /** @param levels the head's, where they are known from its reading */
  constructor(
    private readonly ort: Runtime,
    private readonly explainer: Explainer,
    readonly head: Head,
    levels?: readonly Level[],
  ) {
    const { model, sized } = explainer;
    this.#trace = new Trace(model, sized);
    this.#needs = scoresOf(head).flatMap((name) => this.#trace.needs(name));
    // Where suppression inside the graph makes rows of a number that only a run knows, so are the shapes that levels are found by.
    const known = this.#needs.every((name) => ofOne(sized.get(name)));
    if (known) this.#levels = levels ?? levelsOf(explainer, sized, head);
  }

  /** Layers that maps of boxes lie on, by the tensor that scores are computed as. */
  get levels(): readonly Level[] {
    return this.#levels ?? [];
  }

  async find(feeds: Feeds, input: Size, options: DetectOptions, signal?: AbortSignal): Promise<FoundBoxes> {
    throwIfAborted(signal);
    const { ort, explainer, head } = this;
    const prospects = this.levels.map(({ tensor, layer }) => ({ tensors: [tensor], layer }));
    const wanted = [...head.reads, ...this.#needs];
    const pass = await ElementPass.run(ort, explainer, feeds, { wanted, prospects });
    this.#levels ??= levelsOf(explainer, seenIn(explainer.sized, pass), head);
    const { score, iou, maxDetections } = thresholdsOf(options);
    const numbers = (name: string): OutputNumbers => numbersOf(pass, name);
    const { candidates, best } = head.decode(numbers, input, score);
    const whole = candidates.filter(({ box }) => box.every(Number.isFinite));
    const found = head.overlapping ? suppressed(whole, iou, maxDetections) : bestFirst(whole).slice(0, maxDetections);
    const broken = { boxes: candidates.length - whole.length, numbers: notNumbers(numbers(head.scores)) };
    return new FoundBoxes(pass, this.#trace, this.levels, found, best, broken, likenessBy(head, input));
  }
}

/** The tensors that hold scores. */
const scoresOf = ({ examples }: Head): string[] => [...new Set(examples.map(({ score }) => score.tensor))];

/** Shapes of a run over those that were known before it. */
function seenIn(tensors: Observed, pass: ElementPass): Observed {
  const seen = [...tensors].map(([name, one]): [string, TensorType] => [
    name,
    { ...one, dims: pass.dims(name) ?? one.dims },
  ]);
  return Object.assign(new Map(seen), { bodies: tensors.bodies });
}

function numbersOf(pass: ElementPass, name: string): OutputNumbers {
  const tensor = pass.tensor(name);
  const { data, dims, type } = tensor;
  if (type === "int64" || type === "int32")
    return { data: Array.from(data as ArrayLike<bigint | number>, Number), dims };
  return toDense(tensor);
}

function notNumbers({ data }: OutputNumbers): number {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) count++;
  return count;
}

/** What was found in one picture. */
export class FoundBoxes {
  constructor(
    readonly pass: ElementPass,
    private readonly trace: Trace,
    private readonly levels: readonly Level[],
    /** The best first. */
    readonly candidates: readonly Candidate[],
    /** The best score, whatever the threshold. */
    readonly best: number | undefined,
    /** Boxes above the threshold that are not finite, and numbers of the output with the scores that are none. */
    readonly broken: { readonly boxes: number; readonly numbers: number },
    private readonly likenessTo: (candidate: Candidate) => Likeness,
  ) {}

  /** Where the logit of a candidate's class was computed, as a question on its level's layer. */
  score(candidate: Candidate): ElementQuestion {
    const source = this.#source(candidate.at);
    const likeness = this.likenessTo(candidate);
    return { sum: [this.#weighted(source, 1)], layer: this.#layerOf(source.tensor), likeness };
  }

  /** A sum of elements of the outputs, on the layer of the level of a candidate. */
  sum(elements: ElementSum, { at }: Candidate): ElementQuestion {
    const layer = this.#layerOf(this.#source(at).tensor);
    return { sum: elements.map(([element, weight]) => this.#weighted(element, weight)), layer };
  }

  /** The logit that an element of the outputs was made of, on the layer of the level of a candidate. */
  logit(element: Element, { at }: Candidate): ElementQuestion {
    return { sum: [this.#weighted(this.#source(element), 1)], layer: this.#layerOf(this.#source(at).tensor) };
  }

  #source(element: Element): Element {
    return this.trace.source(element, this.pass);
  }

  #layerOf(tensor: string): string | undefined {
    return this.levels.find((level) => level.tensor === tensor)?.layer;
  }

  #weighted({ tensor, index }: Element, weight: number): Weighted {
    const dims = present(this.pass.dims(tensor), `the shape of "${tensor}"`);
    return { tensor, place: ravel(index, dims), weight };
  }
}

/** A box of the network's input, in pixels of the original picture. */
export function onOriginal([x0, y0, x1, y1]: Box, geometry: Geometry): Box {
  const { left, top, scaleX, scaleY } = geometry;
  return [left + x0 * scaleX, top + y0 * scaleY, left + x1 * scaleX, top + y1 * scaleY];
}

/** A box of the network's input, in pixels of the picture that maps are laid over. */
export const onShown = (box: Box, geometry: Geometry): Box => onOriginal(box, onCanvas(geometry));
