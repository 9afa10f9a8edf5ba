/** @file Requests that mean harm, or are broken on their way: none is a bug of ours, none stays in the house, and the server goes on. */
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Problem } from "../../src/client/contract.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { base64, form, photo, post, postJson, startedIn } from "./start.ts";

const directory = mkdtempSync(path.join(tmpdir(), "gradcam-hostile-"));
let server: Awaited<ReturnType<typeof startedIn>>;
beforeAll(async () => {
  server = await startedIn(directory, { maxBytes: 300_000, maxPixels: 1e6, timeout: 4, queue: 6 });
});
afterAll(async () => {
  await server.close(1);
  rmSync(directory, { recursive: true });
});

const small = await encodePng({ width: 12, height: 9, data: new Uint8Array(324).fill(90) });

const inside = async () =>
  /gradcam_requests_inside (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];

/** After each: nothing left inside, nothing logged as our bug, and an answer to an honest question. */
async function expectServing(): Promise<void> {
  await expect.poll(inside, { timeout: 8000 }).toBe("0");
  expect(server.lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  expect((await server.client.explain(small)).explanations).toHaveLength(1);
}

/** A PNG file of one colour that says how large it is: a few KB for as many pixels as one likes. */
function bomb(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0], 8); // one bit, grey
  const rows = deflateSync(Buffer.alloc(Math.min(height * (Math.ceil(width / 8) + 1), 1.2e8)), { level: 9 });
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", new Uint8Array())]);
}

const text = (words: string) => new TextEncoder().encode(words);
const npy = (header: string, data = new Uint8Array(12)) =>
  Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Uint8Array.of(header.length & 255, header.length >> 8),
    text(header),
    data,
  ]);
const wav = (size: number) => {
  const header = Buffer.from("RIFF....WAVEfmt ................data....", "latin1");
  header.writeUInt32LE(size, 36);
  return header;
};

