/** @file One picture of an evaluation of a detector: the maps of the boxes that are right, by several ways, and what is measured of each. */
import type { Dense } from "../../array/dense.ts";
import { InternalError, throwIfAborted } from "../../errors.ts";
import type { ElementQuestion } from "../../explain/elements.ts";
import { undo, upsample } from "../../image/geometry.ts";
import type { Picture, PixelMap } from "../../image/picture.ts";
import { methodName } from "../../methods/by-name.ts";
import type { GivenOptions } from "../../methods/method.ts";
import { product } from "../../onnx/dims.ts";
import { tensorOf, toDense } from "../../onnx/tensors.ts";
import { toPlain } from "../../read/axes.ts";
import type { Detector } from "../../tasks/detect/detector.ts";
import type { Candidate } from "../../tasks/detect/head.ts";
import type { Annotation } from "../metrics/metric.ts";
import { isBlank, type Score } from "../metrics/variants.ts";
import { faithful, gaussianOn, type Measured, maskFirst, matched, placed, survivor } from "./measures.ts";

/** A way of making maps; at the layer of a box's level unless another is named. */
export interface Way {
  readonly name: string;
  /** A method's name. */
  readonly method: string;
  readonly layer?: string;
  /** What it is told. */
  readonly options?: GivenOptions;
  readonly maxMemory?: number;
}

export const control = "Gaussian on the box";
/** Where the dataset has masks: the best that an order of pixels by the object can do, whatever the network looked at. */
export const itself = "the object itself";

/** What was measured of one detection's map. */
export interface DetectionRecord {
  readonly picture: string;
  /** A way's name, `control` or `itself`. */
  readonly way: string;
  readonly detection: number;
  readonly class: number;
  readonly label: string;
  /** Whether the map has no value above 0. */
  readonly blank: boolean;
  readonly values: Measured;
}

export interface ExaminedDetections {
  /** Objects with a box. */
  readonly objects: number;
  /** Of them, those that were found. */
  readonly found: number;
  /** The class of the best detection; -1 where there is none. */
  readonly best: number;
  readonly records: readonly DetectionRecord[];
  /** How many maps of each way are not finite. */
  readonly broken: Readonly<Record<string, number>>;
  /** Milliseconds of each way, for all boxes together. */
  readonly times: Readonly<Record<string, number>>;
}

export interface DetectionCase {
  readonly id: string;
  readonly picture: Picture;
  readonly annotations: readonly Annotation[];
}

export async function examineDetections(
  { id, picture, annotations }: DetectionCase,
  detector: Detector,
  ways: readonly Way[],
  signal?: AbortSignal,
): Promise<ExaminedDetections> {
  const { prepared, found, detections } = await detector.look(picture, { signal });
  const { geometry } = prepared.subject;
  const { width, height } = geometry.input;
  const { explained } = detector.explainer.reading;
  if (!explained) throw new InternalError("a detector without a picture");
  const whole = toPlain(toDense(tensorOf(found.pass.feeds, explained.name)), explained.axes);
  const dims = whole.dims.slice(1);
  const input: Dense = { data: whole.data.subarray(0, product(dims)), dims };

  const objects = annotations.filter(({ box, crowd }) => box && !crowd);
  const pairs = matched(detections, objects);
  const candidates = pairs.map(({ detection }) => found.candidates[detection.index] as Candidate);
  const scoreOf =
    (candidate: Candidate): Score =>
    (variants) =>
      found.pass.variants(detector.head.reads, variants, (of) =>
        survivor(candidate, detector.head.decode(of, geometry.input, 0).candidates),
      );

  const records: DetectionRecord[] = [];
  const broken: Record<string, number> = {};
  const record = async (way: string, i: number, map: Float32Array, onPicture: PixelMap) => {
    const pair = pairs[i];
    const candidate = candidates[i];
    if (!pair || !candidate) throw new InternalError("a map of nothing");
    if (!map.every(Number.isFinite)) {
      broken[way] = (broken[way] ?? 0) + 1;
      return;
    }
    const values = {
      ...placed(onPicture, objects, pair.object),
      ...(await faithful(map, candidate.box, input, scoreOf(candidate))),
    };
    const { index, class: c, label } = pair.detection;
    records.push({ picture: id, way, detection: index, class: c, label, blank: isBlank(map), values });
  };

  const times: Record<string, number> = {};
  for (const { name, method, layer, options, maxMemory } of ways) {
    throwIfAborted(signal);
    const questions = candidates.map((candidate): ElementQuestion => {
      const question = found.score(candidate);
      return layer === undefined ? question : { ...question, layer };
    });
    if (questions.length === 0) continue;
    const began = performance.now();
    const answers = await found.pass.explain(questions, { method: methodName(method), signal, options, maxMemory });
    times[name] = performance.now() - began;
    for (const [i, { map, layer: at }] of answers.entries()) {
      const [h = 1, w = 1] = map.dims;
      const { alignment } = await detector.places.of(at);
      const onInput = h === height && w === width ? map.data : upsample(map.data, [h, w], [height, width], alignment);
      await record(name, i, onInput, undo(map.data, [h, w], geometry, alignment));
    }
  }
  for (const [i, { box }] of candidates.entries()) {
    const mask = objects[pairs[i]?.object ?? -1]?.mask;
    const known: [string, Float32Array][] = [[control, gaussianOn(box, width, height)]];
    if (mask) known.push([itself, maskFirst(mask, box, geometry)]);
    for (const [name, map] of known) await record(name, i, map, undo(map, [height, width], geometry));
  }
  const best = detections[0]?.class ?? -1;
  return { objects: objects.length, found: pairs.length, best, records, broken, times };
}
