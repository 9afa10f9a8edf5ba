/** @file Compiling a captioner from disk: encoder, decoder and explanation in one file. */
import { UserError } from "../errors.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { isExternal } from "../onnx/proto.ts";
import { isDirectory, writeWhole } from "./files.ts";
import type { LoadLanguageOptions } from "./language.ts";
import { type LoadedCaptioner, loadCaptioner } from "./load-captioner.ts";
import { packageVersion } from "./version.ts";

export interface CompileCaptionerOptions extends LoadLanguageOptions {
  /** Tokens of the sentences that the file explains, the end among them. */
  readonly words: number;
  /** The file to write; by default the model's name with `.gradcam.onnx`, in the working directory. */
  readonly out?: string;
}

/** A compiled captioner that has been written. */
export interface CompiledCaptioner {
  readonly file: string;
  readonly model: Model;
  /** What it was compiled from. */
  readonly from: LoadedCaptioner;
}

/**
 * Compiles a captioner into one file, which holds encoder, decoder and every word's Grad-CAM.
 * @param source as for `loadCaptioner`
 * @throws UserError for what `loadCaptioner` refuses, and where the file cannot be written.
 */
export async function compileCaptioner(
  source: string | undefined,
  { words, out, ...options }: CompileCaptionerOptions,
): Promise<CompiledCaptioner> {
  const from = await loadCaptioner(source, options);
  try {
    const { name, preprocess } = from.captioner;
    const file = out ?? `${name}.gradcam.onnx`;
    if (await isDirectory(file))
      throw new UserError("cannot-write", `cannot write: ${file}: is a directory; give a file with --out`);
    const bytes = await from.captioner.compile(words, {
      version: packageVersion,
      preprocess: JSON.stringify(preprocess),
    });
    const model = readModel(bytes);
    if (model.graph.initializer.some(isExternal))
      throw new UserError(
        "invalid-model",
        "invalid model: its weights are in files of their own; save it as one file first",
      );
    await writeWhole(file, bytes);
    return { file, model, from };
  } finally {
    await from.release();
  }
}
