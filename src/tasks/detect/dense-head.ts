/**
 * @file Heads that give a box for every place of their levels, to be thinned out: [n, 4 + classes, places] (YOLOv8, 11, 26 by default, and
 * their like) or [n, places, 5 + classes] with an objectness (YOLOv5, YOLOX).
 */
import type { Size } from "../../image/geometry.ts";
import { product } from "../../onnx/dims.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import { sigmoid } from "../classify/probability.ts";
import {
  centredEdges,
  type Decoded,
  fromCentre,
  type Head,
  type LevelPlaces,
  type OutputNumbers,
  type ReadHead,
  Sieve,
} from "./head.ts";

/** The strides of a head's levels, and how many boxes a place has. */
interface Levels {
  readonly strides: readonly number[];
  readonly anchors: number;
}

const usualStrides = [[8, 16, 32], [4, 8, 16, 32], [8, 16, 32, 64], [16, 32], [8, 16], [8], [16], [32]] as const;

/** Which axes of an output [n, a, b] may count the places of an input's levels: the likeliest first, one box a place before several. */
function placeAxes(dims: readonly number[], { width, height }: Size): { axis: number; levels: Levels }[] {
  const cells = (strides: readonly number[]) =>
    strides.reduce((sum, s) => sum + Math.ceil(height / s) * Math.ceil(width / s), 0);
  return [1, 3, 2, 4, 5, 6, 9].flatMap((anchors) =>
    usualStrides.flatMap((strides) =>
      [2, 1].flatMap((axis) =>
        cells(strides) * anchors === dims[axis] ? [{ axis, levels: { strides, anchors } }] : [],
      ),
    ),
  );
}

export interface DenseNotes {
  /** How many classes there are, where that is known. */
  readonly classes?: number;
  /** Numbers of a box that are no scores of classes, behind them: coefficients of masks, keypoints, an angle. */
  readonly extra?: number;
}

/** @returns undefined for an output that is no such head */
export function denseHead(
  tensors: Observed,
  trace: Trace,
  output: string,
  input: Size,
  { classes: known, extra = 0 }: DenseNotes,
): ReadHead | undefined {
  const dims = tensors.get(output)?.dims ?? [];
  if (dims.length !== 3) return undefined;
  const all = placeAxes(dims, input);
  const fits = ({ axis }: { axis: number }) => [4, 5].includes((dims[3 - axis] ?? 0) - extra - (known ?? 0));
  const fitting = known === undefined ? all : all.filter(fits);
  const possible = fitting.length ? fitting : all;
  // A box's numbers and its scores are made apart, the same number of two places is not.
  const told = possible.find(({ axis }) => (dims[3 - axis] ?? 0) > 4 && areApart(trace, output, axis));
  const { axis, levels } = told ?? possible[0] ?? {};
  if (axis === undefined || !levels) return undefined;
  const either = !told && possible.some((other) => other.axis !== axis);
  const numbers = dims[3 - axis] ?? 0;
  const element = (place: number, number: number): Element => ({
    tensor: output,
    index: axis === 1 ? [0, place, number] : [0, number, place],
  });
  const objectness =
    known !== undefined && [4, 5].includes(numbers - extra - known)
      ? numbers - extra - known === 5
      : levels.anchors > 1 ||
        (numbers > 5 && trace.source(element(0, 4)).tensor !== trace.source(element(0, 5)).tensor);
  const first = objectness ? 5 : 4;
  const classes = numbers - extra - first;
  if (classes < 1) return undefined;
  // Where nothing but moves lies between a convolution and the box, the box is still in cells of its level, and its size a logarithm.
  const score = trace.source(element(0, first));
  const logits = score.through.length === 0;
  const firstOfLevels = startsOf(levels, input);
  const raw = levels.anchors === 1 && isRaw(trace, element(0, 0));
  const format = axis === 1 ? `[n, places, ${first} + classes]` : `[n, ${first} + classes, places]`;
  const head: Head = {
    kind: raw ? "cells" : "dense",
    format: `a box for each place, ${format}`,
    reads: [output],
    scores: output,
    examples: firstOfLevels.map(({ from }) => ({ score: element(from, first), box: element(from, 0) })),
    classes,
    probability: logits ? "sigmoid" : "as-is",
    overlapping: true,
    layout: { of: "places", axis, first, classes, objectness, logits, ...(raw && { cells: firstOfLevels }) },
    decode(of, size, threshold) {
      const reading = { axis, first, classes, objectness, logits, raw, levels, element, extra };
      return decode(of(output), size, threshold, reading);
    },
  };
  const because = `both axes of "${output}", [${dims}], may count its places; axis ${axis} was assumed to`;
  return { head, ...(either && { guess: { because } }) };
}

