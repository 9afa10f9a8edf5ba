/** @file What an output folder holds already: another model's files, whose names stay theirs, and samples that need no second run. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { isRecord, UserError } from "../errors.ts";
import { exists, isFile, readJson, writeWhole } from "../node/files.ts";
import { notice } from "./options.ts";

/** What the same maps take: the model, versions and options. */
export interface Settings {
  readonly model: { readonly name: string; readonly sha256: string; readonly files?: readonly string[] };
  /** As the command line names it; null for the bundled one. */
  readonly source: string | null;
  readonly [name: string]: unknown;
}

/** A sample's line of JSON. */
export interface Result {
  readonly image: string;
  readonly model: Settings["model"];
  /** Whether it is a part of what was asked for: then it is done again. */
  readonly partial?: true;
}

/** How a manifest keeps a result: the model is named once, and the sample's file is told from a later one of its name. */
interface Entry {
  readonly image: string;
  readonly seen: Seen;
  /** Of all else in it: what was edited is no result of ours. */
  readonly digest: string;
}

interface Seen {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A manifest as it was read: somebody's JSON. */
interface Manifest {
  readonly [name: string]: unknown;
  readonly model: { readonly sha256?: unknown };
  readonly images: readonly unknown[];
}

/** Versions of Node.js draw the same. */
const free = new Set(["node", "images"]);

export class OutputFolder<T extends Result> {
  /** By the samples' names, in the order of their runs: those of this run take the places of earlier ones. */
  readonly #entries: Map<string, Entry>;

  private constructor(
    private readonly directory: string,
    private readonly settings: Settings,
    /** Stands in file names where `manifest.json` is another model's; empty otherwise. */
    private readonly mark: string,
    before: readonly unknown[],
  ) {
    this.#entries = new Map(before.filter(isOurs).map((one) => [one.image, one]));
  }

  /**
   * @param resume whether what an earlier run explained is taken over
   * @throws UserError `invalid-option` where an earlier run had other settings
   */
  static async open<T extends Result>(
    directory: string,
    settings: Settings,
    { resume = false }: { readonly resume?: boolean } = {},
  ): Promise<OutputFolder<T>> {
    const { name, sha256 } = settings.model;
    for (const mark of ["", name, `${name}-${sha256.slice(0, 8)}`]) {
      const file = path.join(directory, manifestName(mark));
      const manifest = await manifestIn(file);
      if (!manifest && resume && (await exists(file)))
        notice(`${file} is damaged or not a gradcam manifest; everything is explained again`);
      // A model that was trained anew takes the place of what it was.
      const ours = !manifest || manifest.model.sha256 === sha256 || manifest.source === settings.source;
      if (!ours) continue;
      if (resume && manifest) refuseOthers(manifest, settings, file);
      return new OutputFolder<T>(directory, settings, mark, resume && manifest ? manifest.images : []);
    }
    throw new UserError("cannot-write", `cannot write: ${directory} holds files of other models; choose another --out`);
  }

  /** What the names of a sample's files begin with. */
  stem(stem: string): string {
    return this.mark ? `${stem}.${this.mark}` : stem;
  }

  /**
   * What an earlier run found for a sample that is as it was, where all files that are wanted are there still.
   * @param files of a result, relative to the folder; undefined where one that is wanted was not written
   */
  async done(image: string, files: (result: T) => readonly string[] | undefined): Promise<T | undefined> {
    const entry = this.#entries.get(image);
    if (!entry || !same(entry.seen, await seenNow(image))) return;
    const { seen: _, digest: __, ...rest } = entry;
    const result = Object.assign({ image, model: this.settings.model }, rest) as unknown as T;
    const names = files(result);
    if (!names) return;
    const sizes = names.map((name) => stat(path.join(this.directory, name)).then(({ size }) => size));
    const there = await Promise.all(sizes).catch(() => [0]);
    return there.includes(0) ? undefined : result;
  }

  /** Takes a result into the manifest. */
  async add({ model: _, ...rest }: T): Promise<void> {
    if (rest.partial) return;
    const seen = await seenNow(rest.image);
    if (!seen) return;
    const { image, ...found } = rest;
    const entry = { image, seen, ...found };
    this.#entries.set(image, { ...entry, digest: digestOf(entry) });
  }

  async save(): Promise<void> {
    const content = `${JSON.stringify({ ...this.settings, images: [...this.#entries.values()] }, null, 2)}\n`;
    await writeWhole(path.join(this.directory, manifestName(this.mark)), content);
  }
}

/** SHA-256 of the files that options name, by their names: what lies there may change. Directories have none. */
export async function contentsOf(files: readonly (string | undefined)[]): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const file of files) {
    if (file === undefined || !(await isFile(file))) continue;
    const hash = createHash("sha256");
    for await (const part of createReadStream(file)) hash.update(part);
    sums[file] = hash.digest("hex");
  }
  return sums;
}

const seenNow = (image: string): Promise<Seen | undefined> =>
  stat(image).then(
    ({ size, mtimeMs }) => ({ bytes: size, modified: mtimeMs }),
    () => undefined,
  );

const digestOf = (entry: object): string => createHash("sha256").update(JSON.stringify(entry)).digest("hex");

function isOurs(one: unknown): one is Entry {
  if (!isRecord(one) || typeof one.image !== "string") return false;
  const { digest, ...entry } = one;
  return digest === digestOf(entry);
}

const manifestName = (mark: string): string => (mark ? `manifest.${mark}.json` : "manifest.json");

/** Undefined where there is none, and for another program's file of that name. */
async function manifestIn(file: string): Promise<Manifest | undefined> {
  const found = await readJson(file, "manifest").catch(() => undefined);
  const ours = isRecord(found) && isRecord(found.model) && Array.isArray(found.images);
  return ours ? (found as unknown as Manifest) : undefined;
}

function refuseOthers(manifest: Manifest, settings: Settings, file: string): void {
  const now: Readonly<Record<string, unknown>> = JSON.parse(JSON.stringify(settings));
  const names = new Set([...Object.keys(manifest), ...Object.keys(now)]);
  const other = [...names].filter((name) => !free.has(name) && !same(manifest[name], now[name]));
  if (other.length === 0) return;
  const [at, before, after] = firstDifference(manifest[other[0]], now[other[0]], other[0]);
  throw new UserError(
    "invalid-option",
    `cannot resume: ${file} was written with other settings: ${other.join(", ")} (${at}: ${short(before)} then, ${short(after)} now); leave out --resume, or choose another --out`,
  );
}

/** Where two values part, and what they are there. */
function firstDifference(a: unknown, b: unknown, at: string): [at: string, a: unknown, b: unknown] {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b))
    return [at, a, b];
  const [before, after] = [a, b] as Readonly<Record<string, unknown>>[];
  const key = [...new Set([...Object.keys(a), ...Object.keys(b)])].find((one) => !same(before[one], after[one]));
  return key === undefined ? [at, a, b] : firstDifference(before[key], after[key], `${at}.${key}`);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const short = (value: unknown): string => (JSON.stringify(value) ?? "none").slice(0, 80);
