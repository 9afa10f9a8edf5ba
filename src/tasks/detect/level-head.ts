/**
 * @file Heads that give each level as two outputs, scores [n, places, classes] and edges [n, places, 4 bins] or [n, places, 4], as Paddle's PicoDet
 * exports them: an edge lies so many strides from the middle of its place, by a distribution over whole numbers of them (Li et al. 2020,
 * "Generalized Focal Loss", arXiv 2006.04388).
 */

import type { Size } from "../../image/geometry.ts";
import type { Box } from "../../image/locate.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import { sigmoid, softmax } from "../classify/probability.ts";
import { type Candidate, type ElementSum, edges, type Head, type OutputNumbers, Sieve } from "./head.ts";

/** The outputs of one level. */
interface LevelOutputs {
  readonly scores: string;
  readonly boxes: string;
  readonly stride: number;
  readonly columns: number;
  readonly bins: number;
}

const strides = [4, 8, 16, 32, 64, 128] as const;

/** @returns undefined for outputs that are no such head */
export function levelHead(tensors: Observed, trace: Trace, outputs: readonly string[], input: Size): Head | undefined {
  const levels = levelsAmong(tensors, outputs, input);
  const [first] = levels;
  if (!first || levels.length * 2 !== outputs.length) return undefined;
  const classes = tensors.get(first.scores)?.dims.at(-1) ?? 0;
  const score = ({ scores }: LevelOutputs, place: number, c: number): Element => ({
    tensor: scores,
    index: [0, place, c],
  });
  const logits = trace.source(score(first, 0, 0)).through.length === 0;
  return {
    kind: "pair",
    format: `scores and edges of each place, two outputs for each of ${levels.length} levels`,
    reads: outputs,
    scores: first.scores,
    examples: levels.map((level) => ({ score: score(level, 0, 0), box: { tensor: level.boxes, index: [0, 0, 0] } })),
    probability: logits ? "sigmoid" : "as-is",
    classes,
    overlapping: true,
    uncompiled: "each level has its scores and edges in outputs of their own",
    decode(of, _, threshold) {
      const sieve = new Sieve(threshold);
      for (const level of levels) {
        const [given, edged] = [of(level.scores), of(level.boxes)];
        const places = given.dims[1] ?? 0;
        for (let place = 0; place < places; place++) {
          let best = 0;
          for (let c = 1; c < classes; c++)
            if (at(given, place * classes + c) > at(given, place * classes + best)) best = c;
          const raw = at(given, place * classes + best);
          const value = logits ? sigmoid(raw) : raw;
          if (!sieve.passes(value)) continue;
          sieve.candidates.push({
            ...{ class: best, score: value, at: score(level, place, best), edge: edgesOf(level, place, edged) },
            box: boxOf(level, place, edged),
          });
        }
      }
      return sieve;
    },
  };
}

function levelsAmong(tensors: Observed, outputs: readonly string[], { width, height }: Size): LevelOutputs[] {
  const dims = (name: string) => tensors.get(name)?.dims ?? [];
  return strides.flatMap((stride) => {
    const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
    const own = outputs.filter((name) => dims(name).length === 3 && dims(name)[1] === rows * columns);
    const boxes = own.find((name) => [4, 32, 64, 68].includes(dims(name)[2] ?? 0));
    const scores = own.find((name) => name !== boxes);
    if (own.length !== 2 || boxes === undefined || scores === undefined) return [];
    return [{ scores, boxes, stride, columns, bins: (dims(boxes)[2] ?? 4) / 4 }];
  });
}

const at = ({ data }: OutputNumbers, i: number): number => data[i] as number;

/** The parts of each bin of an edge: all of it in the only one, or by a softmax over them. */
function weights({ bins }: LevelOutputs, place: number, edge: number, edged: OutputNumbers): number[] {
  if (bins === 1) return [1];
  const from = (place * 4 + edge) * bins;
  return softmax(Float32Array.from({ length: bins }, (_, i) => at(edged, from + i)));
}

/** How many strides an edge lies from the middle of its place. */
function distance(level: LevelOutputs, place: number, edge: number, edged: OutputNumbers): number {
  if (level.bins === 1) return at(edged, place * 4 + edge);
  return weights(level, place, edge, edged).reduce((sum, part, i) => sum + part * i, 0);
}

function boxOf(level: LevelOutputs, place: number, edged: OutputNumbers): Box {
  const { stride, columns } = level;
  const [x, y] = [(place % columns) + 0.5, Math.floor(place / columns) + 0.5];
  const [left, top, right, bottom] = edges.map((_, i) => distance(level, place, i, edged)) as [
    number,
    number,
    number,
    number,
  ];
  return [(x - left) * stride, (y - top) * stride, (x + right) * stride, (y + bottom) * stride];
}

/** An edge's place as a sum of the numbers of its bins, to first order: what an edge moves by when a bin's number rises by one. */
function edgesOf(level: LevelOutputs, place: number, edged: OutputNumbers): Candidate["edge"] {
  const sum = (edge: number, sign: number): ElementSum => {
    const mean = distance(level, place, edge, edged);
    return weights(level, place, edge, edged).map((part, bin) => {
      const element: Element = { tensor: level.boxes, index: [0, place, edge * level.bins + bin] };
      return [element, sign * level.stride * (level.bins === 1 ? 1 : part * (bin - mean))];
    });
  };
  return { left: sum(0, -1), top: sum(1, -1), right: sum(2, 1), bottom: sum(3, 1) };
}
