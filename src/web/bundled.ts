/** @file The bundled models on the web, where the package's own files are served. */
import { UserError } from "../errors.ts";
import { bundledNames, root, unplaced } from "../tasks/bundled.ts";

// Bundlers leave the address of the file on the developer's disk, from which a page may fetch nothing.
const served = root?.startsWith("file:") && globalThis.location?.protocol !== "file:" ? undefined : root;

const online = (name: string): string => `${served === undefined ? unplaced(name) : `${served}models/${name}`}/`;

/** The classifier that comes with the package, where the package's own files are served. */
export const bundledModel = online(bundledNames.classifier);

/** The captioner and the VQA model that come with the package, for scenes of simple shapes, where the package's own files are served. */
export const bundledCaptioner = online(bundledNames.captioner);
export const bundledAnswerer = online(bundledNames.answerer);

const all: readonly unknown[] = [bundledModel, bundledCaptioner, bundledAnswerer];

/** @throws UserError `missing-file` where a bundled model is meant, and the package's files are not served. */
export function checkBundled(source: unknown): void {
  if (served !== undefined || !all.includes(source)) return;
  const name = String(source).split("/").at(-2);
  throw new UserError(
    "missing-file",
    `missing model: ${source}, which comes with gradcam, is not served: this code was bundled without it; copy ` +
      `node_modules/gradcam/models/${name} to where your page's files are, and give its address`,
  );
}
