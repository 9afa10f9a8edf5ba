/** @file The version in the package's manifest. */
import { readFileSync } from "node:fs";
import { root } from "../tasks/bundled.ts";

/** "unknown" within a bundle, which has no manifest. */
export function packageVersion(): string {
  if (root === undefined) return "unknown";
  return JSON.parse(readFileSync(new URL(`${root}package.json`), "utf8")).version;
}
