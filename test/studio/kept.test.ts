/** @file What a person gave to the studio, or chose in it, is kept: before the model is there, beside other files, over a lost engine, and by the browser's history. */
import { readFileSync } from "node:fs";
import path from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { download, drop, dropPhoto, openPage, root, settled } from "./browser.ts";
import { visiting } from "./visit.ts";

const visit = visiting();
let page: Page;

vi.setConfig({ testTimeout: 120_000 });

const example = (name: string) => path.join(root, `studio/public/examples/${name}.jpg`);
const jpeg = (name: string, file: string) => ({ name, type: "image/jpeg", bytes: readFileSync(example(file)) });
const sentence = () => page.locator(".sentence h1").innerText();
const label = () => page.locator("canvas.picture").getAttribute("aria-label");
const start = async () => {
  ({ page } = await openPage(visit.context, visit.served.url));
};
const tab = (name: string) => page.getByRole("tab", { name, exact: true });

/** The page while the model is held back; `release` lets it go. */
async function withoutModel(): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await visit.context.route("**/model.onnx", async (route) => {
    await held;
    await route.continue();
  });
  page = await visit.context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(visit.served.url);
  await page.getByRole("button", { name: "A cat", exact: true }).waitFor();
  return release;
}

test("a picture that is given before the model is there waits on the stage, the last one, and is explained", async () => {
  const release = await withoutModel();
  const bytes = [...readFileSync(example("cat-and-cup"))];
  const ways: readonly [RegExp, () => Promise<unknown>][] = [
    [/^cat,|^cat$/, () => page.getByRole("button", { name: "A cat", exact: true }).click()],
    [/^rocket/, () => page.getByLabel("Picture", { exact: true }).setInputFiles(example("rocket"))],
    [/^mine\.jpg/, () => drop(page, jpeg("mine.jpg", "cat"))],
    [
      /^image\.png/,
      () =>
        page.evaluate((content) => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([Uint8Array.from(content)], "image.png", { type: "image/jpeg" }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }, bytes),
    ],
  ];
  for (const [name, give] of ways) {
    await give();
    await page.locator("canvas.picture").waitFor();
    await expect.poll(label).toMatch(name);
  }
  await page.locator(".working").waitFor();
  expect(await page.locator(".sentence").innerText()).toMatch(/explained as soon as/);
  expect(await page.getByRole("button", { name: "Record" }).isDisabled()).toBe(true);
  expect(await page.locator(".notice").count()).toBe(0);
  await drop(page, jpeg("first.jpg", "rocket"));
  await drop(page, jpeg("last.jpg", "cat-and-cup"));
  release();
  await settled(page);
  expect(await label()).toMatch(/^last\.jpg/);
  expect(await sentence()).toBe("Why espresso?");
});

