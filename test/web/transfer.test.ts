/** @file A file that breaks off on its way: what has come is kept, the rest is asked for, and two versions never mix. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { download, fetchFile } from "../../src/web/download.ts";
import { expectUserError } from "../explain/ask.ts";

const versions = ["a", "b"].map((letter) =>
  Buffer.from(Array.from({ length: 3000 }, (_, i) => `${letter}${i} `).join("")),
);
const [first, second] = versions;
const sha256 = createHash("sha256").update(first).digest("hex");

interface Seen {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** Asked how often, and for what, by path. */
const asked = new Map<string, Seen[]>();
let server: Server;
let base: string;

/** The head of a file, as much as it says it is of, and then an end. */
const cutShort = (response: ServerResponse, content: Buffer, headers: Record<string, string>, from = 0) => {
  const part = content.subarray(from);
  response.writeHead(from ? 206 : 200, { "content-length": part.length, ...headers });
  response.write(part.subarray(0, Math.ceil(part.length / 2)), () => setTimeout(() => response.destroy(), 30));
};

const ranged = { "accept-ranges": "bytes", etag: '"one"' };
const from = ({ headers }: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
const rest = (at: number, content: Buffer) => ({
  "content-range": `bytes ${at}-${content.length - 1}/${content.length}`,
});

const files: Record<string, (request: IncomingMessage, response: ServerResponse, times: number) => unknown> = {
  // Two breaks, each time the rest is sent.
  "/resumed": (request, response, times) => {
    const at = from(request);
    const headers = { ...ranged, ...(at && rest(at, first)) };
    if (times < 3) return cutShort(response, first, headers, at);
    response.writeHead(at ? 206 : 200, { ...headers, "content-length": first.length - at }).end(first.subarray(at));
  },
  // Between two tries another version was put there, and the server knows what If-Range means.
  "/changed": (_, response, times) => {
    if (times === 1) return cutShort(response, first, ranged);
    response.writeHead(200, { ...ranged, etag: '"two"', "content-length": second.length }).end(second);
  },
  // So here, but the server does not.
  "/mixed": (request, response, times) => {
    const at = from(request);
    if (times === 1) return cutShort(response, first, ranged);
    const headers = { ...ranged, etag: '"two"', ...(at && rest(at, second)) };
    response.writeHead(at ? 206 : 200, { ...headers, "content-length": second.length - at }).end(second.subarray(at));
  },
  // Nothing is said of parts: all is sent again.
  "/whole": (_, response, times) => {
    if (times === 1) return cutShort(response, first, { etag: '"one"' });
    response.writeHead(200, { "content-length": first.length }).end(first);
  },
  // A tag that is weak says nothing of bytes.
  "/weak": (_, response, times) => {
    if (times === 1) return cutShort(response, first, { "accept-ranges": "bytes", etag: 'W/"one"' });
    response.writeHead(200, { "content-length": first.length }).end(first);
  },
  "/busy": (_, response, times) =>
    times < 3 ? response.writeHead(503).end() : response.writeHead(200, { "content-length": first.length }).end(first),
  "/damaged-once": (_, response, times) => response.writeHead(200).end(times === 1 ? first.subarray(0, 900) : first),
  "/forbidden": (_, response) => response.writeHead(403).end(),
  "/model.onnx": (_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>"),
  "/config.json": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const { url = "", headers } = request;
    const before = asked.get(url) ?? [];
    asked.set(url, [...before, { range: headers.range, ifRange: headers["if-range"] as string | undefined }]);
    files[url](request, response, before.length + 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const fetched = async (name: string, sum?: string) => Buffer.from((await download(base + name, sum)) ?? []);
const rangesOf = (name: string) => (asked.get(name) ?? []).map(({ range }) => range);

test("what broke off goes on from there, over several tries, and says which version it wants", async () => {
  const seen: number[] = [];
  const bytes = await download(`${base}/resumed`, sha256, { onProgress: (done) => seen.push(done) });
  expect(Buffer.from(bytes!).equals(first)).toBe(true);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  const [whole, ...others] = asked.get("/resumed")!;
  expect(whole.range).toBeUndefined();
  expect(others.length).toBe(2);
  for (const { range, ifRange } of others) {
    expect(range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(ifRange).toBe('"one"');
  }
});

test.each(["/changed", "/mixed"])("parts of two versions never mix: %s", async (name) => {
  expect((await fetched(name)).equals(second)).toBe(true);
  expect(rangesOf(name)[1]).toMatch(/^bytes=/);
});

test.each(["/whole", "/weak"])("without parts, or a version to name, all is asked for again: %s", async (name) => {
  expect((await fetched(name)).equals(first)).toBe(true);
  expect(rangesOf(name)).toEqual([undefined, undefined]);
});

test("a server that is busy is asked again; one that refuses is not", async () => {
  const [bytes] = await Promise.all([
    fetched("/busy"),
    expectUserError(download(`${base}/forbidden`, undefined), "missing-file", "the server answers 403"),
  ]);
  expect(bytes.equals(first)).toBe(true);
  expect(asked.get("/busy")?.length).toBe(3);
  expect(asked.get("/forbidden")?.length).toBe(1);
});

test("what came damaged is fetched once more", async () => {
  expect((await fetched("/damaged-once", sha256)).equals(first)).toBe(true);
});

test("what a server calls a page of HTML is no file, whatever it is in place of", async () => {
  expect(await fetchFile(`${base}/model.onnx`, sha256, {})).toMatch(/^HTML came from http:.*model\.onnx: /);
  expect(asked.get("/model.onnx")?.length).toBe(2); // the first may have come from a cache on the way
  expect(await download(`${base}/config.json`, undefined)).toBeUndefined();
});

test("waiting for another try can be ended", async () => {
  const ending = new AbortController();
  const ended = download("http://127.0.0.1:1/model.onnx", undefined, { signal: ending.signal });
  setTimeout(() => ending.abort(), 50);
  await expectUserError(ended, "cancelled", "cancelled");
});