/** Whether the first and the fifth number of a place were computed apart, or in different ways, where an axis counts the places. */
function areApart(trace: Trace, output: string, axis: number): boolean {
  const [first, fifth] = [0, 4].map((number) =>
    trace.source({ tensor: output, index: axis === 1 ? [0, 0, number] : [0, number, 0] }),
  );
  return first?.tensor !== fifth?.tensor || String(first?.through) !== String(fifth?.through);
}

/** Whether a box's number comes from a convolution as it is. */
const isRaw = (trace: Trace, element: Element): boolean => trace.isMadeBy(trace.source(element).tensor, ["Conv"]);

/** Where the places of each level begin. */
function startsOf({ strides, anchors }: Levels, { width, height }: Size): LevelPlaces[] {
  let from = 0;
  return strides.map((stride) => {
    const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
    const level = { stride, from, rows, columns };
    from += product([rows, columns, anchors]);
    return level;
  });
}

interface Reading {
  readonly axis: number;
  readonly first: number;
  readonly classes: number;
  readonly objectness: boolean;
  readonly logits: boolean;
  readonly raw: boolean;
  readonly levels: Levels;
  readonly extra: number;
  readonly element: (place: number, number: number) => Element;
}

function decode({ data, dims }: OutputNumbers, input: Size, threshold: number, reading: Reading): Decoded {
  const { axis, first, classes, objectness, logits, raw, levels, extra, element } = reading;
  const [places = 0, numbers = 0] = [dims[axis], dims[3 - axis]];
  const [perPlace, perNumber] = axis === 1 ? [numbers, 1] : [1, places];
  const value = (place: number, number: number) => data[place * perPlace + number * perNumber] as number;
  const probability = logits ? sigmoid : (x: number) => x;
  const starts = startsOf(levels, input);
  const sieve = new Sieve(threshold);
  for (let place = 0; place < places; place++) {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    // Read in place: there are as many as a large picture has bytes.
    for (let c = 0, from = place * perPlace + first * perNumber; c < classes; c++, from += perNumber) {
      const score = data[from] as number;
      if (score > most) {
        best = c;
        most = score;
      }
    }
    const presence = objectness ? probability(value(place, 4)) : 1;
    const score = probability(most) * presence;
    if (!sieve.passes(score)) continue;
    const [x, y, w, h] = [0, 1, 2, 3].map((i) => value(place, i)) as [number, number, number, number];
    const box = raw ? unrolled([x, y, w, h], place, starts) : fromCentre(x, y, w, h);
    sieve.candidates.push({
      ...{ class: best, score, box, at: element(place, first + best) },
      // Made when it is read: of thousands of places few boxes stay.
      get edge() {
        return centredEdges(element(place, 0), element(place, 1), element(place, 2), element(place, 3));
      },
      classes: () => Array.from({ length: classes }, (_, c) => probability(value(place, first + c))),
      ...(objectness && { presence, objectness: element(place, 4) }),
      ...(extra && { coefficients: Array.from({ length: extra }, (_, i) => element(place, first + classes + i)) }),
    });
  }
  return sieve;
}

/** A box in cells of its level, its size a logarithm, in pixels. */
function unrolled(
  [x, y, w, h]: readonly [number, number, number, number],
  place: number,
  starts: ReturnType<typeof startsOf>,
) {
  const { stride, from, columns } = starts.findLast((level) => level.from <= place) ??
    starts[0] ?? { stride: 1, from: 0, columns: 1 };
  const cell = place - from;
  const [column, row] = [cell % columns, Math.floor(cell / columns)];
  return fromCentre((x + column) * stride, (y + row) * stride, Math.exp(w) * stride, Math.exp(h) * stride);
}
