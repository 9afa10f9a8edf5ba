/** @file Files from the network: checked, with progress, and every failure told in one line. */
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UserErrorCode } from "../../src/errors.ts";
import { changed, decodeModel, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import { digest, download, parseSums } from "../../src/web/download.ts";
import { load } from "../../src/web/load.ts";
import { loadAnswerer, loadCaptioner } from "../../src/web/load-language.ts";
import { expectUserError } from "../explain/ask.ts";
import { vgg } from "../nets.ts";

const content = Buffer.from("a model of sorts");
const sha256 = createHash("sha256").update(content).digest("hex");
/** What servers of one-page applications answer to every address. */
const pages = ["<!doctype html><title>app</title>", "\n<!-- built -->\n<HTML lang=en>", "\ufeff<!DOCTYPE html>"];
let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    if (url === "/model.onnx") response.writeHead(200, { "content-length": content.length }).end(content);
    else if (url === "/app/apart.onnx") response.writeHead(200).end(apart());
    else if (url?.startsWith("/app/")) response.writeHead(200).end(pages[Number(url.split("/")[2])]);
    else if (url === "/broken")
      response.writeHead(200, { "content-length": 100 }).write("half", () => response.destroy());
    else response.writeHead(url === "/down" ? 503 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test("a file with its checksum, and how far it is", async () => {
  const seen: number[][] = [];
  const bytes = await download(`${base}/model.onnx`, sha256, { onProgress: (...at) => seen.push(at) });
  expect(Buffer.from(bytes!)).toEqual(content);
  expect(seen.at(-1)).toEqual([content.length, content.length]);
  expect(await digest(content)).toBe(sha256);
});

test("what is not there is undefined; what else goes wrong says so", async () => {
  expect(await download(`${base}/nothing`, undefined)).toBeUndefined();
  const refused = (url: string, sum: string | undefined, code: UserErrorCode, said: string) =>
    expectUserError(download(url, sum), code, said);
  // Each is tried several times, so they are at it together.
  await Promise.all([
    refused(`${base}/model.onnx`, sha256.replace(/./g, "0"), "invalid-input", `has the SHA-256 ${sha256}`),
    refused(`${base}/down`, undefined, "missing-file", "the server answers 503"),
    refused(`${base}/broken`, undefined, "missing-file", "the connection broke off"),
    refused("http://127.0.0.1:1/model.onnx", undefined, "missing-file", "is there a network?"),
  ]);
  const signal = AbortSignal.abort();
  await expectUserError(download(`${base}/model.onnx`, undefined, { signal }), "cancelled", "cancelled");
});

test.each([0, 1, 2])("a page in place of a model is said to be one: %i", async (page) => {
  expect(await download(`${base}/app/${page}/model.onnx`, undefined)).toBeUndefined();
  expect(await download(`${base}/app/${page}/model.onnx`, sha256)).toBeUndefined();
  const ort = {} as never;
  for (const place of ["model/", "model.onnx"])
    await expectUserError(
      load(`${base}/app/${page}/${place}`, { ort }),
      "missing-file",
      /missing model: .*: HTML came from http:.*model\.onnx: the server answers missing files with a page, or wants a login$/,
    );
  for (const open of [loadCaptioner, loadAnswerer])
    await expectUserError(open(`${base}/app/${page}/model/`, { ort }), "missing-file", "HTML came from");
});

/** A model whose weights are in a file that this server has a page for. */
function apart(): Uint8Array {
  const model = decodeModel(vgg({ input: [1, 3, 8, 8] }));
  const initializer = model.graph!.initializer.map((tensor) =>
    changed(tensor, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: makeEntries({ location: "0/w.data" }),
    }),
  );
  return encodeModel(changed(model, { graph: changed(model.graph!, { initializer }) }));
}

test("a page in place of a model's weights is said to be one", () =>
  expectUserError(
    load(`${base}/app/apart.onnx`, { ort: {} as never }),
    "missing-file",
    /missing external data: .* keeps weights in "0\/w\.data"; HTML came from http:.*w\.data: the server answers/,
  ));

test("checksums by name", () => {
  const sums = parseSums(`${sha256}  onnx/model.onnx\n${sha256} *config.json\r\nnot a line\n`);
  expect([...sums]).toEqual([
    ["onnx/model.onnx", sha256],
    ["config.json", sha256],
  ]);
});
