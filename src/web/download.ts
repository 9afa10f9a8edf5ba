/**
 * @file Files from the network: with progress, checked against their SHA-256, and kept in Cache Storage, so that a model is fetched once
 * and is there without a network.
 *
 * What breaks off is tried again after growing waits, from where it broke off if the server has parts of files (`transfer.ts`).
 * A file without a checksum is asked of the server each time and comes from the cache when there is no network. In a page that is not
 * a secure context (plain http, but for localhost) browsers offer neither cache nor SHA-256; there files are fetched as they are.
 */
import { type OptionNames, UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import { Broken, noSuchFile, Transfer } from "./transfer.ts";

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
    const bytes = await contentOf(kept);
    options.onProgress?.(bytes.length, bytes.length);
    if ((await digest(bytes)) === sha256) return bytes;
    await cache?.delete(url);
  }
  const whenOffline = kept && !sha256 ? () => contentOf(kept) : undefined;
  let found = await fetched(url, sha256 ? "default" : "no-cache", options, whenOffline);
  const again = sha256 && found !== noSuchFile && (typeof found === "string" || (await differs(found, sha256)));
  if (again) found = await fetched(url, "reload", options); // a cache on the way may be damaged
  if (typeof found === "string") return found;
  const bytes = found;
  const sum = await differs(bytes, sha256);
  if (sum) throw new UserError("invalid-input", `invalid file: ${url} has the SHA-256 ${sum}, expected ${sha256}`);
  const stored = cache?.put(url, new Response(bytes as BodyInit));
  await stored?.catch(async () => {
    await cache?.delete(url).catch(() => false);
    options.onNotKept?.(url);
  });
  return bytes;
}

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

/** What was kept, with room behind it. */
async function contentOf(kept: Response): Promise<Uint8Array> {
  const content = new Uint8Array(await kept.arrayBuffer());
  const bytes = withRoom(content.length);
  bytes.set(content);
  return bytes;
}

/** Between one try and the next, in milliseconds. */
const waits = [300, 1000, 3000];

/** @param whenOffline what there is instead */
async function fetched(
  url: string,
  cache: RequestCache,
  { signal, onProgress }: DownloadOptions,
  whenOffline?: () => Promise<Uint8Array>,
): Promise<Uint8Array | string> {
  const transfer = new Transfer(url, { cache, signal: signal ?? null }, onProgress);
  for (let failures = 0; ; failures++)
    try {
      return await transfer.go();
    } catch (error) {
      if (signal?.aborted) throw new UserError("cancelled", "cancelled");
      if (!(error instanceof Broken)) throw error;
      if (whenOffline) return whenOffline();
      const wait = waits[failures];
      if (wait === undefined) throw new UserError("missing-file", error.message, { cause: error.cause });
      await pause(Math.max(wait, error.wait), signal);
    }
}

/** Ended by the signal too. */
const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = () => resolve(clearTimeout(timer));
    signal?.addEventListener("abort", end, { once: true });
  });

/** The checksum of bytes that should have another; undefined where it is right, or nobody can say. */
async function differs(bytes: Uint8Array, sha256: string | undefined): Promise<string | undefined> {
  const found = sha256 && (await digest(bytes));
  return found && found !== sha256 ? found : undefined;
}
