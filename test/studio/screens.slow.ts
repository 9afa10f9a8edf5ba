/**
 * @file Every view as a picture, at three widths, light and dark, in out/studio: to be looked at. With PICTURES=docs those of the documents
 * are made anew.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build, launch, root, serve, serving, settled } from "./browser.ts";

const out = path.join(root, "out/studio");
let browser: Browser;
let served: Awaited<ReturnType<typeof serve>>;
let service: Awaited<ReturnType<typeof serving>>;

beforeAll(async () => {
  build();
  mkdirSync(out, { recursive: true });
  [browser, served] = await Promise.all([launch(), serve()]);
  service = await serving("--cors", new URL(served.url).origin);
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
  service?.stop();
});

type Screen = readonly [name: string, hash: string, act: (page: Page) => Promise<void>];

const screens: readonly Screen[] = [
  ["welcome", "", async () => {}],
  ["explain", "example=cat-and-cup&box=", settled],
  [
    "layers",
    "example=cat-and-cup&class=285&rival=967&stance=versus&colours=viridis",
    async (page) => {
      await settled(page);
      await page.getByRole("button", { name: "All layers" }).click();
      await page.locator(".strip canvas").last().waitFor();
    },
  ],
  [
    "lens",
    "example=cat&lens=",
    async (page) => {
      await settled(page);
      await page.locator("canvas.fine").waitFor();
    },
  ],
  [
    "test",
    "example=cat-and-cup&view=test",
    async (page) => {
      await settled(page);
      const field = (await page.locator(".brush").boundingBox())!;
      const at = (x: number, y: number) => [field.x + field.width * x, field.y + field.height * y] as const;
      await page.mouse.move(...at(0.62, 0.5));
      await page.mouse.down();
      await page.mouse.move(...at(0.85, 0.2), { steps: 6 });
      await page.mouse.up();
      await page.locator(".scores .before").first().waitFor();
      await settled(page);
      const occlusion = page.getByRole("region", { name: "Occlusion" });
      await occlusion.getByRole("button").click();
      await occlusion.locator("[data-correlation]").waitFor();
      const sanity = page.getByRole("region", { name: "Sanity check" });
      await sanity.getByRole("button").click();
      await sanity.locator(".stages").waitFor();
    },
  ],
  [
    "caption",
    "view=caption",
    async (page) => {
      await page.locator(".hero[data-settled=true]").waitFor();
      await page.getByRole("radio", { name: /^circle, / }).click();
      await page.locator(".handle").nth(1).focus();
    },
  ],
  [
    "captioner",
    "example=cat-and-cup&view=caption",
    async (page) => {
      await page.locator(".hero[data-settled=true]").waitFor();
      await page.getByLabel("Captioner's directory").setInputFiles(path.join(root, "test/language/models/cnn-lstm"));
      await page.getByRole("heading", { name: "cnn-lstm" }).waitFor();
      await page.locator(".hero[data-settled=true]").waitFor();
      await page.getByRole("radio", { name: /^circle, / }).click();
    },
  ],
  [
    "no-picture",
    "view=ask",
    async (page) => {
      await page.locator(".hero[data-settled=true]").waitFor();
      await page.getByLabel("VQA model's directory").setInputFiles(path.join(root, "test/language/models/vilt"));
      await page.getByText("Show it a picture.").waitFor();
    },
  ],
  [
    "ask",
    "view=ask",
    async (page) => {
      await page.locator(".hero[data-settled=true]").waitFor();
    },
  ],
  [
    "model",
    "example=cat-and-cup&view=model",
    async (page) => {
      await page.getByRole("combobox", { name: "Layer" }).selectOption("blocks.14/add");
      await page.getByRole("img", { name: "What the network sees" }).waitFor();
    },
  ],
  [
    "server",
    "example=cat-and-cup&view=model",
    async (page) => {
      await page.getByLabel("Address").fill(service.url);
      await page.getByRole("button", { name: "Connect" }).click();
      await page.getByRole("button", { name: "Send pictures to it" }).waitFor();
    },
  ],
  [
    "served",
    "example=cat-and-cup&view=model",
    async (page) => {
      await page.getByLabel("Address").fill(service.url);
      await page.getByRole("button", { name: "Connect" }).click();
      await page.getByRole("button", { name: "Send pictures to it" }).click();
      await page.locator(".sent").waitFor();
      await page.getByRole("tab", { name: "Explain" }).click();
      await settled(page);
    },
  ],
];

/** Those that docs/studio.md shows. */
const documented = ["explain", "layers", "test", "caption", "model"];

const sizes = [
  [360, 780],
  [1280, 860],
  [2560, 1440],
] as const;

test.each(screens)("%s", async (name, hash, act) => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  page.setDefaultTimeout(250_000);
  await page.goto(`${served.url}#${hash}`);
  await page.locator(".foot").waitFor();
  await act(page);
  await page.locator(".working").waitFor({ state: "detached" });
  for (const [width, height] of sizes)
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.evaluate(() => scrollTo(0, 0));
      await page.mouse.move(2, 2);
      await page.waitForTimeout(400); // transitions
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, `${name} at ${width} scrolls sideways`).toBeLessThanOrEqual(0);
      const file = path.join(out, `${name}.${width}.${colorScheme}.png`);
      await page.screenshot({ path: file, fullPage: width === 360 });
      if (process.env.PICTURES === "docs" && documented.includes(name) && width === 1280 && colorScheme === "light")
        await sharp(file)
          .png({ palette: true, quality: name === "caption" ? 40 : 90 }) // its noise
          .toFile(path.join(root, `docs/pictures/studio-${name}.png`));
    }
  await page.close();
});
