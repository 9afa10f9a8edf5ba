/** @file Where a model's files are in a browser: on a server, or in a person's hand. */
import { UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import type { Model } from "../onnx/model.ts";
import { externalLocation, isExternal } from "../onnx/proto.ts";
import { modelAmong, usualPlaces } from "../tasks/open.ts";
import { checkBundled } from "./bundled.ts";
import { type DownloadOptions, fetchFile, parseSums } from "./download.ts";
import { noSuchFile } from "./transfer.ts";

/**
 * A directory in Hugging Face layout (its address ends with a slash), an ONNX file's address or its bytes, or picked files: an ONNX
 * file and whatever lies beside it, under their `webkitRelativePath` or their names.
 */
export type ModelSource = string | URL | Uint8Array | Blob | readonly File[];

/** Where a model's files are: how they are read by their names, which is the ONNX file where it is one, and the directory if there is one. */
export interface Place {
  readonly directory?: string;
  /** @throws UserError `missing-file` where there is none, or several. */
  readonly modelFile: () => string;
  /** Undefined for a file that is not there. */
  readonly read: (name: string) => Promise<Uint8Array | undefined>;
  /** Why a file is not there, once it has been read in vain. */
  readonly absent: (name: string) => string;
  /** That a page came in place of a file, if one did. */
  readonly page?: () => string | undefined;
}

const absent = (): string => noSuchFile;

export async function place(source: ModelSource, options: DownloadOptions): Promise<Place> {
  checkBundled(source);
  if (source instanceof Uint8Array)
    return { modelFile: () => "model.onnx", read: only("model.onnx", async () => source), absent };
  if (source instanceof Blob) {
    const file = source instanceof File ? source.name : "model.onnx";
    return { modelFile: () => file, read: only(file, () => bytesOf(source)), absent };
  }
  const address = typeof source === "string" || source instanceof URL;
  return address ? online(new URL(source, globalThis.location?.href), options) : picked(source);
}

const only = (file: string, read: () => Promise<Uint8Array>) => async (name: string) =>
  name === file ? read() : undefined;

/** Files by their paths below the directory that they share. */
function picked(files: readonly File[]): Place {
  const paths = files.map((file) => (file.webkitRelativePath || file.name).split("/"));
  const directory = paths[0]?.length > 1 ? paths[0][0] : "";
  const byName = new Map(files.map((file, i) => [paths[i].slice(directory ? 1 : 0).join("/"), file]));
  const read = async (name: string) => {
    const found = byName.get(name);
    return found && bytesOf(found);
  };
  return { directory, modelFile: () => modelAmong([...byName.keys()], directory || "the files"), read, absent };
}

async function online(url: URL, options: DownloadOptions): Promise<Place> {
  const reasons = new Map<string, string>();
  const absent = (name: string) => reasons.get(name) ?? noSuchFile;
  const get = async (name: string, sha256: string | undefined, how: DownloadOptions) => {
    const found = await fetchFile(new URL(name, url).href, sha256, how);
    if (typeof found !== "string") return found;
    reasons.set(name, found);
    return undefined;
  };
  if (!url.pathname.endsWith("/"))
    return { modelFile: () => url.href, read: (name) => get(name, undefined, options), absent };
  const quiet = { ...options, onProgress: undefined };
  const known = parseSums(new TextDecoder().decode(await get("SHA256SUMS", undefined, quiet)));
  const file = usualPlaces.find((name) => known.has(name)) ?? usualPlaces[0];
  const read = (name: string) => get(name, known.get(name), name.endsWith(".onnx") ? options : quiet);
  const page = () => [...reasons.values()].find((reason) => reason !== noSuchFile);
  return { directory: url.pathname.replace(/\/$/, ""), modelFile: () => file, read, absent, page };
}

/** Files with weights beside an ONNX file, under the names that the model has for them; @throws UserError `missing-file`. */
export function weightsBeside(
  model: Model,
  file: string,
  { read, absent }: Pick<Place, "read" | "absent">,
): Promise<{ path: string; data: Uint8Array }[]> {
  const paths = new Set(model.graph.initializer.filter(isExternal).map(externalLocation));
  return Promise.all(
    [...paths].map(async (path = "") => {
      const name = neighbour(file, path);
      const data = await read(name);
      if (!data) {
        const reason = absent(name);
        const why = reason === noSuchFile ? ", which is not beside it; give both files" : `; ${reason}`;
        throw new UserError("missing-file", `missing external data: ${file} keeps weights in "${path}"${why}`);
      }
      return { path, data };
    }),
  );
}

const neighbour = (file: string, name: string): string =>
  file.includes("://") ? new URL(name, file).href : [...file.split("/").slice(0, -1), name].join("/");

/** The last part of a path, without the ending. */
export const nameOf = (path: string): string =>
  (path.split("/").at(-1) ?? path).replace(/[?#].*$/, "").replace(/\.onnx$/, "") || "model";

/** With room behind them, so that weights need not be copied for each session. */
export async function bytesOf(file: Blob): Promise<Uint8Array> {
  const bytes = withRoom(file.size);
  bytes.set(new Uint8Array(await file.arrayBuffer()));
  return bytes;
}
