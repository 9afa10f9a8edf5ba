/**
 * @file Heads that thin out boxes themselves and give a row for each that is left: [n, rows, 6 + ...] with corners, score and class (YOLO
 * with TopK or non-maximum suppression inside), or [rows, 7] with the picture first (YOLOv7).
 */
import { range } from "../../onnx/dims.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import { areParts, centredEdges, corneredEdges, fromCentre, type Head, Sieve } from "./head.ts";

/** What is known of a head beside its shape. */
export interface RowNotes {
  /** Whether the graph chooses rows. */
  readonly chooses: boolean;
  /** Whether a box is a centre and a size, rather than corners: RT-DETR's. */
  readonly centred: boolean;
  /** How many coefficients of masks stand at the end of a row. */
  readonly coefficients: number;
}

/** @returns undefined for an output that is no such head */
export function rowHead(
  tensors: Observed,
  trace: Trace,
  output: string,
  { chooses, centred, coefficients: extra }: RowNotes,
): Head | undefined {
  const dims = tensors.get(output)?.dims ?? [];
  const numbers = dims.at(-1) ?? 0;
  const flat = dims.length === 2 && numbers === 7;
  if (!chooses || !(flat || (dims.length === 3 && (numbers >= 6 || numbers < 0)))) return undefined;
  const [corner, score, label] = flat ? ([1, 6, 5] as const) : ([0, 4, 5] as const);
  const element = (row: number, number: number): Element => ({
    tensor: output,
    index: flat ? [row, number] : [0, row, number],
  });
  // A row of scores has the next class where a chosen one has the class's number.
  const rootsOf = (number: number) => String(trace.roots(element(0, number)).toSorted());
  if (!flat && numbers > 6 && rootsOf(score) === rootsOf(label)) return undefined;
  return {
    kind: "rows",
    format: flat
      ? "a row for each box, [rows, 7]"
      : `a row for each box, [n, rows, ${numbers < 0 ? "6 or more" : numbers}]`,
    reads: [output],
    scores: output,
    examples: [{ score: element(0, score), box: element(0, corner) }],
    classes: -1,
    probability: "as-is",
    overlapping: false,
    layout: { of: "rows", flat, corner, score, label },
    decode(of, { width, height }, threshold) {
      const numbered = of(output);
      const { data, dims: shape } = numbered;
      const depth = shape.at(-1) ?? 0;
      const rows = flat ? (shape[0] ?? 0) : (shape[1] ?? 0);
      const relative = !flat && areParts(numbered, rows, depth);
      const [across, down] = relative ? [width, height] : [1, 1];
      const sieve = new Sieve(threshold);
      for (let row = 0; row < rows; row++) {
        const value = (number: number) => data[row * depth + number] as number;
        if (flat && value(0) !== 0) continue; // of another picture
        if (!sieve.passes(value(score))) continue;
        const [a, b, c, d] = [0, 1, 2, 3].map((i) => value(corner + i)) as [number, number, number, number];
        const [x0, y0, x1, y1] = centred ? fromCentre(a, b, c, d) : [a, b, c, d];
        const at = (i: number) => element(row, corner + i);
        sieve.candidates.push({
          ...{ class: Math.round(value(label)), score: value(score), at: element(row, score) },
          box: [x0 * across, y0 * down, x1 * across, y1 * down],
          edge: (centred ? centredEdges : corneredEdges)(at(0), at(1), at(2), at(3)),
          ...(extra && { coefficients: range(extra).map((i) => element(row, depth - extra + i)) }),
        });
      }
      return sieve;
    },
  };
}
