/** @file The studio behind the service: its files and no others, under the same rules as the rest. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageHeaders } from "../../src/node/page-headers.ts";
import { startedIn, token } from "./start.ts";

const directory = mkdtempSync(path.join(tmpdir(), "gradcam-pages-"));
const file = (name: string, content: string): string => {
  writeFileSync(path.join(directory, name), content);
  return path.join(directory, name);
};
const pages = new Map<string, string | (() => Promise<string>)>([
  ["index.html", file("index.html", "<p>the studio</p>")],
  ["assets/a.js", file("a.js", "export {}")],
  ["assets/server-worker-a1.js", file("server-worker-a1.js", "export {}")],
  ["ort/SHA256SUMS", async () => "sum"],
]);
file("secret.txt", "secret");
let server: Awaited<ReturnType<typeof startedIn>>;
beforeAll(async () => {
  server = await startedIn(directory, { pages, tokens: [token] });
});
afterAll(async () => {
  await server.close(1);
  rmSync(directory, { recursive: true });
});

/** As it is written: `fetch` would tidy the path. */
function ask(path: string, method = "GET") {
  const { port } = new URL(server.url);
  return new Promise<{ status?: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on("error", reject).end();
  });
}

const lowerCase = Object.fromEntries(
  Object.entries(pageHeaders(new URL("http://localhost/studio/"))).map(([name, value]) => [name.toLowerCase(), value]),
);

test("the studio loads without a token, isolated and by its own policy; what it asks of the service needs one", async () => {
  expect(await ask("/")).toMatchObject({ status: 302, headers: { location: "studio/" } });
  expect(await ask("/studio")).toMatchObject({ status: 302, headers: { location: "studio/" } });
  const page = await ask("/studio/?class=285");
  expect([page.status, page.body]).toEqual([200, "<p>the studio</p>"]);
  expect(page.headers).toMatchObject({
    ...lowerCase,
    "content-type": "text/html; charset=utf-8",
    "x-frame-options": "DENY",
  });
  expect(await ask("/studio/assets/a.js")).toMatchObject({
    status: 200,
    headers: { "content-type": "text/javascript" },
  });
  expect(await ask("/studio/ort/SHA256SUMS")).toMatchObject({ status: 200, body: "sum" });
  expect(await ask("/studio/ort/SHA256SUMS", "HEAD")).toMatchObject({
    status: 200,
    body: "",
    headers: { "content-length": "3" },
  });
  expect((await ask("/docs")).body).toContain("POST /v1/explain");
  expect((await ask("/v1/models")).status).toBe(401);
  expect((await server.client.models()).models).toHaveLength(1);
});

test("the one worker that asks a server may connect to that server, and nowhere else", async () => {
  const policy = async (path: string) => (await ask(path)).headers["content-security-policy"];
  expect(await policy("/studio/assets/server-worker-a1.js?to=https%3A%2F%2Fa.example%2Fx")).toMatch(
    /connect-src https:\/\/a\.example$/,
  );
  expect(await policy("/studio/assets/server-worker-a1.js?to=javascript%3A1")).toMatch(/connect-src 'self' blob:$/);
  expect(await policy("/studio/assets/a.js?to=https%3A%2F%2Fa.example")).toMatch(/connect-src 'self' blob:$/);
});

test("a page of its own origin may ask, and reads what it needs", async () => {
  const { origin } = new URL(server.url);
  const response = await fetch(`${server.url}/v1/models`, { headers: { origin, authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
});

test.each([
  "/studio/secret.txt",
  "/studio/../secret.txt",
  "/studio/assets/../secret.txt",
  "/studio/%2e%2e/secret.txt",
  "/studio/..%2fsecret.txt",
  "/studio/assets/..\\secret.txt",
  "/studio//etc/passwd",
  "/studio/etc/passwd",
  "/studio/assets",
  "/studio/index.html%00",
  "/studio/net.onnx",
])("%s is not there", async (path) => {
  const { status, headers, body } = await ask(path);
  expect(status).toBe(404);
  expect(headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(body).not.toContain("secret\n");
});

test.each([
  "/metrics",
  "/metrics?/../studio/",
  "/metrics#/../studio/",
  "/%6detrics",
  "/v1/models?x=/studio/",
  "/%76%31/models",
])("%s is not let in as a page", async (path) => {
  expect((await ask(path)).status).toBe(401);
});

test("what would change something is refused", async () => {
  for (const method of ["POST", "PUT", "DELETE"])
    expect([401, 404, 405], method).toContain((await ask("/studio/", method)).status);
});
