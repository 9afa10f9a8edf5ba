/**
 * @file A classifier from the parts that a model comes in: the ONNX file, what lies beside it in Hugging Face layout, what it says of
 * itself. Where the parts are read from, disk, network or a person's hand, is not known here.
 */
import { expects, isRecord, isTexts, listing, type OptionNames, UserError } from "../errors.ts";
import type { InputShapes } from "../explain/input-shapes.ts";
import type { SessionBound } from "../explain/sessions.ts";
import { given, type KnownPreprocess, pictureShape } from "../image/assume.ts";
import type { Preprocess } from "../image/preprocess.ts";
import { type Model, readModel } from "../onnx/model.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import type { GraphOptions } from "../read/graph.ts";
import type { TokenGrid } from "../read/layout.ts";
import { isText } from "./asking.ts";
import { boundedJson, boundedSize } from "./formats/json.ts";
import type { PlacingOptions } from "./placing.ts";

/** What a caller says of a model, over what the model says of itself. */
export interface ModelOptions extends Omit<KnownPreprocess, "layout">, GraphOptions, PlacingOptions {
  readonly layer?: string;
  /** Where layers hold tokens: their grid; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  /** Sizes of inputs that the file leaves open. */
  readonly inputShapes?: InputShapes;
  readonly session?: SessionOptions;
  /** How many sessions stay open: 4, or 1 GB of them, by default. */
  readonly keep?: SessionBound;
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
  ...{ size: true, mean: true, std: true, scale: true, channels: true, fit: true, peak: true, align: true },
};

/** What `load` is given of a model, as far as it can be seen to be wrong before the model is read. */
export function checkLoad(options: ModelOptions & { readonly labels?: unknown; readonly inputs?: unknown }): void {
  const { mean, std, layout, labels, inputs, session } = options;
  for (const [name, values] of Object.entries({ mean, std })) {
    const numbers = [values ?? 1].flat();
    expects(numbers.every(Number.isFinite), name, values, "a number, or one for each channel");
    expects(
      name === "mean" || numbers.every((v) => v !== 0),
      name,
      values,
      "a number other than 0, or one for each channel",
    );
  }
  expects(layout === undefined || isText(layout), "layout", layout, 'a letter for each axis, such as "NCHW" or "NHWC"');
  const given = labels === undefined || isText(labels) || isTexts(labels) || labels instanceof Blob;
  expects(given, "labels", labels, "a list of names, or a file");
  expects(inputs === undefined || isRecord(inputs), "inputs", inputs, "an object of files or tensors by name");
  expects(session === undefined || isRecord(session), "session", session, "an object of ONNX Runtime's options");
}

/** What was found. */
export interface ModelParts {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  /** The ONNX file, as errors name it. */
  readonly file: string;
  readonly model: Model;
  /** The content of `config.json`, parsed. */
  readonly config?: unknown;
  /** The content of `preprocessor_config.json`, parsed. */
  readonly stated?: unknown;
  /** Class names, which go before all others. */
  readonly labels?: readonly string[];
  /** Where they are from, in words. */
  readonly labelsFrom?: string;
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

/** @throws UserError `invalid-input` for what is not JSON, `too-large`. */
export const parseJson = (bytes: Uint8Array, file: string, what: string): unknown => boundedJson(bytes, file, what);

/** Class names from a file's content: a name a line or, where its name ends with .json, a list or `id2label`. */
export function parseLabels(bytes: Uint8Array, file: string): readonly string[] {
  boundedSize(bytes.length, file, "labels");
  const names = file.endsWith(".json")
    ? labelsFrom(parseJson(bytes, file, "labels"))
    : textOf(bytes, file).trimEnd().split(/\r?\n/);
  if (names.every((name) => name.trim() === "")) throw noLabels(file, "no name is in it");
  return names;
}

/** The largest vocabularies of pictures have some ten thousand classes; a name's index far beyond is a mistake, and costs memory. */
const mostClasses = 1_000_000;

/** A name of a class is not longer. */
const longestName = 1000;

/** @throws UserError `invalid-input` for what is no text with a name a line. */
function textOf(bytes: Uint8Array, file: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw noLabels(file, "it is no text (UTF-8)", cause);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has tells a picture or a model from names.
  if (/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text)) throw noLabels(file, "it is no text");
  if (/^\s*[[{<]/.test(text))
    throw noLabels(file, "it is JSON or a web page; a name ending with .json is read as JSON");
  if (text.split("\n").some((line) => line.length > longestName))
    throw noLabels(file, `a line has more than ${longestName} characters`);
  return text;
}

const noLabels = (file: string, why: string, cause?: unknown): UserError =>
  new UserError(
    "invalid-input",
    `invalid labels: ${file}: ${why}; expected class names, one a line, or JSON (a list, or id2label)`,
    { cause },
  );

/** A list of names, a map from index to name, or a configuration with such a map under `id2label`. */
export function labelsFrom(json: unknown): readonly string[] {
  const map = typeof json === "object" && json !== null && "id2label" in json ? json.id2label : json;
  if (Array.isArray(map)) return map.map(String);
  if (typeof map !== "object" || map === null) return [];
  const names: string[] = [];
  for (const [index, name] of Object.entries(map)) {
    if (!/^\d+$/.test(index)) continue;
    if (Number(index) >= mostClasses)
      throw new UserError(
        "invalid-input",
        `invalid labels: a class ${index} is named; models of ${mostClasses} classes at most are read`,
      );
    names[Number(index)] = String(name);
  }
  return Array.from(names, (name) => name ?? "");
}

/** The order of a picture's axes; @throws UserError `invalid-option` for another. */
export function pictureLayout(layout: string | undefined): KnownPreprocess["layout"] {
  if (layout === undefined || layout === "NCHW" || layout === "NHWC") return layout;
  throw new UserError("invalid-option", `invalid layout: "${layout}"; allowed are NCHW and NHWC`);
}

/**
 * A stated preparation for an input: laid out as the input is, padded to it, over which goes what the caller says.
 * @param dims of the input, batch first; -1 where free
 */
export function forInput(stated: Preprocess, known: KnownPreprocess, dims: readonly number[]): Preprocess {
  const input = pictureShape(dims, known.layout);
  const { height = -1, width = -1, layout } = input;
  const { pad } = stated;
  const size = height > 0 && width > 0 ? { height, width } : undefined;
  const padded = pad && !pad.size && !pad.divisor && size ? { pad: { ...pad, size } } : {};
  return given({ ...stated, ...padded, layout: known.layout ?? layout }, known, input);
}
