/** @file The studio's server: what is named is served, with the headers for threads; nothing else is, however it is asked for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFiles } from "../../src/node/serve-files.ts";
import { expectUserError } from "../explain/ask.ts";

const directory = mkdtempSync(path.join(tmpdir(), "gradcam-serve-"));
let served: Awaited<ReturnType<typeof serveFiles>>;

beforeAll(async () => {
  writeFileSync(path.join(directory, "index.html"), "<p>hello</p>");
  writeFileSync(path.join(directory, "secret.txt"), "secret");
  const files = new Map<string, string | (() => Promise<string>)>([
    ["index.html", path.join(directory, "index.html")],
    ["made/SHA256SUMS", async () => "sum"],
    ["gone.js", path.join(directory, "gone.js")],
  ]);
  served = await serveFiles(files, { port: 0, host: "127.0.0.1" });
});
afterAll(() => {
  served.server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** As it is written: `fetch` would tidy the path. */
function ask(path: string, { method = "GET", host = "localhost" } = {}) {
  const { port } = new URL(served.url);
  return new Promise<{ status?: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers: { host } }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on("error", reject).end();
  });
}

test("a page, a text that is made, and only the head of it", async () => {
  const page = await ask("/?model=own/net/");
  expect([page.status, page.body]).toEqual([200, "<p>hello</p>"]);
  expect(page.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  expect((await ask("/made/SHA256SUMS")).body).toBe("sum");
  expect(await ask("/made/SHA256SUMS", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
});

test.each([
  "/secret.txt",
  "/../secret.txt",
  "/made/../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%2fsecret.txt",
  "/made/..\\secret.txt",
  "//etc/passwd",
  "/etc/passwd",
  "/index.html%00",
  "/%",
  "/gone.js",
])("%s is not there", async (path) => {
  const { status, body } = await ask(path);
  expect([status, body]).toEqual([404, ""]);
});

test("what would change something, and pages of other names, are refused", async () => {
  expect((await ask("/", { method: "POST" })).status).toBe(405);
  expect((await ask("/", { host: "evil.example" })).status).toBe(421);
  expect((await ask("/", { host: "127.0.0.1:1234" })).status).toBe(200);
});

test("a port that is in use is a mistake of one line", async () => {
  const { port } = new URL(served.url);
  await expectUserError(
    serveFiles(new Map(), { port: Number(port), host: "127.0.0.1" }),
    "invalid-option",
    "it is in use",
  );
});
