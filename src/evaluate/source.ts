/** @file Where a dataset's files are: a directory, a web server, a bucket that speaks S3 without credentials, or nowhere, for scenes are made. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { UserError } from "../errors.ts";
import { filesBelow } from "../node/files.ts";
import { boundedSize } from "../tasks/formats/json.ts";
import { isAddress } from "./address.ts";
import { decodeXml } from "./entities.ts";
import { isMade, MadeScenes } from "./scenes.ts";

export interface Source {
  /** As it was given. */
  readonly location: string;
  /** @throws UserError `missing-file`; `too-large` where the file is known to have more bytes than `most`. */
  read(file: string, most?: number): Promise<Uint8Array>;
  /** The same file in pieces, which are read as they are wanted. */
  pieces?(file: string, most: number): AsyncIterable<Uint8Array>;
  /** All files below a folder, by their path in the source, sorted. */
  list(folder?: string): Promise<readonly string[]>;
}

export function sourceAt(location: string): Source {
  if (isMade(location)) return new MadeScenes(location);
  return isAddress(location) ? new Web(location) : new Directory(location);
}

/**
 * A large file, to be passed over more than once: from a disk in pieces, from elsewhere whole, once. Between pieces others have their turn.
 * @throws UserError as `Source.read`
 */
export async function passesOver(source: Source, file: string, most: number): Promise<() => AsyncIterable<Uint8Array>> {
  const inPieces = source.pieces?.bind(source);
  if (inPieces) return () => inPieces(file, most);
  const bytes = await source.read(file, most);
  boundedSize(bytes.length, file, "annotations", most);
  return async function* () {
    for (let at = 0; at < bytes.length; at += pieceSize) {
      yield bytes.subarray(at, at + pieceSize);
      await setImmediate();
    }
  };
}

const pieceSize = 2 ** 20;

class Directory implements Source {
  constructor(readonly location: string) {}

  async read(file: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const found = await this.#find(file, most);
    return readFile(found).catch((cause) => {
      throw this.#missing(file, cause);
    });
  }

  async *pieces(file: string, most: number): AsyncIterable<Uint8Array> {
    const found = await this.#find(file, most);
    try {
      for await (const piece of createReadStream(found, { highWaterMark: pieceSize })) yield piece as Uint8Array;
    } catch (cause) {
      throw cause instanceof UserError ? cause : this.#missing(file, cause as Error);
    }
  }

  /** @throws UserError for what is not in the dataset, no file, or too large. */
  async #find(file: string, most: number): Promise<string> {
    const root = path.resolve(this.location);
    const found = path.resolve(root, file);
    // Names come out of annotations, which somebody else wrote.
    if (!found.startsWith(root + path.sep))
      throw new UserError("invalid-input", `invalid file name in the dataset: ${file} is outside of ${this.location}`);
    const stats = await stat(found).catch((cause) => {
      throw this.#missing(file, cause);
    });
    // A pipe would be waited for, a device read for ever.
    if (!stats.isFile())
      throw this.#missing(file, { code: stats.isDirectory() ? "EISDIR" : "is a pipe, a socket or a device" });
    boundedSize(stats.size, file, "file", most);
    return found;
  }

  #missing(file: string, cause: NodeJS.ErrnoException | { readonly code: string }): UserError {
    const { code = String(cause) } = cause;
    const seen =
      { ENOENT: "no such file", EISDIR: "is a directory", ELOOP: "a link that leads to itself" }[code] ?? code;
    return new UserError("missing-file", `missing file: ${path.join(this.location, file)}: ${seen}`, { cause });
  }

  async list(folder = ""): Promise<readonly string[]> {
    const root = path.resolve(this.location, folder);
    const found = await filesBelow(root).catch((cause) => {
      throw new UserError("missing-file", `missing dataset: ${path.join(this.location, folder)}: no such directory`, {
        cause,
      });
    });
    return found.map((file) => path.join(folder, file).split(path.sep).join("/")).sort();
  }
}

/** A file that takes longer is given up. */
const patience = 30_000;
/** So often is a file asked for where the server or the way to it fails. */
const attempts = 4;

class Web implements Source {
  readonly #root: string;

  constructor(readonly location: string) {
    this.#root = location.endsWith("/") ? location : `${location}/`;
  }

  async read(file: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const url = new URL(file.split("/").map(encodeURIComponent).join("/"), this.#root);
    const response = await this.#fetch(url);
    boundedSize(Number(response.headers.get("content-length") ?? 0), file, "file", most);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** By S3's ListObjectsV2; other servers do not list, and need a manifest. */
  async list(folder = ""): Promise<readonly string[]> {
    const { origin, pathname } = new URL(this.#root);
    const [, bucket, ...rest] = pathname.split("/");
    const inside = rest.join("/");
    const prefix = inside + (folder ? `${folder}/` : "");
    const keys: string[] = [];
    for (let token: string | undefined = ""; token !== undefined; ) {
      const url = new URL(`/${bucket}`, origin);
      url.search = new URLSearchParams({
        "list-type": "2",
        prefix,
        ...(token && { "continuation-token": token }),
      }).toString();
      const xml = await (await this.#fetch(url)).text();
      if (!xml.includes("<ListBucketResult"))
        throw new UserError(
          "invalid-input",
          `invalid dataset: ${this.location} does not list its files (no S3); give a manifest`,
        );
      for (const [, key] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(decodeXml(key).slice(inside.length));
      token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1];
    }
    return keys.filter((key) => key && !key.endsWith("/")).sort();
  }

  /** What may be better in a moment is asked for again. */
  async #fetch(url: URL): Promise<Response> {
    for (let tries = 1; ; tries++) {
      const response = await fetch(url, { signal: AbortSignal.timeout(patience) }).catch((cause: Error) => cause);
      if (response instanceof Response && response.ok) return response;
      const passing = response instanceof Error || response.status >= 500 || response.status === 429;
      if (passing && tries < attempts) {
        await setTimeout(200 * 4 ** (tries - 1));
        continue;
      }
      const seen = response instanceof Error ? response.message : `the server says ${response.status}`;
      throw new UserError("missing-file", `missing file: ${url}: ${seen}`, { cause: response });
    }
  }
}
