/**
 * @file Files over HTTP for a person's own browser: only those that are named beforehand, whatever a request asks for, and with the
 * headers that let a page use threads of WebAssembly.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UserError } from "../errors.ts";
import { pageHeaders } from "./page-headers.ts";

/** What is served under a path, without its leading slash: a file on disk, or a text that is made when it is asked for. */
export type Served = ReadonlyMap<string, string | (() => Promise<string>)>;

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".jpg": "image/jpeg",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** What goes with a file. */
export const fileHeaders = (url: string) => ({
  ...pageHeaders(new URL(url, "http://localhost")),
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-cache",
});

const refusalHeaders = fileHeaders("/");

/** A file that is there. */
export interface Content {
  readonly type: string;
  /** In bytes. */
  readonly length: number;
  open(): Readable;
}

/**
 * What is served under an address; undefined where nothing is.
 * @param url as it was asked for. Its path is only ever looked up, never joined with another.
 */
export async function contentAt(files: Served, url: string): Promise<Content | undefined> {
  const name = nameIn(url);
  const served = name === undefined ? undefined : files.get(name || "index.html");
  if (served === undefined) return undefined;
  const type = types[path.extname(name || "index.html")] ?? "application/octet-stream";
  if (typeof served === "string") {
    const length = await sizeOf(served);
    return length === undefined ? undefined : { type, length, open: () => createReadStream(served) };
  }
  const made = Buffer.from(await served());
  return { type, length: made.length, open: () => Readable.from([made]) };
}

/**
 * Serves until the server is closed.
 * @returns the server, listening, and its address for a browser
 * @throws UserError `invalid-option` where the port or the host cannot be had.
 */
export async function serveFiles(
  files: Served,
  { port, host }: ServeOptions,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    void answer(files, host, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = { EADDRINUSE: "it is in use", EACCES: "no permission", EADDRNOTAVAIL: "no such address here" };
      const reason = why[cause.code as keyof typeof why] ?? cause.message;
      reject(new UserError("invalid-option", `invalid --port or --host: ${host}:${port}: ${reason}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return { server, url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/` };
}

async function answer(files: Served, host: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = "/" } = request;
  const refuse = (status: number) => response.writeHead(status, refusalHeaders).end();
  if (request.method !== "GET" && request.method !== "HEAD") return void refuse(405);
  if (!isOurs(request.headers.host, host)) return void refuse(421);
  const content = await contentAt(files, url);
  if (!content) return void refuse(404);
  response.writeHead(200, { ...fileHeaders(url), "Content-Type": content.type, "Content-Length": content.length });
  if (request.method === "HEAD") response.end();
  else await pipeline(content.open(), response);
}

/** The path without its leading slash, decoded; undefined for what cannot be decoded. */
function nameIn(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, "http://localhost").pathname.slice(1));
  } catch {
    return undefined;
  }
}

/** A page elsewhere, whose name has been made to mean this machine, sends that name. */
function isOurs(asked: string | undefined, host: string): boolean {
  const name = asked?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const anyAddress = host === "0.0.0.0" || host === "::";
  return anyAddress || name === host || ["localhost", "127.0.0.1", "::1"].includes(name ?? "");
}

const sizeOf = (file: string): Promise<number | undefined> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
