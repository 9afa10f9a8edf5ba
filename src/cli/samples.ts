/** @file The samples that a command's arguments name: files, and directories of them. */
import { createHash } from "node:crypto";
import path from "node:path";
import { UserError } from "../errors.ts";
import { exists, filesBelow, isDirectory, isFile } from "../node/files.ts";
import type { Kind } from "../tasks/sample.ts";

/** What is taken of a directory, by what the model takes; a file that is named may have any name. */
const endings: Readonly<Record<Kind, readonly string[]>> = {
  picture: [".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".gif"],
  signal: [".wav", ".npy"],
  volume: [".npy"],
};

/** A sample to explain, and what the names of its files begin with. */
export interface SampleFile {
  readonly file: string;
  readonly stem: string;
}

/**
 * Every sample, directories searched to their depth in order of name; what lies in `out` was made by an earlier run.
 * @throws UserError `missing-file` for an argument that is not there, and a directory without samples.
 */
export async function findSamples(args: readonly string[], out: string, kind: Kind): Promise<SampleFile[]> {
  const found: { file: string; name: string }[] = [];
  for (const arg of args) {
    if (!(await isDirectory(arg))) {
      // One of several is told of in its turn, beside those that are there.
      if (!(await exists(arg)) && args.length === 1)
        throw new UserError("missing-file", `missing ${kind}: ${arg}: no such file or directory`);
      // A pipe would be waited for.
      if ((await exists(arg)) && !(await isFile(arg)))
        throw new UserError("missing-file", `missing ${kind}: ${arg} is a pipe, a socket or a device; give a file`);
      found.push({ file: arg, name: path.basename(arg) });
      continue;
    }
    const within = (name: string) => !path.relative(out, path.join(arg, name)).startsWith("..");
    const names = (await filesBelow(arg))
      .filter((name) => endings[kind].includes(path.extname(name).toLowerCase()))
      .filter((name) => path.resolve(arg) === path.resolve(out) || !within(name));
    if (names.length === 0)
      throw new UserError("missing-file", `missing ${kind}: ${arg} holds none; looked for ${endings[kind].join(" ")}`);
    found.push(...names.sort().map((name) => ({ file: path.join(arg, name), name })));
  }
  return distinct(found);
}

/** A file's name has 255 bytes at most, and ours are longer than the sample's: what is cut is told apart by its hash. */
function shortened(stem: string): string {
  const { dir, base } = path.posix.parse(stem.split(path.sep).join("/"));
  if (Buffer.byteLength(base) <= longestStem) return stem;
  const hash = createHash("sha256").update(stem).digest("hex").slice(0, 12);
  const cut = Buffer.from(base)
    .subarray(0, longestStem - 13)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
  return path.join(dir, `${cut}-${hash}`);
}

/** Bytes; a model's name, a method and an ending come behind it. */
const longestStem = 120;

/** Stems without the ending, which comes back where two would be the same; a number tells apart what is left. */
function distinct(found: readonly { file: string; name: string }[]): SampleFile[] {
  const bare = ({ name }: { name: string }) => name.slice(0, name.length - path.extname(name).length) || name;
  const counts = new Map<string, number>();
  for (const one of found) counts.set(bare(one), (counts.get(bare(one)) ?? 0) + 1);
  const taken = new Set<string>();
  return found.map((one) => {
    const wanted = counts.get(bare(one)) === 1 ? bare(one) : one.name;
    let stem = wanted;
    for (let i = 2; taken.has(stem); i++) stem = `${wanted}-${i}`;
    taken.add(stem);
    return { file: one.file, stem: shortened(stem) };
  });
}
