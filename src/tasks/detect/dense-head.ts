/**
 * @file Heads that give a box for every place of their levels, to be thinned out: [n, 4 + classes, places] (YOLOv8, 11, 26 by default, and
 * their like) or [n, places, 5 + classes] with an objectness (YOLOv5, YOLOX).
 */
import type { Size } from "../../image/geometry.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import type { Head, ReadHead } from "./head.ts";
import { type PlaceLevels, placesAbove, startsOf } from "./places.ts";

const usualStrides = [[8, 16, 32], [4, 8, 16, 32], [8, 16, 32, 64], [16, 32], [8, 16], [8], [16], [32]] as const;

/** Which axes of an output [n, a, b] may count the places of an input's levels: the likeliest first, one box a place before several. */
function placeAxes(dims: readonly number[], { width, height }: Size): { axis: number; levels: PlaceLevels }[] {
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
      return placesAbove(of(output), size, threshold, reading);
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
