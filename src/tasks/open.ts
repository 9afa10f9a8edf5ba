/**
 * @file A classifier from the parts that a model comes in: the ONNX file, what lies beside it in Hugging Face layout, what it says of
 * itself. Where the parts are read from, disk, network or a person's hand, is not known here.
 */
import { type Check, isRecord, isTexts, listing, type OptionNames, UserError } from "../errors.ts";
import { type OpenOptions, openNames } from "../explain/explainer.ts";
import type { KnownPreprocess } from "../image/assume.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { isText } from "./asking.ts";
import type { PlacingOptions } from "./placing.ts";
import type { Said } from "./said.ts";
import { type Task, tasks } from "./task.ts";

/** What a caller says of a model, over what the model says of itself. */
export interface ModelOptions extends Omit<KnownPreprocess, "layout">, OpenOptions, PlacingOptions {
  /** What the model is for, where it is read wrongly. */
  readonly task?: Task;
}

const numbers = (fits: (value: number) => boolean, what: string): Check => [
  (given) => [given].flat().every((value) => Number.isFinite(value) && fits(Number(value))),
  `a number${what}, or one for each channel`,
];

export const modelOptions: OptionNames<ModelOptions> = {
  ...openNames,
  ...{ size: true, scale: true, channels: true, fit: true, peak: true, align: true },
  mean: numbers(() => true, ""),
  std: numbers((value) => value !== 0, " other than 0"),
  layout: [isText, 'a letter for each axis, such as "NCHW" or "NHWC"'],
  session: [isRecord, "an object of ONNX Runtime's options"],
  task: [(task) => tasks.some((known) => known === task), tasks.join(", ")],
};

export const isLabels: Check = [
  (labels) => isText(labels) || isTexts(labels) || labels instanceof Blob,
  "a list of names, or a file",
];

/** What was found; labels among it go before all others. */
export interface ModelParts extends Pick<Said, "name" | "config" | "stated" | "labels" | "labelsFrom"> {
  /** The ONNX file, as errors name it. */
  readonly file: string;
  readonly model: Model;
}

/** Where the ONNX file of a directory in Hugging Face layout is looked for, in this order. */
export const usualPlaces = ["onnx/model.onnx", "model.onnx"] as const;

/** @throws UserError `invalid-model` that names the file. */
export async function readNamed(bytes: Uint8Array, file: string): Promise<Model> {
  try {
    return readModel(bytes);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    const { foreignModel } = await import("../onnx/foreign.ts");
    const told = foreignModel(bytes);
    const message = told ? `invalid model: ${told}` : cause.message;
    throw new UserError(cause.code, message.replace(/^invalid model:/, `invalid model ${file}:`), { cause });
  }
}

/**
 * The ONNX file among those of a directory: in one of the usual places, or the only one.
 * @param names of the directory's files
 * @throws UserError `missing-file`
 */
export function modelAmong(names: readonly string[], directory: string): string {
  const usual = usualPlaces.find((place) => names.includes(place));
  if (usual) return usual;
  const others = names.filter((name) => name.endsWith(".onnx") && !name.includes("/"));
  const [only, ...more] = others;
  if (only && more.length === 0) return only;
  const found = only ? `it has ${listing(others)}; name one of them` : "no onnx/model.onnx or model.onnx in it";
  throw new UserError("missing-file", `missing model: ${directory}: ${found}`);
}
