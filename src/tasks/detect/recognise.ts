/** @file Which head a detector has: by the shapes and names of its outputs, its graph, and what its files say. */
import { isRecord } from "../../errors.ts";
import type { Size } from "../../image/geometry.ts";
import type { Model } from "../../onnx/model.ts";
import type { Observed } from "../../onnx/observe.ts";
import { Trace } from "../../read/trace.ts";
import { noteOf, textNote } from "../formats/metadata.ts";
import { anchorHead } from "./anchor-head.ts";
import { type DenseNotes, denseHead } from "./dense-head.ts";
import type { Head, HeadGuess, ReadHead } from "./head.ts";
import { levelHead } from "./level-head.ts";
import { listHead } from "./list-head.ts";
import { type PairReading, pairHead } from "./pair-head.ts";
import { rowHead } from "./row-head.ts";

export interface DetectorFiles {
  readonly model: Model;
  /** Of a picture of the size that the network takes, or of a nominal one. */
  readonly tensors: Observed;
  /** The picture's size in `tensors`. */
  readonly input: Size;
  readonly config: unknown;
  readonly labels: readonly string[];
}

/** The head, and what was guessed of it; undefined where the outputs are those of no known detector. */
export function recogniseHead(files: DetectorFiles): ReadHead | undefined {
  const { model, tensors } = files;
  const listed = listedOutputs(files);
  if (listed) return { head: listed };
  const chooses = model.graph.node.some(({ opType }) => opType === "TopK" || opType === "NonMaxSuppression");
  const trace = new Trace(model, tensors);
  const leveled = levelHead(tensors, trace, model.outputs, files.input);
  if (leveled) return { head: leveled };
  const anchored = anchorHead(tensors, trace, model.outputs, files.input);
  if (anchored) return anchored;
  const paired = pairedOutputs(files);
  if (paired) {
    const { guess, ...reading } = paired;
    return { head: pairHead(tensors, reading), ...(guess && { guess }) };
  }
  const transformer = /RTDETR/i.test(textNote(model, "head") ?? "");
  const notes = notesOf(files);
  const { prototypes, coefficients } = prototypesOf(files);
  for (const output of model.outputs) {
    const chosen =
      rowHead(tensors, trace, output, { chooses, centred: transformer, coefficients }) ??
      (transformer ? queriesIn(tensors, output) : undefined);
    const { head, guess } = (chosen && { head: chosen }) ?? denseHead(tensors, trace, output, files.input, notes) ?? {};
    // Behind the coefficients of masks stands nothing else.
    const own = head?.kind === "rows" ? last(tensors, output) - 6 : notes.extra;
    const masked = head && prototypes && own === coefficients;
    if (head) return { head: masked ? { ...head, prototypes } : head, ...(guess && { guess }) };
  }
  return undefined;
}

/** Queries whose box and scores are one row, [n, queries, 4 + classes], as Ultralytics exported RT-DETR. */
function queriesIn(tensors: Observed, output: string): Head | undefined {
  if (rank(tensors, output) !== 3 || last(tensors, output) < 5) return undefined;
  const of = { scores: output, boxes: output, first: 4, by: "as-is", centred: true } as const;
  return pairHead(tensors, { ...of, several: true, overlapping: false, relative: true });
}

const rank = (tensors: Observed, name: string): number => tensors.get(name)?.dims.length ?? 0;
const last = (tensors: Observed, name: string): number => tensors.get(name)?.dims.at(-1) ?? 0;

/** What stands behind the scores of classes in a place's numbers. */
function notesOf(files: DetectorFiles): DenseNotes {
  const { model, labels } = files;
  const task = textNote(model, "task");
  const shape = noteOf(model, "kpt_shape");
  const points = Array.isArray(shape) ? shape.reduce((a: number, b) => a * Number(b), 1) : 0;
  const { coefficients } = prototypesOf(files);
  const extra = coefficients + points + (task === "obb" ? 1 : 0);
  return { ...(labels.length && { classes: labels.length }), extra };
}