test("several files: each is shown by arrow keys or pointer, and none is dropped without a word", async () => {
  await start();
  await drop(
    page,
    jpeg("a.jpg", "cat-and-cup"),
    { name: "notes.csv", type: "text/csv", bytes: new TextEncoder().encode("a,b") },
    jpeg("b.jpg", "cat"),
    { name: "broken.png", type: "image/png", bytes: new TextEncoder().encode("no picture") },
    jpeg("c.jpg", "rocket"),
  );
  await settled(page);
  expect(await label()).toMatch(/^a\.jpg/);
  expect(await page.locator(".notice").innerText()).toMatch(/1 file is no picture: notes\.csv/);
  const roll = page.getByRole("toolbar", { name: /^Pictures/ });
  expect(await roll.getByRole("button").count()).toBe(4);
  await roll.getByRole("button", { name: "a.jpg" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect.poll(label).toMatch(/^b\.jpg/);
  await page.keyboard.press("ArrowRight"); // the broken one says so, and can be left
  await expect.poll(() => page.locator(".notice").innerText()).toMatch(/cannot be read/);
  await page.keyboard.press("ArrowRight");
  await expect.poll(label).toMatch(/^c\.jpg/);
  await page.keyboard.press("Home");
  await expect.poll(label).toMatch(/^a\.jpg/);
  await roll.getByRole("button", { name: "c.jpg" }).click();
  await expect.poll(label).toMatch(/^c\.jpg/);
  expect(await page.locator(".roll .hint").innerText()).toMatch(/4 of 4 pictures: c\.jpg.*gradcam explain DIR/);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id} ${nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
  // One by itself takes the place of all.
  await dropPhoto(page);
  await expect.poll(label).toMatch(/^cat-and-cup/);
  expect(await roll.count()).toBe(0);

  // A model and a picture together: the model is opened, and shown the picture.
  const { gap } = await import("../nets.ts");
  await drop(page, { name: "net.onnx", type: "", bytes: gap() }, jpeg("mine.jpg", "cat"));
  await expect.poll(label).toMatch(/^mine\.jpg/);
  await settled(page);
  expect(await page.locator(".foot").innerText()).toContain("net");
});

test("an engine that dies gives back class, method, layer, view, strokes and the model that was opened", async () => {
  await start();
  await dropPhoto(page);
  await settled(page);
  await page.getByRole("option", { name: /^Egyptian cat/ }).click();
  await page.getByRole("combobox", { name: "Method" }).selectOption("hires-cam");
  await tab("Test").click();
  const field = (await page.locator(".brush").boundingBox())!;
  await page.mouse.move(field.x + field.width * 0.6, field.y + field.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(field.x + field.width * 0.8, field.y + field.height * 0.4, { steps: 4 });
  await page.mouse.up();
  await settled(page);
  const numbers = () => page.locator(".scores .number").allInnerTexts();
  const before = await numbers();
  const ofNetwork = () => page.workers().find((worker) => /\/worker-/.test(worker.url()))!;
  await ofNetwork()
    .evaluate(() => self.close())
    .catch(() => undefined);
  const notice = page.locator(".notice");
  await notice.waitFor();
  expect(await notice.innerText()).toMatch(/Nothing you chose is lost/);
  await page.locator(".working").waitFor({ state: "detached" });
  await settled(page);
  expect(await sentence()).toBe("Why Egyptian cat?");
  expect(await tab("Test").getAttribute("aria-selected")).toBe("true");
  expect(await page.getByRole("button", { name: "Start over" }).isEnabled()).toBe(true);
  expect(await numbers()).toEqual(before);
  await tab("Explain").click();
  expect(await page.getByRole("combobox", { name: "Method" }).inputValue()).toBe("hires-cam");
  const saved = JSON.parse(Buffer.from((await download(page, "Record")).bytes).toString());
  expect(saved.edited.erased).toBeGreaterThan(0);
  expect(saved.explanations[0].class).toBe(285);

  // A second time, with a model of one's own, and a picture given while there is no engine.
  const { gap } = await import("../nets.ts");
  await drop(page, { name: "net.onnx", type: "", bytes: gap() });
  await expect.poll(() => page.locator(".foot").innerText()).toContain("net");
  await tab("Explain").click();
  await settled(page);
  await ofNetwork()
    .evaluate(() => self.close())
    .catch(() => undefined);
  await drop(page, jpeg("late.jpg", "rocket"));
  await expect.poll(label).toMatch(/^late\.jpg/);
  await settled(page);
  expect(await page.locator(".foot").innerText()).toContain("net");
});

test("Back and Forward go over views, pictures and classes; an address that is pasted is followed", async () => {
  await start();
  const best = "Why espresso?";
  await dropPhoto(page); // its own, which no address can hold
  await settled(page);
  await expect.poll(() => page.evaluate(() => history.length)).toBe(3); // with the blank page
  await page.getByRole("option", { name: /^Egyptian cat/ }).click();
  await settled(page);
  await expect.poll(() => page.url()).toMatch(/class=285/);
  await page.mouse.move(2, 2);
  await tab("Test").click();
  await expect.poll(() => page.url()).toMatch(/view=test/);
  await tab("Explain").click();
  await page.waitForTimeout(250); // addresses are written when the state has rested
  await drop(page, jpeg("other.jpg", "rocket"));
  await expect.poll(label).toMatch(/^other\.jpg/);
  await page.waitForTimeout(250);

  await page.goBack();
  await expect.poll(label).toMatch(/^cat-and-cup/);
  await settled(page);
  expect(await sentence()).toBe("Why Egyptian cat?");
  await page.goBack();
  await expect.poll(() => tab("Test").getAttribute("aria-selected")).toBe("true");
  await page.goBack();
  await expect.poll(() => tab("Explain").getAttribute("aria-selected")).toBe("true");
  expect(await sentence()).toBe("Why Egyptian cat?");
  await page.goBack();
  await expect.poll(sentence).toBe(best);
  await page.goBack();
  await page.getByRole("heading", { name: "Ask a network why." }).waitFor();
  for (const [at, check] of [
    [best, sentence],
    ["Why Egyptian cat?", sentence],
  ] as const) {
    await page.goForward();
    await expect.poll(check).toBe(at);
  }
  for (let i = 0; i < 3; i++) await page.goForward();
  await expect.poll(label).toMatch(/^other\.jpg/);

  // An address that is pasted into the running page is followed, and reloading keeps what it holds.
  await dropPhoto(page);
  await expect.poll(label).toMatch(/^cat-and-cup/);
  await settled(page);
  await page.evaluate(() => {
    location.hash = "#class=285&method=hires-cam&box=&threshold=0.5&colours=jet";
  });
  await settled(page);
  await expect.poll(sentence).toBe("Why Egyptian cat?");
  expect(await page.getByRole("combobox", { name: "Method" }).inputValue()).toBe("hires-cam");
  expect(await page.locator(".strongest").count()).toBe(1);
  await page.evaluate(() => {
    location.hash = "#example=rocket&layer=nonsense&rival=99999&stance=versus";
  });
  await expect.poll(label).toMatch(/^rocket/);
  await settled(page);
  expect(await page.getByRole("combobox", { name: "Method" }).inputValue()).toBe("grad-cam");
  expect(await page.locator(".notice").count()).toBe(0);
  await page.evaluate(() => {
    location.hash = "#view=test&example=rocket&class=285";
  });
  await expect.poll(sentence).toBe("Why Egyptian cat?");
  await page.reload();
  await settled(page);
  expect(await sentence()).toBe("Why Egyptian cat?");
  expect(await label()).toMatch(/^rocket/);
  expect(await tab("Test").getAttribute("aria-selected")).toBe("true");
});
