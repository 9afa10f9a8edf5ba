/** @file What commands say of the package and of how they ended. */
import { readFileSync } from "node:fs";

export const exitCodes = { done: 0, bug: 1, user: 2, interrupted: 130 } as const;

/** The version in the package's manifest. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
