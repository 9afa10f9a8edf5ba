/**
 * @file Heads that give each level as it leaves its convolution, [n, anchors, rows, columns, 5 + classes], as YOLOv5 is exported without its
 * decoding: logits of centre, size, objectness and classes. With s = sigmoid of each, a stride, and an anchor's width and height:
 *
 *   centre = (2 s - 0.5 + cell) * stride,    size = (2 s)^2 * anchor,    score = s of the objectness * s of the class
 *
 * The anchors are constants of the training that such a file does not hold; those of YOLOv5's own files are taken.
 */
import type { Size } from "../../image/geometry.ts";
import { product } from "../../onnx/dims.ts";
import type { Observed } from "../../onnx/observe.ts";
import { type Element, unravel } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import { sigmoid } from "../classify/probability.ts";
import { anchoredOutputs } from "../task.ts";
import {
  type Candidate,
  type ElementSum,
  fromCentre,
  type Head,
  type OutputNumbers,
  type ReadHead,
  Sieve,
} from "./head.ts";

/** Width and height of each anchor in pixels, by stride; of a fourth level YOLOv5's own files have none. */
const anchorsOf: ReadonlyMap<number, readonly (readonly [width: number, height: number])[]> = new Map([
  [
    8,
    [
      [10, 13],
      [16, 30],
      [33, 23],
    ],
  ],
  [
    16,
    [
      [30, 61],
      [62, 45],
      [59, 119],
    ],
  ],
  [
    32,
    [
      [116, 90],
      [156, 198],
      [373, 326],
    ],
  ],
]);

interface AnchoredLevel {
  readonly output: string;
  readonly stride: number;
  readonly anchors: readonly (readonly [number, number])[];
}

/** @returns undefined for outputs that are no such head */
export function anchorHead(
  tensors: Observed,
  trace: Trace,
  outputs: readonly string[],
  input: Size,
): ReadHead | undefined {
  if (!anchoredOutputs(tensors, outputs)) return undefined;
  const levels = outputs.flatMap((output): AnchoredLevel[] => {
    const [, count, rows = 0, columns = 0] = tensors.get(output)?.dims ?? [];
    const stride = input.height / rows;
    const anchors = anchorsOf.get(stride);
    return anchors && anchors.length === count && columns * stride === input.width ? [{ output, stride, anchors }] : [];
  });
  const [first] = levels;
  if (!first || levels.length < outputs.length) return undefined;
  const classes = (tensors.get(first.output)?.dims[4] ?? 0) - 5;
  const squashed = trace.source({ tensor: first.output, index: [0, 0, 0, 0, 4] }).through.length > 0;
  const head: Head = {
    kind: "dense",
    format: `a box for each anchor of each place, [n, anchors, rows, columns, 5 + classes], an output for each of ${levels.length} levels`,
    reads: outputs,
    scores: first.output,
    examples: levels.map(({ output: tensor }) => ({
      score: { tensor, index: [0, 0, 0, 0, 5] },
      box: { tensor, index: [0, 0, 0, 0, 0] },
    })),
    classes,
    probability: squashed ? "as-is" : "sigmoid",
    overlapping: true,
    uncompiled: "each level has its boxes in an output of its own; export it with its decoding",
    decode(of, _, threshold) {
      const sieve = new Sieve(threshold);
      for (const level of levels) found(level, of(level.output), classes, squashed, sieve);
      return sieve;
    },
  };
  return { head, guess: { because: "the file does not hold its anchors; those of YOLOv5's own files were assumed" } };
}

function found(
  { output, stride, anchors }: AnchoredLevel,
  { data, dims }: OutputNumbers,
  classes: number,
  squashed: boolean,
  sieve: Sieve,
): void {
  const [, ...places] = dims.slice(0, -1);
  const numbers = 5 + classes;
  const probability = squashed ? Number : sigmoid;
  /** What a value moves by when the output's number rises by one. */
  const slope = (s: number) => (squashed ? 1 : s * (1 - s));
  for (let place = 0; place < product(places); place++) {
    const value = (number: number) => probability(data[place * numbers + number] as number);
    const presence = value(4);
    let best = 0;
    for (let c = 1; c < classes; c++)
      if ((data[place * numbers + 5 + c] as number) > (data[place * numbers + 5 + best] as number)) best = c;
    const score = value(5 + best) * presence;
    if (!sieve.passes(score)) continue;
    const [anchor = 0, row = 0, column = 0] = unravel(place, places);
    const [width, height] = anchors[anchor] as readonly [number, number];
    const [x, y, w, h] = [value(0), value(1), value(2), value(3)];
    const box = fromCentre(
      (2 * x - 0.5 + column) * stride,
      (2 * y - 0.5 + row) * stride,
      (2 * w) ** 2 * width,
      (2 * h) ** 2 * height,
    );
    const at = (number: number): Element => ({ tensor: output, index: [0, anchor, row, column, number] });
    sieve.candidates.push({
      ...{ class: best, score, box, at: at(5 + best), objectness: at(4), presence },
      get edge() {
        return edgesOf(
          at,
          [slope(x) * 2 * stride, slope(y) * 2 * stride],
          [8 * w * slope(w) * width, 8 * h * slope(h) * height],
        );
      },
      classes: () => Array.from({ length: classes }, (_, c) => value(5 + c)),
    });
  }
}

/** What an edge moves by when a number rises by one, to first order. */
function edgesOf(
  at: (number: number) => Element,
  [x, y]: readonly [number, number],
  [w, h]: readonly [number, number],
): Candidate["edge"] {
  const sum = (centre: number, move: number, size: number, grow: number): ElementSum => [
    [at(centre), move],
    [at(size), grow / 2],
  ];
  return { left: sum(0, x, 2, -w), top: sum(1, y, 3, -h), right: sum(0, x, 2, w), bottom: sum(1, y, 3, h) };
}
