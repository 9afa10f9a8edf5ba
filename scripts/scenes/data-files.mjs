/** @file What the writers of training data share: how they are called, and files of bytes that grow scene by scene. */
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";

/** `DIRECTORY [--first SEED] [--count N]`. */
export function asked(script) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { first: { type: "string", default: "1000000" }, count: { type: "string", default: "1000" } },
  });
  const [directory] = positionals;
  const [first, count] = [Number(values.first), Number(values.count)];
  if (!directory || !Number.isInteger(first) || !Number.isInteger(count))
    throw new Error(`usage: node scripts/scenes/${script} DIRECTORY [--first SEED] [--count N]`);
  return { directory, first, count };
}

/** Files `NAME.u8` in a directory, which is made. */
export class ByteFiles {
  #streams;

  static async in(directory, names) {
    await mkdir(directory, { recursive: true });
    const files = new ByteFiles();
    files.#streams = names.map((name) => [name, createWriteStream(path.join(directory, `${name}.u8`))]);
    return files;
  }

  /** Appends to each file; waits while the disk is slower. */
  async write(rows) {
    for (const [name, stream] of this.#streams)
      if (!stream.write(rows[name])) await new Promise((resolve) => stream.once("drain", resolve));
  }

  async close() {
    for (const [, stream] of this.#streams) {
      stream.end();
      await finished(stream);
    }
  }
}
