/** @file Reading and writing files so that a mistake is one clear line and a file is whole or not there. */
import { randomUUID } from "node:crypto";
import { rmSync, type Stats } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import { boundedJson, boundedSize, mostBytes } from "../tasks/formats/json.ts";

const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

function unreadable(file: string, what: string, cause: unknown): UserError {
  const reason = { ENOENT: "no such file", EISDIR: "is a directory", EACCES: "may not be read" }[errorCode(cause)];
  return new UserError("missing-file", `missing ${what}: ${file}: ${reason ?? errorCode(cause)}`, { cause });
}

/** @throws UserError `missing-file`, saying what was wanted; `too-large` for a file of more bytes than `most`. */
export async function readBytes(file: string, what: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  try {
    const found = await stat(file);
    refusePipes(found, file, what);
    boundedSize(found.size, file, what, most);
    const bytes = await readFile(file);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw unreadable(file, what, cause);
  }
}

/** What is no file may have no end, or no beginning. */
function refusePipes(found: Stats, file: string, what: string): void {
  if (!found.isFile() && !found.isDirectory())
    throw new UserError("missing-file", `missing ${what}: ${file} is a pipe, a socket or a device; give a file`);
}

/** A model's bytes, with room behind them; @throws UserError `missing-file`. */
export async function readModelBytes(file: string): Promise<Uint8Array> {
  try {
    refusePipes(await stat(file), file, "model");
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const bytes = withRoom(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 1 << 30), at);
        if (bytesRead === 0) return bytes.subarray(0, at);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw unreadable(file, "model", cause);
  }
}

/** @throws UserError `invalid-input` for what is not JSON; `too-large` for more bytes than `most`. */
export const readJson = async (file: string, what: string, most?: number): Promise<unknown> =>
  boundedJson(await readBytes(file, what, most ?? mostBytes), file, what, most);

export async function isDirectory(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Whether it can be read to an end: no directory, pipe, socket or device, and no link to one, or to nothing. */
export async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The files below a directory, by their paths in it; whatever else has a name there is passed over, and links to directories too. */
export async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(file)))) found.push(path.relative(directory, file));
  }
  return found;
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** In bytes; undefined for what is not there. */
export async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** With its parents. Node's own recursive mkdir never returns where the kernel refuses a child of a directory, as in /proc. */
async function makeDirectory(directory: string): Promise<void> {
  if (await isDirectory(directory)) return;
  const parent = path.dirname(path.resolve(directory));
  if (!(await exists(parent))) await makeDirectory(parent);
  await mkdir(directory).catch((cause) => {
    if (errorCode(cause) !== "EEXIST") throw cause;
  });
  // What was in the way may be another process's directory, or a file.
  if (!(await isDirectory(directory))) throw Object.assign(new Error(`${directory} is a file`), { code: "EEXIST" });
}

/** @throws UserError `cannot-write` where the directory cannot be made or written to. */
export async function prepareDirectory(directory: string): Promise<void> {
  const probe = path.join(directory, `.gradcam-${randomUUID()}`);
  try {
    await makeDirectory(directory);
    await writeFile(probe, "");
    await rm(probe);
  } catch (cause) {
    throw cannotWrite(directory, cause);
  }
}

/** Files that are being written: a process that is ended leaves none of them. */
const partials = new Set<string>();
process.on("exit", () => {
  for (const partial of partials) rmSync(partial, { force: true });
});

/** Writes beside the place and renames, so that no half-written file is ever seen under the name. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  const partial = `${file}.${randomUUID()}.part`;
  partials.add(partial);
  try {
    await makeDirectory(path.dirname(file));
    await writeFile(partial, content);
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined); // where it could not be made it cannot be removed
    throw cannotWrite(file, cause);
  } finally {
    partials.delete(partial);
  }
}

function cannotWrite(place: string, cause: unknown): UserError {
  const reason = {
    EACCES: "no permission",
    EROFS: "read-only file system",
    ENOSPC: "no space left",
    ENOENT: "it cannot be made there",
    ENOTDIR: "part of the path is a file",
    EEXIST: "is a file",
  }[errorCode(cause)];
  return new UserError(
    "cannot-write",
    `cannot write: ${place}: ${reason ?? errorCode(cause)}; give another directory with --out`,
    { cause },
  );
}
