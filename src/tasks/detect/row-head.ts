/**
 * @file Heads that thin out boxes themselves and give a row for each that is left: [n, rows, 6 + ...] with corners, score and class (YOLO
 * with TopK or non-maximum suppression inside), or [rows, 7] with the picture first (YOLOv7).
 */
import { range } from "../../onnx/dims.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/trace.ts";
import { corneredEdges, type Head, Sieve } from "./head.ts";

/** @returns undefined for an output that is no such head */
export function rowHead(tensors: Observed, output: string, chooses: boolean, extra: number): Head | undefined {
  const dims = tensors.get(output)?.dims ?? [];
  const numbers = dims.at(-1) ?? 0;
  const flat = dims.length === 2 && numbers === 7;
  if (!chooses || !(flat || (dims.length === 3 && (numbers >= 6 || numbers < 0)))) return undefined;
  const [corner, score, label] = flat ? ([1, 6, 5] as const) : ([0, 4, 5] as const);
  const element = (row: number, number: number): Element => ({
    tensor: output,
    index: flat ? [row, number] : [0, row, number],
  });
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
    decode(of, _, threshold) {
      const { data, dims: shape } = of(output);
      const depth = shape.at(-1) ?? 0;
      const rows = flat ? (shape[0] ?? 0) : (shape[1] ?? 0);
      const sieve = new Sieve(threshold);
      for (let row = 0; row < rows; row++) {
        const value = (number: number) => data[row * depth + number] as number;
        if (flat && value(0) !== 0) continue; // of another picture
        if (!sieve.passes(value(score))) continue;
        const [x0, y0, x1, y1] = [0, 1, 2, 3].map((i) => value(corner + i)) as [number, number, number, number];
        const at = (i: number) => element(row, corner + i);
        sieve.candidates.push({
          ...{ class: Math.round(value(label)), score: value(score), box: [x0, y0, x1, y1], at: element(row, score) },
          edge: corneredEdges(at(0), at(1), at(2), at(3)),
          ...(extra && { coefficients: range(extra).map((i) => element(row, depth - extra + i)) }),
        });
      }
      return sieve;
    },
  };
}
