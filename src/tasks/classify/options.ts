/** @file What may be asked of a classifier, checked for callers without types. */
import { checkOptions, expects, isRecord, type OptionNames } from "../../errors.ts";
import type { Feeds } from "../../onnx/runtime.ts";
import { type AskingOptions, askingNames, checkAsking, checkList, isQuery } from "../asking.ts";
import type { ClassQuery } from "../labels.ts";

export interface ClassifyOptions extends AskingOptions {
  /** Classes to explain: indices, names, `topN`; the best class by default. */
  readonly classes?: readonly ClassQuery[];
  /** Explain the classes rather than this one: what speaks for them and against it. */
  readonly against?: ClassQuery;
  readonly layer?: string;
  /** The model's other inputs, by name. */
  readonly inputs?: Feeds;
}

const classifyOptions: OptionNames<ClassifyOptions> = {
  ...askingNames,
  ...{ classes: true, against: true, layer: true, inputs: true },
};

/** @throws UserError `invalid-option` */
export function checkClassify(options: Omit<ClassifyOptions, "inputs"> & { readonly inputs?: object }): void {
  checkOptions(options, classifyOptions, "explain");
  checkAsking(options);
  expects(!options.inputs || isRecord(options.inputs), "inputs", options.inputs, "an object of files or tensors");
  checkList(options.classes, "classes", '["espresso", 281, "top3"]', isQuery);
  const { against } = options;
  expects(against === undefined || isQuery(against), "against", against, 'a class, "espresso" or 281');
  expects(!/^top\d+$/.test(String(against ?? "")), "against", against, "one class");
}
