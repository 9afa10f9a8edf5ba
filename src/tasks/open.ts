/**
 * @file A classifier from the parts that a model comes in: the ONNX file, what lies beside it in Hugging Face layout, what it says of
 * itself. Where the parts are read from, disk, network or a person's hand, is not known here.
 */
import { expects, isRecord, isTexts, listing, type OptionNames, UserError } from "../errors.ts";
import type { OpenOptions } from "../explain/explainer.ts";
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

export const modelOptions: OptionNames<ModelOptions> = {
  ...{
    output: true,
    explainInput: true,
    layout: true,
    layer: true,
    tokens: true,
    inputShapes: true,
    session: true,
    keep: true,
  },
  ...{ size: true, mean: true, std: true, scale: true, channels: true, fit: true, peak: true, align: true, task: true },
};

/** What `load` is given of a model, as far as it can be seen to be wrong before the model is read. */
export function checkLoad(options: ModelOptions & { readonly labels?: unknown; readonly inputs?: unknown }): void {
  const { mean, std, layout, labels, inputs, session } = options;
  for (const [name, values] of Object.entries({ mean, std })) {
    const numbers = [values ?? 1].flat();
    expects(numbers.every(Number.isFinite), name, values, "a number, or one for each channel");
    const divides = name === "mean" || numbers.every((v) => v !== 0);
    expects(divides, name, values, "a number other than 0, or one for each channel");
  }
  expects(layout === undefined || isText(layout), "layout", layout, 'a letter for each axis, such as "NCHW" or "NHWC"');
  const given = labels === undefined || isText(labels) || isTexts(labels) || labels instanceof Blob;
  expects(given, "labels", labels, "a list of names, or a file");
  expects(inputs === undefined || isRecord(inputs), "inputs", inputs, "an object of files or tensors by name");
  const { task } = options;
  const knownTask = task === undefined || tasks.includes(task);
  expects(knownTask, "task", task, tasks.join(", "));
  expects(session === undefined || isRecord(session), "session", session, "an object of ONNX Runtime's options");
}

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
  if (others.length === 1) return others[0];
  const found = others.length
    ? `it has ${listing(others)}; name one of them`
    : "no onnx/model.onnx or model.onnx in it";
  throw new UserError("missing-file", `missing model: ${directory}: ${found}`);
}
