/**
 * @file Heads of two outputs, the scores of each query or place for every class and a box for each: the `logits` and `pred_boxes` of DETR
 * and its family, `labels` and `dets` of RF-DETR, `scores` and `boxes` of others.
 */
import type { Box } from "../../image/locate.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import { sigmoid, softmax } from "../classify/probability.ts";
import { areParts, centredEdges, corneredEdges, fromCentre, type Head, Sieve } from "./head.ts";
import { bestFirst } from "./suppress.ts";

export interface PairReading {
  readonly scores: string;
  readonly boxes: string;
  /** What scores become probabilities by: over all classes of a query, one of which stands for nothing, each by itself, or they are some. */
  readonly by: "softmax" | "sigmoid" | "as-is";
  /** The class that stands for nothing. */
  readonly nothing?: "first" | "last";
  /** Whether a box is a centre and a size, rather than corners. */
  readonly centred: boolean;
  /** Whether a query may be several classes, the best of all pairs counting. */
  readonly several: boolean;
  readonly overlapping: boolean;
  /** Where the scores begin among a query's numbers, where boxes are of the same output. */
  readonly first?: number;
  /** Whether boxes are parts of the picture, 0 to 1; where nobody says, by their values. */
  readonly relative?: boolean;
}

export function pairHead(tensors: Observed, reading: PairReading): Head {
  const { scores, boxes, by, nothing, centred, several, overlapping, first = 0 } = reading;
  const numbers = tensors.get(scores)?.dims.at(-1) ?? -1;
  const all = numbers < 0 ? -1 : numbers - first;
  const skipped = nothing ? 1 : 0;
  const offset = nothing === "first" ? 1 : 0;
  const score = (query: number, c: number): Element => ({ tensor: scores, index: [0, query, first + c + offset] });
  const corner = (query: number, i: number): Element => ({ tensor: boxes, index: [0, query, i] });
  return {
    kind: overlapping ? "dense" : "pair",
    format: `"${scores}" and "${boxes}" of each query`,
    reads: [scores, boxes],
    scores,
    examples: [{ score: score(0, 0), box: corner(0, 0) }],
    classes: all < 0 ? -1 : all - skipped,
    probability: by,
    overlapping,
    ...(reading.relative !== undefined && all > 0
      ? { layout: { of: "pair", boxes, first, depth: all, by, nothing, centred, several, relative: reading.relative } }
      : { uncompiled: "only the numbers of a run tell whether its boxes are pixels or parts of the picture" }),
    decode(of, { width, height }, threshold) {
      const [given, placed] = [of(scores), of(boxes)];
      const [, queries = 0, row = 0] = given.dims;
      const [depth, step] = [row - first, placed.dims.at(-1) ?? 4];
      const classes = depth - skipped;
      const relative = reading.relative ?? areParts(placed, queries, step);
      const [across, down] = relative ? [width, height] : [1, 1];
      const sieve = new Sieve(threshold);
      for (let query = 0; query < queries; query++) {
        const scored = Float32Array.from({ length: depth }, (_, c) => given.data[query * row + first + c] as number);
        const found = by === "softmax" ? softmax(scored) : Array.from(scored, by === "sigmoid" ? sigmoid : Number);
        const best = several ? undefined : bestOf(found, offset, classes);
        for (let c = 0; c < classes; c++) {
          if (best !== undefined && c !== best) continue;
          const probability = found[c + offset] as number;
          if (!sieve.passes(probability)) continue;
          const [a, b, p, q] = [0, 1, 2, 3].map((i) => placed.data[query * step + i] as number) as [
            number,
            number,
            number,
            number,
          ];
          const box: Box = centred ? fromCentre(a, b, p, q) : [a, b, p, q];
          const [x0, y0, x1, y1] = box;
          const at = (i: number) => corner(query, i);
          sieve.candidates.push({
            ...{ class: c, score: probability, at: score(query, c) },
            box: [x0 * across, y0 * down, x1 * across, y1 * down],
            edge: (centred ? centredEdges : corneredEdges)(at(0), at(1), at(2), at(3)),
            classes: () => found,
          });
        }
      }
      // Of all pairs of a query and a class as many count as there are queries, the best.
      const kept = several && !overlapping ? bestFirst(sieve.candidates).slice(0, queries) : sieve.candidates;
      return { candidates: kept, best: sieve.best };
    },
  };
}

function bestOf(found: readonly number[], offset: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if ((found[c + offset] as number) > (found[best + offset] as number)) best = c;
  return best;
}
