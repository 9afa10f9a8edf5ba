/** @file Starts the server as it is published, with a model small enough for a test. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { onTestFinished } from "vitest";
import { connect } from "../../src/client.ts";
import type { ServeOptions } from "../../src/server/options.ts";
import { example, folder, repository, withModel } from "../cli/run.ts";
import { gap } from "../nets.ts";

/** Its threads are files of dist. */
const built = (await import(
  path.join(repository, "dist/server/serve.js")
)) as typeof import("../../src/server/serve.ts");

export const photo = new Uint8Array(readFileSync(example));
export const token = "0123456789abcdef-a-secret-of-the-tests";

const defaults: Omit<ServeOptions, "models"> = {
  host: "127.0.0.1",
  port: 0,
  tokens: [],
  cors: [],
  loading: { labels: ["ant", "bee", "cat", "dog"], mean: [0.5], std: [0.5], session: { intraOpNumThreads: 1 } },
  workers: 1,
  batch: 4,
  queue: 8,
  timeout: 20,
  maxBytes: 1e6,
  maxPixels: 1e6,
  logLevel: "info",
};

/** A server that is gone when the test is over, a client of it, and what it logged. */
export async function started(options: Partial<ServeOptions> = {}, net = gap()) {
  const server = await startedIn(folder(), options, net);
  onTestFinished(() => server.close(1));
  return server;
}

/** The same with its model in a folder, to be closed by the caller. */
export async function startedIn(directory: string, options: Partial<ServeOptions> = {}, net = gap()) {
  withModel(directory, net);
  const lines: string[] = [];
  const models = [{ name: "net", task: "explain" as const, source: path.join(directory, "net.onnx") }];
  const { url, close } = await built.serve({ ...defaults, models, ...options }, { write: (line) => lines.push(line) });
  const client = connect(url, options.tokens?.length ? { token: options.tokens[0] } : {});
  return { url, close, client, lines };
}

/** A form with a file, as browsers send it. */
export function form(file: Uint8Array, question?: unknown): FormData {
  const made = new FormData();
  if (question !== undefined) made.append("question", JSON.stringify(question));
  made.append("image", new Blob([file as Uint8Array<ArrayBuffer>]), "a.jpg");
  return made;
}

export const post = (
  url: string,
  body: string | FormData | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(`${url}/v1/explain`, { method: "POST", body, headers });

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  post(url, JSON.stringify(body), { "content-type": "application/json", ...headers });

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