/** The planes that masks of boxes are sums of, and how many numbers of a box say so. */
function prototypesOf({ model, tensors }: DetectorFiles): {
  readonly prototypes?: string;
  readonly coefficients: number;
} {
  const prototypes = model.outputs.find((name) => rank(tensors, name) === 4);
  const coefficients = (prototypes !== undefined && tensors.get(prototypes)?.dims[1]) || 0;
  if (prototypes === undefined || coefficients < 1 || textNote(model, "task") === "detect") return { coefficients: 0 };
  return { prototypes, coefficients };
}

/** Outputs that are boxes, labels and scores, each by its name and its shape. */
function listedOutputs({ model, tensors }: DetectorFiles): Head | undefined {
  const named = (pattern: RegExp) => model.outputs.find((name) => pattern.test(name));
  const boxes =
    named(/^(?:.*[/:])?(boxes|bboxes|det_boxes|detection_boxes)(?::0)?$/i) ??
    model.outputs.find((name) => last(tensors, name) === 4 && [2, 3].includes(rank(tensors, name)));
  const scores = named(/^(?:.*[/:])?(scores|det_scores|detection_scores)(?::0)?$/i);
  const labels = named(/^(?:.*[/:])?(labels|classes|det_classes|detection_classes)(?::0)?$/i);
  if (!boxes || !scores || !labels) return undefined;
  // Scores of each box for its own class alone.
  if (rank(tensors, scores) !== rank(tensors, boxes) - 1 || rank(tensors, labels) !== rank(tensors, scores))
    return undefined;
  const count = named(/^(?:.*[/:])?(num_dets|num_detections)(?::0)?$/i);
  const tensorflow = /detection_boxes/.test(boxes) || model.inputs.some(({ name }) => /image_tensor/.test(name));
  return listHead(tensors, { boxes, scores, labels, ...(count && { count }), tensorflow });
}

/** Architectures whose queries are one class each, or none. */
const exclusive = /^(Detr|Yolos|TableTransformer|MaskFormer)/;

/** Outputs [n, queries, 4] and [n, queries, classes]. */
function pairedOutputs({
  model,
  tensors,
  config,
  labels,
}: DetectorFiles): (PairReading & { guess?: HeadGuess }) | undefined {
  const three = model.outputs.filter((name) => rank(tensors, name) === 3);
  const boxes =
    three.find((name) => /pred_boxes|boxes|dets|bbox/i.test(name) && last(tensors, name) === 4) ??
    three.find((name) => last(tensors, name) === 4);
  const scores =
    three.find(
      (name) =>
        name !== boxes &&
        tensors.get(name)?.dims[1] === tensors.get(boxes ?? "")?.dims[1] &&
        /logits|scores|labels|class|conf/i.test(name),
    ) ?? three.find((name) => name !== boxes && boxes && tensors.get(name)?.dims[1] === tensors.get(boxes)?.dims[1]);
  if (!boxes || !scores) return undefined;
  const trace = new Trace(model, tensors);
  const { through } = trace.source({ tensor: scores, index: [0, 0, 0] });
  const size = last(tensors, scores);
  const queried = /pred_boxes|dets/i.test(boxes) || /logits/.test(scores);
  const family = architectureOf(config);
  if (!queried) {
    // A detector's places, thinned out by nobody yet: their probabilities, and a background where they are over all classes.
    const over = through[0] === "Softmax";
    return {
      ...{ scores, boxes, by: through.length ? "as-is" : "sigmoid", centred: false, several: false, overlapping: true },
      ...(over && size > 1 && { nothing: "first" as const }),
    };
  }
  const names = labels.length;
  const known = family !== undefined || names === size || names === size - 1;
  const single = family !== undefined ? exclusive.test(family) : names > 0 ? names === size - 1 : size === 92;
  return {
    ...{ scores, boxes, centred: true, overlapping: false, relative: true, several: !single },
    by: through.length ? "as-is" : single ? "softmax" : "sigmoid",
    ...(single && { nothing: "last" as const }),
    ...(!known && {
      guess: {
        because: `the model does not say how they are scored; ${
          single ? "a softmax with a last class for nothing was assumed" : "a sigmoid of each class was assumed"
        }`,
        option: "config.json beside it, or --labels",
      },
    }),
  };
}

function architectureOf(config: unknown): string | undefined {
  const named = isRecord(config) && Array.isArray(config.architectures) ? config.architectures[0] : undefined;
  return named === undefined ? undefined : String(named);
}
