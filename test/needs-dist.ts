/** @file Which tests need the built package: those that name dist, the package itself or a script, or import a helper that does. The others start at once. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = /\bdist\b|["']gradcam(\/|["'])|npx |npm pack|(scripts|bench)\/[\w/-]+\.mjs/;
const imported = /(?:from|import\()\s*"(\.{1,2}\/[^"]+\.ts)"/g;
const known = new Map<string, boolean>();

function needsDist(file: string): boolean {
  const before = known.get(file);
  if (before !== undefined) return before;
  known.set(file, false); // for circles
  const text = readFileSync(file, "utf8");
  const helpers = [...text.matchAll(imported)].map(([, to]) => path.join(path.dirname(file), to));
  const own = helpers.filter((helper) => helper.startsWith(here) && existsSync(helper));
  const found = built.test(text) || own.some(needsDist);
  known.set(file, found);
  return found;
}

const tests = readdirSync(here, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));

/** From the repository's root. */
export const dependingOnDist: readonly string[] = tests
  .filter((name) => needsDist(path.join(here, name)))
  .map((name) => `test/${name.split(path.sep).join("/")}`);
