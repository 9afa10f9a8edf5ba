/** @file What may be asked of a classifier, checked for callers without types. */
import { type Check, checkOptions, isRecord, type OptionNames, UserError } from "../../errors.ts";
import type { Picture } from "../../image/picture.ts";
import type { Feeds } from "../../onnx/runtime.ts";
import {
  type AskingOptions,
  askingOptions,
  type BoundOptions,
  boundOptions,
  isQuery,
  isText,
  listOf,
} from "../asking.ts";
import type { DetectOptions } from "../detect/detections.ts";
import type { ClassQuery } from "../labels.ts";
import { isPixels } from "../sample.ts";

export interface ClassifyOptions extends AskingOptions, BoundOptions, DetectOptions {
  /** Questions of the one grammar, as "class:cat", "box:3", "not:cat"; the best class, or every detection, by default. */
  readonly targets?: readonly string[];
  /** Classes to explain: indices, names, `topN`; the best class by default. */
  readonly classes?: readonly ClassQuery[];
  /** Explain the classes rather than this one: what speaks for them and against it. */
  readonly against?: ClassQuery;
  readonly layer?: string;
  /** Pictures that questions name, as "region:door" names { door: picture }: of the picture's size, black outside of the region. */
  readonly regions?: Readonly<Record<string, Picture>>;
  /** The model's other inputs, by name. */
  readonly inputs?: Feeds;
}

const part: Check = [(value) => Number(value) >= 0 && Number(value) <= 1, "a number from 0 to 1"];

export const detectOptions: OptionNames<DetectOptions> = {
  ...{ score: part, iou: part },
  maxDetections: [(value) => Number.isInteger(value) && Number(value) > 0, "an integer of at least 1"],
};

const classifyOptions: OptionNames<ClassifyOptions> = {
  ...askingOptions,
  ...boundOptions,
  targets: listOf(isText, '["class:cat", "not:dog"]'),
  classes: listOf(isQuery, '["espresso", 281, "top3"]'),
  against: [(value) => isQuery(value) && !/^top\d+$/.test(String(value)), 'one class, "espresso" or 281'],
  layer: true,
  regions: [
    (value) => !value || (isRecord(value) && Object.values(value).every(isPixels)),
    "an object of pictures { width, height, data } by name",
  ],
  inputs: [(value) => !value || isRecord(value), "an object of files or tensors"],
  ...detectOptions,
};

/** @throws UserError `invalid-option` for what only a detector can be told. */
export function refuseDetectOptions(options: DetectOptions, task: string): void {
  for (const name of ["score", "iou", "maxDetections"] as const)
    if (options[name] !== undefined)
      throw new UserError("invalid-option", `invalid ${name}: it is a detector's, and this is a ${task} model`);
}

/** @throws UserError `invalid-option` */
export const checkClassify = (options: unknown): void => checkOptions(options, classifyOptions, "explain");
