/** @file The bundled models on disk. */
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import { bundledNames, root, unplaced } from "../tasks/bundled.ts";
import { isDirectory } from "./files.ts";

const onDisk = (name: string): string =>
  root?.startsWith("file:") ? fileURLToPath(`${root}models/${name}`) : unplaced(name);

/** The classifier that comes with the package. */
export const bundledModel = onDisk(bundledNames.classifier);

/** The captioner that comes with the package: CNN and LSTM, for scenes of simple shapes. */
export const bundledCaptioner = onDisk(bundledNames.captioner);

/** The VQA model that comes with the package: CNN and GRU, for questions about scenes of simple shapes. */
export const bundledAnswerer = onDisk(bundledNames.answerer);

const all: readonly string[] = [bundledModel, bundledCaptioner, bundledAnswerer];

/** @throws UserError `missing-file` where a bundled model is meant, and the package's directory `models` was left behind. */
export async function checkBundled(source: string): Promise<void> {
  if (!all.includes(source) || (await isDirectory(source))) return;
  const name = source.split(/[\\/]/).at(-1);
  throw new UserError(
    "missing-file",
    `missing model: ${source}, which comes with gradcam, is not there: the code was bundled or copied without it; keep gradcam out of the ` +
      `bundle, or copy node_modules/gradcam/models/${name} along and name its place`,
  );
}
