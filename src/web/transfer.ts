/**
 * @file One file on its way from a server, over as many tries as it takes. What has come stays, and the next try asks for the rest
 * (RFC 9110, section 14) where the server offers parts and says which version it has; so parts of two versions never mix.
 */
import { UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import { isHtml } from "../onnx/html.ts";

/** A try that failed, though another may not. */
export class Broken extends Error {
  /** @param wait milliseconds before the server wants to be asked again */
  constructor(
    message: string,
    readonly wait = 0,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const unknown = Number.POSITIVE_INFINITY;
export const noSuchFile = "there is no such file";
/** Nobody waits longer, whatever a server asks for. */
const longestWait = 10_000;

export class Transfer {
  #parts: Uint8Array[] = [];
  #done = 0;
  /** Of the version that the parts are of, where its rest can be asked for. */
  #version: string | undefined;

  constructor(
    private readonly url: string,
    private readonly request: RequestInit,
    private readonly onProgress?: (done: number, of: number) => void,
  ) {}

  /**
   * A try.
   * @returns why in words, for a file that the server does not have
   * @throws Broken; UserError where another try would end the same
   */
  async go(): Promise<Uint8Array | string> {
    const response = await this.#ask();
    const { status, headers } = response;
    if (status === 404) return noSuchFile;
    if (status === 416) this.#forget();
    if (status >= 500 || [408, 416, 425, 429].includes(status))
      throw new Broken(
        `missing file: ${this.url}: the server answers ${status}`,
        Math.min(longestWait, 1000 * Number(headers.get("retry-after")) || 0),
      );
    if (!response.ok)
      throw new UserError("missing-file", `missing file: ${this.url}: the server answers ${response.status}`);
    const page = `HTML came from ${this.url}: the server answers missing files with a page, or wants a login`;
    if (isPage(response, this.url)) return page;
    const rest = status === 206 && this.#continues(headers);
    if (status === 206 && !rest) {
      this.#forget();
      throw new Broken(`missing file: ${this.url}: the connection broke off`);
    }
    if (!rest) this.#begin(headers);
    const bytes = await this.#read(response, rest ? this.#done : 0);
    return isHtml(new TextDecoder().decode(bytes.subarray(0, 1000))) ? page : bytes;
  }

  async #ask(): Promise<Response> {
    if (!this.#version) this.#forget();
    const ranged = this.#version && { Range: `bytes=${this.#done}-`, "If-Range": this.#version };
    try {
      return await fetch(this.url, { ...this.request, ...(ranged && { headers: ranged }) });
    } catch (cause) {
      if (ranged) this.#forget(); // a server elsewhere may allow no such headers
      throw new Broken(`missing file: ${this.url} cannot be fetched; is there a network?`, 0, { cause });
    }
  }

  #forget(): void {
    this.#parts = [];
    this.#done = 0;
    this.#version = undefined;
  }

  #begin(headers: Headers): void {
    this.#forget();
    const tag = headers.get("etag");
    const parts = headers.get("accept-ranges") === "bytes" && !headers.has("content-encoding");
    if (parts) this.#version = (tag?.startsWith("W/") ? undefined : tag) ?? headers.get("last-modified") ?? undefined;
  }

  /** Whether a part of the file is what follows, of the same version. */
  #continues(headers: Headers): boolean {
    const from = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
    const tag = headers.get("etag");
    return Number(from) === this.#done && (!tag || !this.#version?.startsWith('"') || tag === this.#version);
  }

  async #read(response: Response, before: number): Promise<Uint8Array> {
    const encoded = response.headers.has("content-encoding"); // then the length is not that of what is read
    const length = encoded ? unknown : before + Number(response.headers.get("content-length") ?? unknown);
    const broken = (cause?: unknown) => new Broken(`missing file: ${this.url}: the connection broke off`, 0, { cause });
    for (const reader = response.body?.getReader(); reader; ) {
      const { value, done } = await reader.read().catch((cause) => {
        throw broken(cause);
      });
      if (done) break;
      this.#parts.push(value);
      this.#done += value.length;
      this.onProgress?.(this.#done, length);
    }
    if (length !== unknown && this.#done < length) throw broken();
    const bytes = withRoom(this.#done);
    for (let at = 0, i = 0; i < this.#parts.length; at += this.#parts[i++].length) bytes.set(this.#parts[i], at);
    return bytes;
  }
}

/** Some hosts answer with a page of theirs where there is no file, and say what it is; others are found out by what they send. */
const isPage = ({ headers }: Response, url: string): boolean =>
  /^text\/html\b/.test(headers.get("content-type") ?? "") && !/(\/|\.html?)$/.test(new URL(url).pathname);
