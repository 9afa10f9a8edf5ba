/** @file Compiling a model from disk: a file that also says how pictures are prepared for it and what its classes are called. */
import path from "node:path";
import { checkOptions, type OptionNames, UserError } from "../errors.ts";
import { type CompileOptions, compile } from "../explain/compile.ts";
import { alreadyCompiled, type Notes } from "../explain/compiled.ts";
import { openExplainer } from "../explain/explainer.ts";
import { withSizes } from "../explain/rewritten.ts";
import { sizeOf } from "../image/framing.ts";
import { decodeOptions } from "../image/sharp.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { detectOptions, refuseDetectOptions } from "../tasks/classify/options.ts";
import type { DetectOptions } from "../tasks/detect/detections.ts";
import { modelOptions } from "../tasks/open.ts";
import { compiledDetector } from "./compile-detector.ts";
import { isDirectory, writeWhole } from "./files.ts";
import { checkExternalData, externalDataBeside, type LoadedClassifier, type LoadOptions, load } from "./load.ts";
import { loadRuntime } from "./runtime.ts";
import { packageVersion } from "./version.ts";

export interface CompileFileOptions extends Omit<LoadOptions, "similarTo" | "inputs">, CompileOptions, DetectOptions {
  /** The file to write; by default the model's name with `.gradcam.onnx`, in the working directory. */
  readonly out?: string;
}

const fileOptions: OptionNames<CompileFileOptions> = {
  ...modelOptions,
  ...decodeOptions,
  ...{ labels: true, method: true, options: true, classInput: true, notes: true, out: true },
  ...detectOptions,
};

/** A compiled model that has been written. */
export interface CompiledFile {
  readonly file: string;
  readonly model: Model;
  /** What it was compiled from. */
  readonly from: LoadedClassifier;
}

/**
 * Compiles a classifier, or a detector, into one file.
 * @param source as for `load`
 * @throws UserError for what `load` and `compile` refuse, and where the file cannot be written.
 */
export async function compileFile(source: string | undefined, options: CompileFileOptions = {}): Promise<CompiledFile> {
  checkOptions(options, fileOptions, "compileFile");
  const {
    method,
    options: values,
    classInput,
    out,
    notes: added,
    score: least,
    iou,
    maxDetections,
    ...reading
  } = options;
  const thresholds = definedOf({ score: least, iou, maxDetections });
  const from = await load(source, reading);
  try {
    if (from.notes) throw alreadyCompiled();
    if (from.reading.head) {
      if (classInput === "required")
        throw new UserError("invalid-option", "invalid class input: a detector's file is asked for no class");
      const file = out ?? `${from.reading.name}.gradcam.onnx`;
      await checkPlace(file, from);
      const bytes = await compiledDetector(from, source, reading, {
        ...{ ...thresholds, ...(method && { method }), options: values },
        notes: { version: packageVersion, ...added },
      });
      await writeWhole(file, bytes);
      return { file, model: readModel(bytes), from };
    }
    refuseDetectOptions(thresholds, from.reading.task);
    const { labels, kind, name, score } = from.classifier;
    const output = options.output ?? (score.axes.channels === undefined ? score.output : undefined);
    const file = out ?? `${name}.gradcam.onnx`;
    await checkPlace(file, from);
    const notes: Notes = {
      version: packageVersion,
      labels: JSON.stringify(labels.names),
      ...(kind === "picture" && { preprocess: JSON.stringify(from.classifier.preprocess) }),
      ...(output !== undefined && { output }),
      ...(options.tokens && { tokens: JSON.stringify(options.tokens) }),
      ...added,
    };
    const bytes = await compiledAtSomeSize(from, { ...reading, method, options: values, classInput, notes });
    await writeWhole(file, bytes);
    return { file, model: readModel(bytes), from };
  } finally {
    await from.release();
  }
}

/**
 * The file. Where height and width are free and a rule must know them, it is that of a model that takes pictures of one size, the one
 * that they are prepared to.
 */
async function compiledAtSomeSize(
  { classifier, file }: LoadedClassifier,
  options: CompileFileOptions,
): Promise<Uint8Array> {
  const { method, options: values, classInput, notes } = options;
  const asked = { method, options: values, classInput, notes };
  const { explainer, kind } = classifier;
  const { model, tensors, imageInput = "", reading } = explainer;
  const sizes = (tensors.get(imageInput)?.dims ?? []).filter((_, axis) => axis !== reading.explained?.axes.batch);
  try {
    return compile(explainer, asked);
  } catch (error) {
    const waits = error instanceof UserError && error.code === "unsupported-operator" && sizes.includes(-1);
    if (!waits || kind !== "picture") throw error;
    const { channels, layout } = classifier.preprocess;
    const framed = sizeOf(classifier.preprocess);
    if (!framed) throw error;
    const { height, width } = framed;
    const size = layout === "NCHW" ? [channels, height, width] : [height, width, channels];
    const { bytes, rewritten } = withSizes(model, imageInput, size);
    const layer = explainer.layers[0]?.name;
    const session = { ...externalDataBeside(file), ...options.session };
    const sized = await openExplainer(await loadRuntime(), bytes, { output: options.output, layer, session });
    try {
      const notes = { ...asked.notes, ...(rewritten && { rewritten: rewritten.join(", ") }) };
      return compile(sized, { ...asked, notes });
    } finally {
      await sized.release();
    }
  }
}

async function checkPlace(file: string, { file: source, subject }: LoadedClassifier): Promise<void> {
  if (path.resolve(file) === path.resolve(source))
    throw new UserError("invalid-option", `invalid --out: ${file} is the model itself; give another file`);
  if (await isDirectory(file))
    throw new UserError("cannot-write", `cannot write: ${file}: is a directory; give a file with --out`);
  await checkExternalData(subject.explainer.model, file);
}

const definedOf = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
