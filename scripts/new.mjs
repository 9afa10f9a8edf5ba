#!/usr/bin/env node
/**
 * @file Begins a method, an operator or a metric: writes the files that its guide names, each with what is still to be said, and enters it
 * in the registry, the test and the documents' lists.
 *
 *     npm run new -- method layer-cam
 *     npm run new -- operator com.microsoft.Inverse inverse
 *     npm run new -- metric top-k-intersection
 *
 * What is to be filled in is marked TODO, and no test passes while it is there. A name that exists is refused, and nothing is written.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { method } from "./new/method.mjs";
import { metric } from "./new/metric.mjs";
import { operator } from "./new/operator.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const kinds = { method, operator, metric };
const usage = Object.values(kinds).map(({ usage }) => `npm run new -- ${usage}`);

/** The person's mistake. */
class Refused extends Error {}

/** The checkout, whose files are changed together or not at all. */
function checkout() {
  const changed = new Map();
  const read = (file) => changed.get(file) ?? readFileSync(path.join(root, file), "utf8");
  return {
    read,
    refuse(why) {
      throw new Refused(why);
    },
    filesIn: (folder) => readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`),
    exists: (file) => changed.has(file) || existsSync(path.join(root, file)),
    create(file, text) {
      if (this.exists(file)) throw new Refused(`${file} exists`);
      changed.set(file, text);
    },
    /** Puts text in front of the first, or behind the last, place that looks so. */
    insert(file, { before, after }, text) {
      const whole = read(file);
      const places = [...whole.matchAll(before ?? after)];
      const place = before ? places[0] : places.at(-1);
      if (!place) throw new Error(`${file} has no place for ${text}`);
      const at = before ? place.index : place.index + place[0].length;
      changed.set(file, whole.slice(0, at) + text + whole.slice(at));
    },
    write() {
      for (const [file, text] of changed) {
        mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
        writeFileSync(path.join(root, file), text);
      }
      return [...changed.keys()];
    },
  };
}

const [kind, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(kinds, kind ?? "")) throw new Refused(`unknown kind: "${kind ?? ""}"`);
  const { names, begin, next } = kinds[kind];
  const [name, ...more] = args;
  if (!names.test(name ?? "")) throw new Refused(`invalid name: "${name ?? ""}"; it looks like ${kinds[kind].example}`);
  const files = checkout();
  begin(files, name, ...more);
  console.log(files.write().join("\n"));
  console.log(`\n${next(name, ...more)}`);
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error([error.message, "usage:", ...usage].join("\n"));
  process.exitCode = 2;
}
