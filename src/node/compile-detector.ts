/** @file A detector from disk as one file that finds and explains. */
import { UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import { preparedDims } from "../image/prepared-size.ts";
import type { CompileDetectorOptions } from "../tasks/detect/compile-detector.ts";
import type { Detector } from "../tasks/detect/detector.ts";
import { type LoadedClassifier, type LoadOptions, load } from "./load.ts";

/** The file's bytes. A file of free sizes becomes one of the size that pictures are prepared to: the levels follow from it. */
export async function compiledDetector(
  from: LoadedClassifier,
  source: string | undefined,
  reading: LoadOptions,
  options: CompileDetectorOptions,
): Promise<Uint8Array> {
  const detector = from.subject as Detector;
  const { explainer } = detector;
  const { preparation, labels } = detector.reading;
  const notes: Notes = {
    labels: JSON.stringify(labels.names),
    ...(preparation && { preprocess: JSON.stringify(preparation) }),
    ...options.notes,
  };
  const input = explainer.imageInput ?? "";
  const dims = explainer.tensors.get(input)?.dims ?? [];
  if (!dims.includes(-1, 1)) return detector.compile({ ...options, notes });
  const size = preparation && preparedDims(preparation);
  if (!size)
    throw new UserError(
      "invalid-option",
      "invalid size: a compiled detector takes pictures of one size, and this model takes each in its own; give --size 640",
    );
  const inputShapes = { [input]: [Math.max(1, dims[0] ?? 1), ...size] };
  const sized = await load(source, { ...reading, inputShapes });
  try {
    return await (sized.subject as Detector).compile({ ...options, notes });
  } finally {
    await sized.release();
  }
}
