/** @file The names of YOLO's classes: `names` in a YAML file (a list, or a map by index), or a line each in classes.txt or x.names. */
import { UserError } from "../../errors.ts";
import { boundedSize } from "../../tasks/formats/json.ts";
import type { Source } from "../source.ts";
import { isPicture, most } from "./dataset.ts";
import { foldersOf } from "./pairing.ts";
import { parseYaml } from "./yaml.ts";

type Names = ReadonlyMap<number, string>;

const yaml = /\.ya?ml$/;
const lines = /(^|\/)(classes\.txt|[^/]+\.names)$/;

export const isNames = (file: string): boolean => yaml.test(file) || lines.test(file);

/**
 * Those that hold for a file of labels: in the innermost folder around it that has names, or else in folders of configurations, which hold
 * nothing else; never those of another dataset's folder. Where there are several, they have to agree.
 */
export class NamesBeside {
  readonly #found = new Map<string, Promise<Names>>();
  readonly #files: readonly string[];
  readonly #elsewhere: readonly string[];

  constructor(
    private readonly source: Source,
    files: readonly string[],
  ) {
    this.#files = files.filter(isNames);
    const others = files.filter((file) => !isNames(file) && (isPicture(file) || file.endsWith(".txt")));
    const alone = (folder: string) => folder !== "" && !others.some((file) => file.startsWith(`${folder}/`));
    this.#elsewhere = this.#files.filter((file) => alone(foldersOf(file).join("/")));
  }

  around(labels: string): Promise<Names> {
    const folders = foldersOf(labels);
    const inFolder = () => this.#files.filter((file) => foldersOf(file).join("/") === folders.join("/"));
    while (folders.length && inFolder().length === 0) folders.pop();
    const beside = inFolder();
    const key = beside.length ? folders.join("/") : "/";
    const known = this.#found.get(key) ?? this.#agreed(beside.length ? beside : this.#elsewhere);
    this.#found.set(key, known);
    return known;
  }

  /** @throws UserError where no file has names, or two have different ones. */
  async #agreed(files: readonly string[]): Promise<Names> {
    const found: { readonly file: string; readonly names: Names }[] = [];
    const faults: UserError[] = [];
    for (const file of files) {
      try {
        const names = await namesIn(await this.#text(file), file);
        found.push({ file, names });
      } catch (error) {
        // A repository has other YAML files too; theirs is only a fault where none has the names.
        if (!(error instanceof UserError)) throw error;
        faults.push(error);
      }
    }
    const [first] = found;
    if (!first) throw faults[0] ?? new UserError("missing-file", "missing file: data.yaml, the names of the classes");
    const other = found.find(({ names }) => written(names) !== written(first.names));
    if (other)
      throw new UserError(
        "invalid-input",
        `invalid dataset: ${first.file} and ${other.file} name the classes differently; leave one of them out`,
      );
    return first.names;
  }

  async #text(file: string): Promise<string> {
    const bytes = await this.source.read(file, most.names);
    boundedSize(bytes.length, file, "names of classes", most.names);
    return new TextDecoder().decode(bytes);
  }
}

const written = (names: Names): string => JSON.stringify([...names].sort(([a], [b]) => a - b));

async function namesIn(text: string, file: string): Promise<Names> {
  if (!yaml.test(file))
    return new Map(
      text
        .trimEnd()
        .split(/\r?\n/)
        .map((line, i) => [i, line.trim()]),
    );
  const root = await parseYaml(text, file);
  const names = typeof root === "object" && root !== null && "names" in root ? root.names : undefined;
  if (typeof names !== "object" || names === null)
    throw new UserError("invalid-input", `invalid ${file}: no "names", a list or a map of the classes`);
  return new Map(
    Object.entries(names).map(([index, name]) => {
      if (!/^\d+$/.test(index) || !["string", "number", "boolean"].includes(typeof name))
        throw new UserError(
          "invalid-input",
          `invalid ${file}: "names" has no name at ${index}; expected a name by index`,
        );
      return [Number(index), String(name)];
    }),
  );
}
