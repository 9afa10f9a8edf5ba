/** @file What the studio saves is what it shows: the brush's work, the box, the labels; and what it says of two maps is so. */
import { createHash } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { undo } from "../../src/image/geometry.ts";
import { decode } from "../../src/image/sharp.ts";
import { type LoadedClassifier, load } from "../../src/node.ts";
import { gap } from "../nets.ts";
import { build, download, drop, dropPhoto, launch, openPage, photo, serve, settled } from "./browser.ts";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;
let node: LoadedClassifier;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  build();
  [browser, served, node] = await Promise.all([launch(), serve(), load()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  ({ page, wrongs } = await openPage(context, served.url));
  await dropPhoto(page);
  await settled(page);
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
  await node?.release();
});

const tab = (name: string) => page.getByRole("tab", { name, exact: true }).click();
const record = async () => {
  const { name, bytes } = await download(page, "Record");
  return { name, record: JSON.parse(Buffer.from(bytes).toString()) };
};

/** Across the cup, in shares of the network's field. */
async function stroke(): Promise<void> {
  const field = (await page.locator(".brush").boundingBox())!;
  await page.mouse.move(field.x + field.width * 0.6, field.y + field.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(field.x + field.width * 0.9, field.y + field.height * 0.4, { steps: 6 });
  await page.mouse.up();
  await settled(page);
}

/** Values by run lengths: "0x120 1x14". */
const unrolled = (runs: string): Uint8Array =>
  Uint8Array.from(
    runs.split(" ").flatMap((run) => {
      const [value, count] = run.split("x").map(Number);
      return new Array<number>(count).fill(value);
    }),
  );

test("the box that is shown is the one in record, overlay and figure, with its threshold", async () => {
  const before = (await download(page, "Overlay")).bytes;
  expect((await record()).record.explanations[0].threshold).toBe(0.15);
  await page.getByRole("checkbox", { name: /^Box/ }).check();
  await page.getByRole("slider", { name: "Threshold" }).fill("0.5");
  const shares = (await page.locator(".strongest").getAttribute("data-box"))!.split(" ").map(Number);
  const [{ box, threshold }] = (await record()).record.explanations;
  expect(threshold).toBe(0.5);
  const { left, top, input, scaleX, scaleY } = (await node.explain(photo)).geometry;
  const inPicture = shares.map((share, i) =>
    i % 2 ? top + share * input.height * scaleY : left + share * input.width * scaleX,
  );
  for (const [i, edge] of inPicture.entries()) expect(Math.abs(edge - box[i])).toBeLessThan(4);

  const overlay = await download(page, "Overlay");
  expect(overlay.name).toBe("cat-and-cup.grad-cam.967.box-50.png");
  const [plain, boxed] = await Promise.all([before, overlay.bytes].map((png) => decode(png)));
  let [x0, y0, x1, y1] = [plain.width, plain.height, 0, 0];
  for (let i = 0; i < plain.data.length; i++) {
    if (plain.data[i] === boxed.data[i]) continue;
    const [x, y] = [Math.floor(i / 3) % plain.width, Math.floor(i / 3 / plain.width)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
  }
  for (const [i, edge] of [x0, y0, x1, y1].entries()) expect(Math.abs(edge - box[i])).toBeLessThan(4);
  const svg = Buffer.from((await download(page, "SVG")).bytes).toString();
  expect(svg).toMatch(/<title>[^<]*box at 50 % of the maximum/);
  await page.getByRole("slider", { name: "Threshold" }).fill("0.15");
  await page.getByRole("checkbox", { name: /^Box/ }).uncheck();
});

test("of a brushed picture all six exports are of the brushed picture, and say so", async () => {
  const plain = await decode((await download(page, "Overlay")).bytes);
  const figure = await decode((await download(page, "Figure")).bytes);
  await tab("Test");
  await stroke();
  await tab("Explain");
  await settled(page);
  const { name, record: told } = await record();
  expect(name).toBe("cat-and-cup.edited.grad-cam.967.json");
  const { sha256, mask, width, height, erased, of } = told.edited;
  const values = unrolled(mask);
  expect(values.length).toBe(width * height);
  expect(sha256).toBe(createHash("sha256").update(values).digest("hex"));
  expect(of).toContain("the mask");
  const count = values.reduce((sum, v) => sum + v, 0);
  expect(count / values.length).toBeCloseTo(erased, 6);
  expect(count).toBeGreaterThan(1000);
  expect(told.explanations[0].overlay).toBe("cat-and-cup.edited.grad-cam.967.png");
  expect(told.explanations[0].map.file).toBe("cat-and-cup.edited.grad-cam.967.npy");
  expect((await download(page, "Map")).name).toBe("cat-and-cup.edited.grad-cam.967.npy");

  // Where the brush was, the picture's detail is gone: under the map's smooth colours little varies from pixel to pixel.
  const overlay = await download(page, "Overlay");
  expect(overlay.name).toBe("cat-and-cup.edited.grad-cam.967.png");
  const brushed = await decode(overlay.bytes);
  const { geometry } = await node.explain(photo);
  const where = undo(Float32Array.from(values), [height, width], geometry).data;
  const roughness = ({ data, width: across }: typeof brushed) => {
    let [sum, pixels] = [0, 0];
    for (let p = 0; p + 1 < where.length; p++)
      if (where[p] === 1 && where[p + 1] === 1 && (p + 1) % across) {
        sum += Math.abs(data[p * 3] - data[p * 3 + 3]);
        pixels++;
      }
    return sum / pixels;
  };
  expect(roughness(brushed)).toBeLessThan(0.5 * roughness(plain));

  for (const [button, file] of [
    ["Figure", "cat-and-cup.edited.grad-cam.967.figure.png"],
    ["Panel", "cat-and-cup.edited.grad-cam.panel.png"],
    ["SVG", "cat-and-cup.edited.grad-cam.967.figure.svg"],
  ] as const) {
    const saved = await download(page, button);
    expect(saved.name).toBe(file);
    if (button === "SVG") {
      const title = /<title>([^<]*)/.exec(Buffer.from(saved.bytes).toString())![1];
      expect(title).toContain("edited by the brush");
      expect(title).toContain(sha256.slice(0, 12));
    }
    if (button !== "Figure") continue;
    const got = await decode(saved.bytes);
    // The left half shows the picture itself, and that is another one now.
    let differing = 0;
    for (let y = 0; y < Math.min(got.height, figure.height); y++)
      for (let x = 330; x < 880; x++) {
        const [a, b] = [(y * got.width + x) * 3, (y * figure.width + x) * 3];
        differing += Number(Math.abs(got.data[a] - figure.data[b]) > 20);
      }
    expect(differing).toBeGreaterThan(5000);
  }

  // Painted back, it is the picture that was given, and nothing is said of an edit.
  await tab("Test");
  await page.getByRole("button", { name: "Start over" }).click();
  await tab("Explain");
  await settled(page);
  expect((await record()).name).toBe("cat-and-cup.grad-cam.967.json");
  expect((await record()).record.edited).toBeUndefined();
});

test("labels that are too few are said to be, and are not baked into the model that explains itself", async () => {
  await drop(
    page,
    { name: "net.onnx", type: "", bytes: gap() },
    { name: "labels.txt", type: "text/plain", bytes: new TextEncoder().encode("zebrafinch\nwaxwing") },
  );
  const few = page.locator(".sheet .warning").filter({ hasText: "Too few labels" });
  await few.waitFor();
  expect(await few.innerText()).toMatch(/2 names for a model of \d+ classes/);
  const { bytes } = await download(page, "Download the model that explains itself");
  expect(Buffer.from(bytes).toString("latin1")).not.toContain("zebrafinch");
  expect(await page.locator(".notice").innerText()).toMatch(/labels were left out/);

  // So is a method that no graph can hold.
  await page.keyboard.press("Escape");
  await tab("Explain");
  await page.getByRole("combobox", { name: "Method" }).selectOption("occlusion");
  await tab("Model");
  await download(page, "Download the model that explains itself");
  await expect.poll(() => page.locator(".notice").innerText()).toMatch(/explains by grad-cam: occlusion is no part/);
  expect(wrongs).toEqual([]);
});