test.each([
  ["a decompression bomb of 30,000 x 30,000 pixels", bomb(30_000, 30_000), 413],
  ["a picture that says it has 4 billion pixels a side", bomb(2 ** 31 - 1, 2 ** 31 - 1), 422],
  ["a picture of one line of a million pixels", bomb(1_000_000, 1), 200],
  ["a picture without pixels", bomb(0, 5), 422],
  ["a file that is too large", new Uint8Array(400_000), 413],
  ["a photograph that was cut off", photo.subarray(0, 20_000), 422],
  ["a PNG that was cut off", small.subarray(0, 60), 422],
  ["a PNG with damage inside", Uint8Array.from(small, (b, i) => (i > 60 ? b ^ 85 : b)), 422],
  ["nothing", new Uint8Array(), 422],
  ["words", text("not a picture"), 422],
  [
    "SVG, which could name files",
    text(`<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`),
    422,
  ],
  [
    "XML with entities",
    text(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>`),
    422,
  ],
  ["PDF", text("%PDF-1.7\n1 0 obj"), 422],
  ["a compressed stream", gzipSync(new Uint8Array(1e6)), 422],
  ["an ONNX model", text("\x08\x08\x12\x07pytorch:"), 422],
  ["JPEG in name only", Uint8Array.from([0xff, 0xd8, 0xff, ...new Uint8Array(100)]), 422],
  ["GIF in name only", text("GIF89a......"), 422],
  ["AVIF in name only", text("\0\0\0\x1cftypavif\0\0\0\0"), 422],
  ["TIFF whose directory is itself", Uint8Array.from([73, 73, 42, 0, 8, 0, 0, 0, 1, 0, 8, 0, 0, 0]), 422],
  ["WebP in name only", text("RIFF\xff\xff\xff\x7fWEBPVP8 "), 422],
  ["an array of objects", npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"), 422],
  [
    "an array that says it is huge",
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"),
    422,
  ],
  ["an array of a negative shape", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 8, 8), }"), 422],
  [
    "an array of NaN",
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 8, 8), }", new Uint8Array(768).fill(255)),
    422,
  ],
  ["a recording that says it is huge", wav(2 ** 32 - 1), 422],
  ["a picture of one line that is far longer", bomb(1_000_001, 1), 413],
  [
    "an array of too many values",
    npy("{'descr': '|u1', 'fortran_order': False, 'shape': (90000,), }", new Uint8Array(90_000)),
    413,
  ],
  [
    "an array of thousands of axes",
    npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (${"1, ".repeat(3000)}), }`),
    422,
  ],
  [
    "an array whose header is long",
    npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }${" ".repeat(20_000)}`),
    422,
  ],
])("%s", async (_, file, status) => {
  const inForm = await post(server.url, form(file));
  expect([inForm.status, await inForm.text()]).toEqual([status, expect.any(String)]);
  // The empty text is no base64.
  const inJson = await postJson(server.url, { image: base64(file) });
  expect(inJson.status).toBe(file.length === 0 ? 400 : status);
  await expectServing();
});

test.each<[string, unknown, number]>([
  ["an image by its address", { image: "http://169.254.169.254/latest/meta-data" }, 400],
  ["an image by its path", { image: "file:///etc/passwd" }, 400],
  ["a number for an image", { image: 5 }, 400],
  ["a list for an image", { image: ["aGk="] }, 400],
  ["null", null, 400],
  ["a list", [], 400],
  ["a model by its path", { model: "/etc/passwd" }, 404],
  ["a model above", { model: "../../../models/net.onnx" }, 404],
  ["a model with a zero byte", { model: "net\0.onnx" }, 404],
  ["a model that objects have by nature", { model: "__proto__" }, 404],
  ["a model that objects have by nature, too", { model: "constructor" }, 404],
  ["a layer by nature", { layer: "toString" }, 422],
  ["a class by nature", { classes: ["__proto__"] }, 422],
  ["thousands of classes", { classes: Array.from({ length: 5000 }, (_, i) => i) }, 400],
  ["a thousand of the best", { classes: ["top1000"] }, 400],
  ["half a class", { classes: [0.5] }, 400],
  ["a huge class", { classes: [1e300] }, 400],
  ["a class below", { classes: [-1] }, 400],
  ["no class", { classes: [] }, 400],
  ["a class without a name", { classes: [""] }, 400],
  ["a long name", { against: "a".repeat(10_000) }, 400],
  ["both kinds of opposite at once", { against: 1, counterfactual: true }, 200],
  ["text for a boolean", { counterfactual: "true" }, 400],
  ["a colour map by its path", { colormap: "../../etc/passwd" }, 400],
])("%s", async (_, asked, status) => {
  const body = asked && !Array.isArray(asked) ? { image: base64(small), ...asked } : asked;
  expect((await postJson(server.url, body)).status).toBe(status);
  await expectServing();
});

test("bodies that are not what they say", async () => {
  const json = { "content-type": "application/json" };
  const statusOf = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    (await post(server.url, body, headers)).status;
  expect(await statusOf("{", json)).toBe(400);
  expect(await statusOf("", json)).toBe(400);
  expect(await statusOf(`{"__proto__": {"image": "aGk="}, "image": "aGk="}`, json)).toBe(400);
  expect(await statusOf("[".repeat(100_000), json)).toBe(400);
  expect(await statusOf("x".repeat(700_000), json)).toBe(413);
  expect(await statusOf("a", { "content-type": "text/plain" })).toBe(415);
  expect(await statusOf("a", { "content-type": "multipart/form-data" })).toBe(400);
  expect(await statusOf("a", { "content-type": "multipart/form-data; boundary=x" })).toBe(400);
  expect(await statusOf("--x\r\n", { "content-type": "multipart/form-data; boundary=x" })).toBe(400);
  const compressed = { ...json, "content-encoding": "gzip" };
  expect(await statusOf(new Uint8Array(gzipSync(JSON.stringify({ image: "a".repeat(1e8) }))), compressed)).toBe(400);
  await expectServing();
});

test("forms with other parts, or too many", async () => {
  const statusOf = async (change: (body: FormData) => void) => {
    const body = form(small);
    change(body);
    return (await post(server.url, body)).status;
  };
  const file = new Blob([small as Uint8Array<ArrayBuffer>]);
  expect(await statusOf((body) => body.append("image", file, "../../etc/cron.d/x"))).toBe(400);
  expect(await statusOf((body) => body.append("model", "net"))).toBe(400);
  expect(await statusOf((body) => body.append("__proto__", "x"))).toBe(400);
  expect(await statusOf((body) => body.append("question", "{"))).toBe(400);
  expect(await statusOf((body) => body.append("question", `{"against": "${"x".repeat(70_000)}"}`))).toBe(400);
  for (const count of [10, 1000])
    expect(await statusOf((body) => Array.from({ length: count }, (_, i) => body.append(`f${i}`, "x")))).toBe(400);
  const named = new FormData();
  named.append("image", file, "../../../../etc/passwd\0.png");
  expect((await post(server.url, named)).status).toBe(200);
  await expectServing();
});

test.each([
  "/../../etc/passwd",
  "/..%2f..%2fetc/passwd",
  "/v1/..%5c..%5cmodels",
  "/%00",
  "/v1/models/..;/",
  "//etc/passwd",
  "/%c0%ae",
  "/%",
])("the path %s is not there", async (path) => {
  expect(await raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 (400|404) /,
  );
  await expectServing();
});

/** Sends bytes and gives what comes back until the server, or the one who sends, ends it. */
function raw(request: string, { hangUp = 0 } = {}): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = net.connect(Number(new URL(server.url).port), "127.0.0.1", () => socket.write(request));
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", () => undefined); // a reset is an end as well
    if (hangUp) setTimeout(() => socket.destroy(), hangUp);
  });
}
const head = (length: number, type = "multipart/form-data; boundary=x") =>
  `POST /v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
const part = `--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n`;

test("uploads that are cut off, whatever they were", async () => {
  await raw(`${head(5000) + part}abc`, { hangUp: 150 });
  await raw(`${head(5000, "application/json")}{"image": "`, { hangUp: 150 });
  await raw(head(5000), { hangUp: 150 });
  await expectServing();
});

test("requests that break the protocol", async () => {
  for (const request of [
    "GARBAGE\r\n\r\n",
    "POST /v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /v1/explain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\nZZ\r\n",
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(100_000)}\r\n\r\n`,
    "GET /healthz HTTP/1.1\r\n\r\n",
  ])
    expect(await raw(request, { hangUp: 3000 }), request.slice(0, 40)).toMatch(/^HTTP\/1\.1 4/);
  await expectServing();
});

/** What came back on a bare connection, which must be one problem, in all that every answer has. */
function problemIn(answer: string): Problem & { readonly headers: string } {
  const [headers, body] = answer.split("\r\n\r\n");
  expect(headers).toMatch(/content-type: application\/problem\+json/i);
  expect(headers).toMatch(/x-content-type-options: nosniff/i);
  const problem = JSON.parse(body) as Problem;
  expect(problem).toEqual({
    ...{ type: "about:blank", title: expect.any(String), status: Number(headers.slice(9, 12)) },
    ...{ detail: expect.stringMatching(/^[a-z]/), code: expect.any(String), request: expect.any(String) },
  });
  return { ...problem, headers };
}

const get = (path: string, more = "Host: localhost\r\n") => `GET ${path} HTTP/1.1\r\n${more}Connection: close\r\n\r\n`;
const asked = (type: string, body: string) =>
  `${head(Buffer.byteLength(body), type).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")}${body}`;
test.each([
  ["no HTTP", "GARBAGE\r\n\r\n", 400],
  ["another protocol", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400],
  ["no host", get("/healthz", ""), 400],
  ["a host of another machine", get("/healthz", "Host: evil.example\r\n"), 403],
  ["a path that is not encoded", get("/%"), 400],
  ["a path of a broken character", get("/studio/%c0%ae"), 400],
  ["a path that is not there", get("/nowhere"), 404],
  ["a long path", get(`/${"a".repeat(3000)}`), 404],
  ["a longer header", get("/healthz", `Host: localhost\r\nX: ${"a".repeat(20_000)}\r\n`), 431],
  ["many headers", get("/healthz", `Host: localhost\r\n${"X: aaaaaaaa\r\n".repeat(5000)}`), 431],
  ["a long address", get(`/${"a".repeat(20_000)}`), 431],
  ["two lengths", get("/healthz", "Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n"), 400],
  ["another expectation", get("/healthz", "Host: localhost\r\nExpect: wonders\r\n"), 417],
  ["a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405],
  ["a method of other services", get("/v1/explain").replace("GET", "PROPFIND"), 405],
  ["another method", get("/v1/explain"), 405],
  ["another method of a page", get("/healthz").replace("GET", "DELETE"), 405],
  ["no such method", get("/healthz").replace("GET", "BREW"), 400],
  ["text", asked("text/plain", "a"), 415],
  ["a type that is none", asked("/", "a"), 415],
  ["no type", asked("", "a"), 415],
  ["broken JSON", asked("application/json", "{"), 400],
  ["a form without a boundary", asked("multipart/form-data", "a"), 400],
  [
    "a million chunks of a byte",
    `${get("/v1/explain", "Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n").replace("GET", "POST")}${"1\r\n \r\n".repeat(1e6)}0\r\n\r\n`,
    411,
  ],
  ["a body that is too large", head(99_000_000, "application/json"), 413],
  [
    "a part that is no JSON, and says that it is",
    asked(
      "multipart/form-data; boundary=x",
      `--x\r\nContent-Disposition: form-data; name="question"\r\nContent-Type: application/json\r\n\r\n{"a\r\n--x--\r\n`,
    ),
    400,
  ],
  [
    "a part that is no JSON",
    asked(
      "multipart/form-data; boundary=x",
      `--x\r\nContent-Disposition: form-data; name="question"\r\n\r\n{"a\r\n${part}abc\r\n--x--\r\n`,
    ),
    400,
  ],
  ["half a request, for long", "GET /healthz HTTP/1.1\r\nHost: local", 408],
])("%s is refused as a problem", async (_, request, status) => {
  const problem = problemIn(await raw(request, { hangUp: 9000 }));
  expect([problem.status, problem.detail]).toEqual([status, expect.any(String)]);
  if (status === 405) expect(problem.headers).toMatch(/allow: \S+/i);
  await expectServing();
});

test("thousands of wrong names are told of in a line", async () => {
  const names = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`name${i}`, 1]));
  const response = await postJson(server.url, { image: base64(small), ...names });
  expect(response.status).toBe(400);
  expect(((await response.json()) as Problem).detail.length).toBeLessThan(600);
});

test("clients so slow that they would hold every place are let go", async () => {
  const slow = Array.from({ length: 6 }, () => raw(head(5000) + part, { hangUp: 15_000 }));
  await expect.poll(inside, { timeout: 3000 }).toBe("6");
  expect((await post(server.url, form(small))).status).toBe(429);
  const answers = await Promise.all(slow);
  for (const answer of answers) expect(answer === "" || answer.startsWith("HTTP/1.1 408")).toBe(true);
  await expectServing();
}, 30_000);
