/** @file What may be asked of a classifier, checked for callers without types. */
import { checkOptions, expects, isRecord, type OptionNames } from "../../errors.ts";
import type { Picture } from "../../image/picture.ts";
import type { Feeds } from "../../onnx/runtime.ts";
import { type AskingOptions, askingNames, checkAsking, checkList, isQuery, isText } from "../asking.ts";
import type { DetectOptions } from "../detect/detections.ts";
import type { ClassQuery } from "../labels.ts";
import { checkPicture } from "../sample.ts";

export interface ClassifyOptions extends AskingOptions, DetectOptions {
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

const classifyOptions: OptionNames<ClassifyOptions> = {
  ...askingNames,
  ...{ targets: true, classes: true, against: true, layer: true, regions: true, inputs: true },
  ...{ score: true, iou: true, maxDetections: true },
};

/** @throws UserError `invalid-option` */
export function checkClassify(options: Omit<ClassifyOptions, "inputs"> & { readonly inputs?: object }): void {
  checkOptions(options, classifyOptions, "explain");
  checkAsking(options);
  expects(!options.inputs || isRecord(options.inputs), "inputs", options.inputs, "an object of files or tensors");
  expects(!options.regions || isRecord(options.regions), "regions", options.regions, "an object of pictures by name");
  for (const region of Object.values(options.regions ?? {})) checkPicture(region);
  checkList(options.targets, "targets", '["class:cat", "not:dog"]', isText);
  checkList(options.classes, "classes", '["espresso", 281, "top3"]', isQuery);
  const { against } = options;
  expects(against === undefined || isQuery(against), "against", against, 'a class, "espresso" or 281');
  const { score, iou, maxDetections } = options;
  const part = (value: number | undefined) => value === undefined || (value >= 0 && value <= 1);
  expects(part(score), "score", score, "a number from 0 to 1");
  expects(part(iou), "iou", iou, "a number from 0 to 1");
  const whole = maxDetections === undefined || (Number.isInteger(maxDetections) && maxDetections > 0);
  expects(whole, "maxDetections", maxDetections, "an integer of at least 1");
  expects(!/^top\d+$/.test(String(against ?? "")), "against", against, "one class");
}
