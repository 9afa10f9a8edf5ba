/** @file Files as samples: pictures, recordings and arrays, by how their names end or their bytes begin. */
import path from "node:path";
import { readNpy } from "../array/npy.ts";
import { listing, UserError } from "../errors.ts";
import type { Explainer } from "../explain/explainer.ts";
import { preprocess } from "../image/preprocess.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import { typeOf } from "../onnx/observe.ts";
import type { Feeds, Tensor } from "../onnx/runtime.ts";
import { toTensor } from "../onnx/tensors.ts";
import { typeName } from "../onnx/types.ts";
import { axesFromText } from "../read/axes.ts";
import type { Signal } from "../signal/signal.ts";
import { decodeWav } from "../signal/wav.ts";
import type { ModelOptions } from "../tasks/open.ts";
import { preparationOf } from "../tasks/preparation.ts";
import { batched, checkSample, type Sample } from "../tasks/sample.ts";
import { asDense, asTensor, isArrayFile, readArray } from "./arrays.ts";
import { readBytes } from "./files.ts";
import { toldOf } from "./foreign-sample.ts";
import type { NodeRuntime } from "./runtime.ts";

/** The type of the input that is explained. */
export const explainedType = ({ model, tensors, reading: { explained } }: Explainer): string =>
  explained ? typeName(typeOf(model, tensors, explained.name).type) : "float32";

/** A file's path, a file's bytes, or what has been read already. */
export type Source = string | Uint8Array | Sample;

/** Limits of what is read. */
export interface SampleOptions extends DecodeOptions {
  /** The most values of an array's bytes; no limit unless told. */
  readonly maxValues?: number;
}

/**
 * @param taken the type of the input that is explained
 * @throws UserError for what is no picture, recording or array, which says what it is where that can be told.
 */
export async function readSample(source: Source, decoding: SampleOptions, taken: string): Promise<Sample> {
  return readKnown(source, decoding, taken).catch(async (error: unknown) => {
    throw typeof source === "string" || source instanceof Uint8Array ? await toldOf(error, source) : error;
  });
}

async function readKnown(source: Source, decoding: SampleOptions, taken: string): Promise<Sample> {
  if (source instanceof Uint8Array) {
    if (begins(source, "\u0093NUMPY")) return asDense(readNpy(source, decoding.maxValues), "(bytes)", taken);
    return begins(source, "RIFF") && begins(source.subarray(8), "WAVE") ? decodeWav(source) : decode(source, decoding);
  }
  if (typeof source !== "string") {
    checkSample(source);
    return source;
  }
  if (isArrayFile(source)) return asDense(await readArray(source, "array"), source, taken);
  return path.extname(source).toLowerCase() === ".wav" ? readWav(source) : decode(source, decoding);
}

const begins = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((character, i) => bytes[i] === character.charCodeAt(0));

async function readWav(file: string): Promise<Signal> {
  const bytes = await readBytes(file, "recording");
  try {
    return decodeWav(bytes);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.code, cause.message.replace(" .wav:", ` .wav ${file}:`), { cause });
  }
}

/**
 * The files of a model's other inputs, by name: arrays, and pictures where the input is one.
 * @throws UserError for a name that the model does not have, and a file that its input does not take.
 */
export async function readInputs(
  ort: NodeRuntime,
  { model, tensors, imageInput, reading }: Explainer,
  files: Readonly<Record<string, string | Tensor>>,
  options: DecodeOptions & ModelOptions & { readonly stated?: unknown },
): Promise<Feeds> {
  const names = model.inputs.map(({ name }) => name);
  const feeds: Feeds = Object.create(null); // by names from outside
  for (const [name, file] of Object.entries(files)) {
    const tensor = tensors.get(name);
    if (!names.includes(name) || !tensor)
      throw new UserError("unknown-name", `unknown input: "${name}"; the model takes ${listing(names)}`);
    if (name === imageInput)
      throw new UserError("invalid-option", `invalid input: "${name}" is what is explained; it is given on its own`);
    const type = typeName(tensor.type);
    if (typeof file !== "string") feeds[name] = file;
    else if (isArrayFile(file))
      feeds[name] = asTensor(ort, await readArray(file, `input "${name}"`), type, tensor.dims, file);
    else {
      const input = reading.inputs.find((one) => one.name === name);
      const axes = input?.role === "picture" && axesFromText(input.layout ?? "", tensor.dims.length);
      // Each picture is prepared as its own input takes it.
      const prepared = axes ? preparationOf(tensors, { name, axes }, options) : undefined;
      if (!axes || !prepared)
        throw new UserError(
          "invalid-input",
          `invalid input ${file}: "${name}" takes an array of ${type}; give a .npy or .json file`,
        );
      feeds[name] = toTensor(ort, batched(preprocess(await decode(file, options), prepared.preprocess), axes), type);
    }
  }
  return feeds;
}
