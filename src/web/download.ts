/**
 * @file Files from the network: with progress, checked against their SHA-256, and kept in Cache Storage, so that a model is fetched once
 * and is there without a network.
 *
 * A file without a checksum is asked of the server each time and comes from the cache when there is no network. In a page that is not
 * a secure context (plain http, but for localhost) browsers offer neither cache nor SHA-256; there files are fetched as they are.
 */
import { type OptionNames, UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import { isHtml } from "../onnx/html.ts";

export interface DownloadOptions {
  /** Bytes so far, and of all; infinity where the server does not say, so that their quotient is a number. */
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
  /** Where files are kept; `false` keeps none. "gradcam-models" by default. */
  readonly cache?: string | false;
  /** Told of a file for which the browser has no room; it works, and is fetched again another time. */
  readonly onNotKept?: (url: string) => void;
}

export const downloadOptions: OptionNames<DownloadOptions> = {
  ...{ onProgress: true, signal: true, cache: true, onNotKept: true },
};

export const noSuchFile = "there is no such file";

/**
 * A file, from the cache if it is there with this checksum.
 * @param sha256 hexadecimal; undefined for a file that may change
 * @returns undefined for a file that the server does not have
 * @throws UserError `missing-file` where it cannot be fetched, `invalid-input` where its checksum differs, `cancelled`
 */
export async function download(
  url: string,
  sha256: string | undefined,
  options: DownloadOptions = {},
): Promise<Uint8Array | undefined> {
  const found = await fetchFile(url, sha256, options);
  return typeof found === "string" ? undefined : found;
}

/** The same; @returns why in words, for a file that the server does not have. */
export async function fetchFile(
  url: string,
  sha256: string | undefined,
  options: DownloadOptions,
): Promise<Uint8Array | string> {
  const cache = await openCache(options);
  const kept = await cache?.match(url);
  if (kept && sha256) {
    const bytes = await readAll(kept, options);
    if ((await digest(bytes)) === sha256) return bytes;
    await cache?.delete(url);
  }
  let response: Response;
  try {
    response = await fetch(url, { signal: options.signal ?? null, cache: sha256 ? "default" : "no-cache" });
  } catch (cause) {
    if (options.signal?.aborted) throw new UserError("cancelled", "cancelled");
    if (kept && !sha256) return readAll(kept, options);
    throw new UserError("missing-file", `missing file: ${url} cannot be fetched; is there a network?`, { cause });
  }
  if (response.status === 404) return noSuchFile;
  if (!response.ok) throw new UserError("missing-file", `missing file: ${url}: the server answers ${response.status}`);
  const bytes = await readAll(response, options);
  if (isPage(bytes)) return `HTML came from ${url}: the server answers missing files with a page`;
  const found = sha256 && (await digest(bytes));
  if (found && found !== sha256)
    throw new UserError("invalid-input", `invalid file: ${url} has the SHA-256 ${found}, expected ${sha256}`);
  const stored = cache?.put(url, new Response(bytes as BodyInit));
  await stored?.catch(async () => {
    await cache?.delete(url).catch(() => false);
    options.onNotKept?.(url);
  });
  return bytes;
}

/** Servers of one-page applications answer every address that they do not know with their page, and 200. */
const isPage = (bytes: Uint8Array): boolean => isHtml(new TextDecoder().decode(bytes.subarray(0, 1000)));

/** SHA-256, hexadecimal; undefined where the page is no secure context. */
export async function digest(bytes: Uint8Array): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The lines of a SHA256SUMS file: checksum by name. */
export function parseSums(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line));
  return new Map(lines.filter((line) => line !== null).map(([, sum, name]) => [name, sum]));
}

async function openCache({ cache = "gradcam-models" }: DownloadOptions): Promise<Cache | undefined> {
  if (cache === false || !("caches" in globalThis)) return undefined;
  return caches.open(cache).catch(() => undefined); // private windows of some browsers have the interface and refuse
}

const unknown = Number.POSITIVE_INFINITY;

async function readAll(response: Response, { onProgress, signal }: DownloadOptions): Promise<Uint8Array> {
  const encoded = response.headers.has("content-encoding"); // then the length is not that of what is read
  const length = encoded ? unknown : Number(response.headers.get("content-length") ?? unknown);
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let done = 0;
  while (reader) {
    if (signal?.aborted) throw new UserError("cancelled", "cancelled");
    const { value, done: ended } = await reader.read().catch((cause) => {
      if (signal?.aborted) throw new UserError("cancelled", "cancelled");
      throw new UserError("missing-file", `missing file: ${response.url}: the connection broke off`, { cause });
    });
    if (ended) break;
    parts.push(value);
    done += value.length;
    onProgress?.(done, length);
  }
  const bytes = withRoom(done);
  for (let at = 0, i = 0; i < parts.length; at += parts[i++].length) bytes.set(parts[i], at);
  return bytes;
}
