/** @file Caption and Ask as a person uses them, in a real Chromium; words, probabilities and maps are held against Node's. */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import {
  bundledAnswerer,
  bundledCaptioner,
  type LoadedAnswerer,
  type LoadedCaptioner,
  loadAnswerer,
  loadCaptioner,
} from "../../src/node.ts";
import { answerTo, isTrue, paint, type Scene } from "../../src/scenes/index.ts";
import { sceneOf } from "../../studio/src/state/scene.ts";
import { apart, build, download, launch, openPage, serve } from "./browser.ts";

let browser: Browser;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;
let captioner: LoadedCaptioner;
let answerer: LoadedAnswerer;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(async () => {
  build();
  [browser, served, captioner, answerer] = await Promise.all([
    launch(),
    serve(),
    loadCaptioner(bundledCaptioner),
    loadAnswerer(bundledAnswerer),
  ]);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  ({ page, wrongs } = await openPage(context, served.url));
});

afterAll(async () => {
  await browser?.close();
  served?.stop();
  await captioner?.release();
  await answerer?.release();
});

const settled = () => page.locator(".hero[data-settled=true]").waitFor();
const objects = () => page.getByRole("group", { name: /^Objects/ }).getByRole("button");

/** The scene as the address has it, once that has caught up. */
async function sceneShown(): Promise<Scene> {
  await settled();
  await page.waitForTimeout(200); // the address is written when the scene has rested
  const scene = sceneOf(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("scene") ?? "");
  if (!scene) throw new Error(`no scene in ${page.url()}`);
  return scene;
}

async function savedMap() {
  return decodeNpy((await download(page, "Map")).bytes);
}

/** Caption, probabilities and one word's map are Node's. */
async function expectCaptionOfNode(word: number): Promise<string> {
  const scene = await sceneShown();
  const { caption, explanations } = await captioner.explain(paint(scene, 96).picture);
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(caption.text);
  const words = page.getByRole("radiogroup", { name: "Words of the caption" }).getByRole("radio");
  await words.nth(word).click();
  const [got, want] = [await savedMap(), explanations[word]];
  expect(got.shape).toEqual(want.map.dims);
  expect(apart(got.data, want.map.data)).toBeLessThan(1e-3);
  expect(await page.locator("[data-true]").getAttribute("data-true")).toBe(String(isTrue(scene, caption.text)));
  return caption.text;
}

/** The best answers are Node's, and the best one's map. */
async function expectAnswerOfNode(question: string): Promise<string> {
  const scene = await sceneShown();
  const { predictions, explanations } = await answerer.ask(paint(scene, 96).picture, question);
  const rows = page.getByRole("radiogroup", { name: "Top answers" }).getByRole("radio");
  expect(await rows.locator(".label").allInnerTexts()).toEqual(predictions.map(({ label }) => label));
  const got = await savedMap();
  expect(got.shape).toEqual(explanations[0].map.dims);
  expect(apart(got.data, explanations[0].map.data)).toBeLessThan(1e-3);
  const truth = answerTo(scene, question);
  expect(await page.locator("[data-true]").getAttribute("data-true")).toBe(String(truth === predictions[0].label));
  return predictions[0].label;
}

test("a caption, each word of which has its map, by pointer and by keys", async () => {
  await page.getByRole("tab", { name: "Caption" }).click();
  const text = await expectCaptionOfNode(4);
  const lit = page.locator(".words .lit");
  await page.getByRole("radio", { name: /^The whole caption/ }).hover();
  await expect.poll(() => lit.innerText()).toBe("all of it");
  await page.mouse.move(2, 400);
  await expect.poll(() => lit.innerText()).toBe(text.split(" ")[3]);
  await page.locator(".words [aria-checked=true]").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("radio", { checked: true, name: new RegExp(`^${text.split(" ")[1]}, `) }).waitFor();
  const { explanations } = await captioner.explain(paint(await sceneShown(), 96).picture);
  expect(apart((await savedMap()).data, explanations[2].map.data)).toBeLessThan(1e-3);
});

test("the caption follows an object that is dragged, moved by keys, painted over, removed and added", async () => {
  const before = await sceneShown();
  const box = (await objects().first().boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 40, y + 30, { steps: 3 });
  await page.mouse.up();
  const dragged = await sceneShown();
  expect(dragged.objects[0].x).toBeGreaterThan(before.objects[0].x + 20);
  expect(dragged.objects.slice(1)).toEqual(before.objects.slice(1));

  await objects().first().focus();
  await page.keyboard.press("ArrowLeft");
  const tools = page.getByRole("region", { name: "The scene" });
  await tools.getByRole("radio", { name: "purple" }).check({ force: true });
  await tools.getByRole("combobox", { name: "Shape" }).selectOption("circle");
  const changed = await sceneShown();
  expect(changed.objects[0]).toEqual({
    ...dragged.objects[0],
    x: dragged.objects[0].x - 24,
    colour: "purple",
    shape: "circle",
  });
  await expectCaptionOfNode(0);

  await objects().first().focus();
  await page.keyboard.press("Delete");
  expect((await sceneShown()).objects).toEqual(changed.objects.slice(1));
  await tools.getByRole("button", { name: "Add an object" }).click();
  await tools.getByRole("button", { name: "Add an object" }).click();
  expect((await sceneShown()).objects.length).toBe(4);
  expect(await tools.getByRole("button", { name: "Add an object" }).isDisabled()).toBe(true);
  await expectCaptionOfNode(2);
});

test("questions about the scene: suggested, typed, and refused", async () => {
  await page.getByRole("tab", { name: "Ask" }).click();
  const suggestions = page.getByRole("list", { name: "Questions about this scene" }).getByRole("button");
  await settled();
  await suggestions.nth(1).click();
  await expectAnswerOfNode(await suggestions.nth(1).innerText());

  const input = page.getByRole("textbox", { name: "Question" });
  await input.fill("how many objects are there");
  await input.press("Enter");
  expect(await expectAnswerOfNode("how many objects are there")).toBe("4");
  await objects().first().focus();
  await page.keyboard.press("Delete");
  expect(await expectAnswerOfNode("how many objects are there")).toBe("3");

  await input.fill("is there an elephant?");
  await input.press("Enter");
  const refusal = page.locator("#refusal");
  await expect.poll(() => refusal.innerText()).toMatch(/^unknown words: "an", "elephant\?" in the question; the model/);
  expect(await page.locator("canvas.heat").count()).toBe(0);
  await suggestions.first().click();
  await expect.poll(() => refusal.innerText()).toBe("");
  await settled();
});

test("the address brings scene and question back", async () => {
  await sceneShown();
  const shared = await page.context().newPage();
  await shared.goto(page.url());
  await shared.locator(".hero[data-settled=true]").waitFor({ timeout: 60_000 });
  const both = await Promise.all([page, shared].map((one) => one.locator(".replies").innerText()));
  expect(both[1]).toBe(both[0]);
  await shared.close();
});

test("nothing serious to say for axe-core, light or dark", async () => {
  for (const view of ["Caption", "Ask"])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.getByRole("tab", { name: view }).click();
      await settled();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(
        serious.map(({ id, nodes }) => `${view} ${colorScheme}: ${id} ${nodes.map((n) => n.html).join(" ")}`),
      ).toEqual([]);
    }
  expect(wrongs).toEqual([]);
});
