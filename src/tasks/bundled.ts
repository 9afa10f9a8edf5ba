/**
 * @file The models that come with the package, and where they are: beside its code, unless a bundler has carried the code elsewhere.
 *
 * `new URL("../../models/…", import.meta.url)` must not stand here: bundlers take what it names for an asset of the page, and fail at a
 * directory (webpack before 5.113, Turbopack, Next.js).
 */

/** The directories of `models` that somebody opens without naming them. */
export const bundledNames = {
  classifier: "efficientnet-lite0",
  captioner: "scenes-captioner",
  answerer: "scenes-answerer",
} as const;

/** The address of the package's directory, with its slash, as this file's own address tells it; undefined within a bundle. */
export function packageRoot(address: string | undefined): string | undefined {
  return /^(.*\/)(?:dist|src)\/tasks\/bundled\.[jt]s(?:[?#].*)?$/.exec(address ?? "")?.[1];
}

/** Undefined within a bundle; one in CommonJS has no address at all. */
export const root: string | undefined = packageRoot(import.meta.url);

/** What stands for a bundled model's place where that is unknown: its path among packages. */
export const unplaced = (name: string): string => `gradcam/models/${name}`;
