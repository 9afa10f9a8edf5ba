/**
 * @file Heads that list what they found: boxes, labels and scores, each an output, as torchvision, the authors of RT-DETR and D-FINE and
 * TensorFlow's detectors export them.
 */
import type { Box } from "../../image/locate.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import { areParts, corneredEdges, type Head, Sieve } from "./head.ts";

export interface ListReading {
  readonly boxes: string;
  readonly scores: string;
  readonly labels: string;
  /** How many of them count, where an output says so. */
  readonly count?: string;
  /** TensorFlow's order: y before x, in parts of the picture. */
  readonly tensorflow: boolean;
}

export function listHead(tensors: Observed, reading: ListReading): Head {
  const { boxes, scores, labels, count, tensorflow } = reading;
  const batched = (tensors.get(boxes)?.dims.length ?? 0) === 3;
  const score = (row: number): Element => ({ tensor: scores, index: batched ? [0, row] : [row] });
  const corner = (row: number, i: number): Element => ({ tensor: boxes, index: batched ? [0, row, i] : [row, i] });
  return {
    kind: "list",
    format: `a list of "${boxes}", "${labels}" and "${scores}"`,
    reads: [boxes, scores, labels, ...(count === undefined ? [] : [count])],
    scores,
    examples: [{ score: score(0), box: corner(0, 0) }],
    classes: -1,
    probability: "as-is",
    overlapping: false,
    ...(tensorflow || count !== undefined
      ? { uncompiled: "its lists are filled up, and its boxes in an order or a unit that only a run tells" }
      : { layout: { of: "list", boxes, labels } }),
    decode(of, { width, height }, threshold) {
      const [placed, given, named] = [of(boxes), of(scores), of(labels)];
      const length = given.dims.at(-1) ?? 0;
      const counted = count === undefined ? length : Math.min(length, Number(of(count).data[0] ?? length));
      const order = tensorflow ? [1, 0, 3, 2] : [0, 1, 2, 3];
      const relative = tensorflow && areParts(placed, counted);
      const [across, down] = relative ? [width, height] : [1, 1];
      const sieve = new Sieve(threshold);
      for (let row = 0; row < counted; row++) {
        const value = given.data[row] as number;
        if (!sieve.passes(value)) continue;
        const [x0, y0, x1, y1] = order.map((i) => placed.data[row * 4 + i] as number) as unknown as Box;
        const at = (i: number) => corner(row, order[i] as number);
        sieve.candidates.push({
          ...{ class: Math.round(Number(named.data[row])), score: value, at: score(row) },
          box: [x0 * across, y0 * down, x1 * across, y1 * down],
          edge: corneredEdges(at(0), at(1), at(2), at(3)),
        });
      }
      return sieve;
    },
  };
}
