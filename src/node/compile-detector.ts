/** @file A detector from disk as one file that finds and explains. */
import { listing, UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import { picture as blank } from "../image/picture.ts";
import { type Preprocess, preprocess } from "../image/preprocess.ts";
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
  const inputShapes = { [input]: [Math.max(1, dims[0] ?? 1), ...sizeOf(preparation)] };
  const sized = await load(source, { ...reading, inputShapes });
  try {
    return await (sized.subject as Detector).compile({ ...options, notes });
  } finally {
    await sized.release();
  }
}

/** The size of every picture that is prepared; @throws UserError where each keeps its own. */
function sizeOf(preparation: Preprocess | undefined): readonly number[] {
  const [one, other] = [blank(64, 64), blank(96, 32)].map(
    (picture) => preparation && preprocess(picture, preparation).dims,
  );
  if (!one || String(one) !== String(other))
    throw new UserError(
      "invalid-option",
      `invalid --size: a compiled detector takes pictures of one size, and this one is prepared to ${listing([one, other].map((dims) => `[${dims ?? "?"}]`))}; give --size 640`,
    );
  return one;
}
