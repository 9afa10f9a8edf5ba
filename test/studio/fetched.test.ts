/** @file What fails on its way to the page is tried again, can be tried again by hand, and is told by its cause. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Page, Route } from "playwright-core";
import { expect, test, vi } from "vitest";
import { changed, decodeModel, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import { node } from "../models.ts";
import { gap } from "../nets.ts";
import { drop, dropPhoto, openPage, root, settled } from "./browser.ts";
import { visiting } from "./visit.ts";

const visit = visiting();
let page: Page;

vi.setConfig({ testTimeout: 120_000 });

const start = async () => {
  ({ page } = await openPage(visit.context, visit.served.url));
};

/** The page on its way, whatever may come. */
async function goTo(): Promise<void> {
  page = await visit.context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(visit.served.url);
}

const whole = () => readFileSync(path.join(root, "models/efficientnet-lite0/onnx/model.onnx"));
const answer = (route: Route, body: Buffer | string, type = "application/octet-stream", status = 200) =>
  route.fulfill({ status, contentType: type, headers: { "cross-origin-resource-policy": "same-origin" }, body });

async function expectNotice(...words: RegExp[]): Promise<void> {
  const notice = page.locator(".notice");
  await notice.waitFor();
  for (const word of words) await expect.poll(() => notice.innerText()).toMatch(word);
  expect(await notice.innerText()).not.toMatch(/internal|undefined|our mistake|\bat .*:\d+/);
}

test("files that fail once are fetched again without a word", async () => {
  const failed = new Set<string | RegExp>();
  for (const glob of [
    "**/model.onnx",
    "**/ort-wasm-simd-threaded*.wasm",
    "**/ort/SHA256SUMS",
    "**/examples/cat.jpg",
    "**/ort.w*.min.mjs",
    /assets\/worker-.*\.js/,
  ])
    await visit.context.route(glob, (route) => {
      const first = !failed.has(glob);
      failed.add(glob);
      if (!first) return route.continue();
      return String(glob).includes("model") ? answer(route, whole().subarray(0, 1e6)) : route.abort("connectionreset");
    });
  await goTo();
  await page.getByRole("button", { name: "A cat", exact: true }).click();
  await settled(page);
  expect(failed.size).toBe(6);
  expect(await page.locator(".notice").count()).toBe(0);
});

test("what fails for good says why, keeps what was given, and can be tried again", async () => {
  let how: (route: Route) => Promise<void> = (route) => route.abort("connectionreset");
  await visit.context.route("**/model.onnx", (route) => how(route));
  await goTo();
  await dropPhoto(page);
  const again = page.locator(".notice").getByRole("button", { name: "Try again" });
  await expectNotice(/A file could not be fetched/, /model\.onnx cannot be fetched/, /try again/);
  for (const [next, ...words] of [
    [
      (route: Route) => answer(route, whole().subarray(0, 1e6)),
      /not the one that was published/,
      /checksum does not match/,
    ],
    [
      (route: Route) => answer(route, "<!doctype html><title>Sign in</title>", "text/html"),
      /A web page came/,
      /download link/,
    ],
    [(route: Route) => answer(route, "", "text/plain", 404), /A file is missing/, /model\.onnx/],
    [(route: Route) => answer(route, "", "text/plain", 403), /A file could not be fetched/, /answers 403/],
  ] as const) {
    how = next;
    await again.click();
    await expectNotice(...words);
    expect(await page.locator("canvas.picture").count()).toBe(1);
  }
  how = (route) => route.continue();
  await again.click();
  await settled(page);
  expect(await page.locator(".sentence h1").innerText()).toBe("Why espresso?");
  expect(await page.locator(".notice").count()).toBe(0);
});

/** Weights in a file that is not there. */
function withoutWeights(): Uint8Array {
  const model = decodeModel(gap());
  const { graph } = model;
  if (!graph) throw new Error("no graph");
  const initializer = graph.initializer.map((tensor, i) =>
    i
      ? tensor
      : changed(tensor, {
          rawData: new Uint8Array(),
          dataLocation: 1,
          externalData: makeEntries({ location: "net.onnx_data" }),
        }),
  );
  return encodeModel(changed(model, { graph: changed(graph, { initializer }) }));
}

const text = (content: string) => new TextEncoder().encode(content);

test("each cause of a model that does not open has its own sentence and remedy", async () => {
  await start();
  const named = (name: string, content: Uint8Array) => ({ name, type: "", bytes: content });
  const cases: readonly [readonly ReturnType<typeof named>[], ...RegExp[]][] = [
    [[named("net.onnx", withoutWeights())], /The model's weights are missing/, /both together/, /net\.onnx_data/],
    [
      [named("net.onnx", gap()), named("labels.txt", text("a\nb\nc\nd\ne\nf\ng"))],
      /The labels do not fit the model/,
      /7 names for a model of 5/,
    ],
    [[named("net.onnx", gap()), named("labels.txt", text("\n"))], /The labels cannot be read/, /one name per line/],
    [[named("net.onnx", text("<!doctype html><html>"))], /A web page came/, /download link/],
    [
      [named("net.onnx", text("version https://git-lfs.github.com/spec/v1\n"))],
      /not the file|not the model/,
      /git lfs pull/,
    ],
    [[named("net.onnx", text("this is nothing of the kind"))], /not an ONNX file/, /Export/],
    [
      [
        named(
          "net.onnx",
          gap({ after: [changed(node("Frobnicate", "logits", "odd"), { domain: "com.example" })], outputs: ["odd"] }),
        ),
      ],
      /operator that this browser's engine lacks/,
      /Details names it/,
    ],
  ];
  for (const [files, ...words] of cases) {
    await drop(page, ...files);
    await expectNotice(...words);
    await page.keyboard.press("Escape");
  }
  expect(await page.locator(".foot").innerText()).toContain("efficientnet-lite0");
});
