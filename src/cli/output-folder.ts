/** @file What an output folder holds already: another model's files, whose names stay theirs, and samples that need no second run. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { isRecord, UserError } from "../errors.ts";
import { readJson, writeWhole } from "../node/files.ts";

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
  readonly #before: ReadonlyMap<string, T>;

  private constructor(
    private readonly directory: string,
    private readonly settings: Settings,
    /** Stands in file names where `manifest.json` is another model's; empty otherwise. */
    private readonly mark: string,
    before: readonly unknown[],
  ) {
    const { model } = settings;
    const known = before.filter((one): one is T => isRecord(one) && typeof one.image === "string");
    // A manifest names the model once.
    this.#before = new Map(known.map((one) => [one.image, restored(one, model)]));
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
      // A model that was trained anew takes the place of what it was.
      const ours = !manifest || manifest.model.sha256 === sha256 || manifest.source === settings.source;
      if (!ours) continue;
      if (resume && manifest) refuseOthers(manifest, settings, file);
      return new OutputFolder<T>(directory, settings, mark, resume && manifest ? manifest.images : []);
    }
    throw new UserError("cannot-write", `cannot write: ${directory} holds other models' files; give another --out`);
  }

  /** What the names of a sample's files begin with. */
  stem(stem: string): string {
    return this.mark ? `${stem}.${this.mark}` : stem;
  }

  /**
   * What an earlier run found for a sample, where its files are there still, and are younger than the sample.
   * @param files of a result, relative to the folder
   */
  async done(image: string, files: (result: T) => readonly string[]): Promise<T | undefined> {
    const result = this.#before.get(image);
    if (!result) return;
    try {
      const { mtimeMs } = await stat(image);
      for (const file of files(result))
        if ((await stat(path.join(this.directory, file))).mtimeMs < mtimeMs) return undefined;
      return result;
    } catch {
      return; // A file that is gone, or no manifest of ours: explained again.
    }
  }

  async save(results: readonly T[]): Promise<void> {
    const images = results.map(without);
    const content = `${JSON.stringify({ ...this.settings, images }, null, 2)}\n`;
    await writeWhole(path.join(this.directory, manifestName(this.mark)), content);
  }
}

const without = <T extends Result>({ model: _, ...rest }: T): Omit<T, "model"> => rest;

/** With the model, in the order of a line of JSON. */
function restored<T extends Result>(one: T, model: Settings["model"]): T {
  const { image, ...rest } = without(one);
  return Object.assign({ image, model }, rest) as unknown as T;
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
  const [name] = other;
  throw new UserError(
    "invalid-option",
    `cannot resume: ${file} was written with other settings: ${other.join(", ")} (${name}: ${short(manifest[name])} then, ${short(now[name])} now); leave out --resume, or give another --out`,
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const short = (value: unknown): string => (JSON.stringify(value) ?? "none").slice(0, 80);
