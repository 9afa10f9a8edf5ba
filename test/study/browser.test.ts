/** @file All three studies from the dataset to the report, taken by two or three people at once in a real Chromium. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { methods } from "../../src/methods/index.ts";
import { analyse } from "../../src/study/analysis.ts";
import { peopleOf } from "../../src/study/answers.ts";
import { reportPage } from "../../src/study/pages/report.ts";
import { simulate } from "../../src/study/simulate.ts";
import { Store } from "../../src/study/store.ts";
import { itemsOf, type KindName } from "../../src/study/study.ts";
import { launch } from "../chromium.ts";
import { folder, within } from "../cli/run.ts";
import { datasetFor, madeUp, written } from "./fixtures.ts";
import { Client, serveCommand } from "./serving.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const wide = { width: 1280, height: 860 };
const phone = { width: 360, height: 740 };

/** A page of somebody's own browser, in which nothing may go wrong unseen. */
async function visit(
  url: string,
  viewport = wide,
  javaScriptEnabled = true,
): Promise<{ page: Page; wrongs: string[] }> {
  const context = await browser.newContext({ viewport, javaScriptEnabled });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrongs: string[] = [];
  page.on("pageerror", (error) => wrongs.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrongs.push(message.text());
  });
  await page.goto(url);
  return { page, wrongs };
}

async function consent(page: Page): Promise<void> {
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("link", { name: "Start practice" }).click();
}

/** What a person who reads presses: what a check asks for, else by the picture's place in the alphabet. */
async function decide(page: Page): Promise<string> {
  const asked = /please press “([^”]*)”/.exec(await page.locator("h1").innerText())?.[1];
  const labels = await page.locator(".answers button").allInnerTexts();
  return asked ?? labels[labels.length - 1];
}

/** Goes through all that is left; returns the completion code. */
async function takePart(page: Page, press: (page: Page, label: string) => Promise<void> = click): Promise<string> {
  for (;;) {
    if (await page.locator("[data-code]").count()) return page.locator("[data-code]").innerText();
    const onward = page.getByRole("link", { name: /^(Continue|Start the questions)$/ });
    const moved = page.waitForEvent("framenavigated");
    if (await onward.count()) await onward.click();
    else {
      await page.locator(".answers button:enabled").first().waitFor();
      await press(page, await decide(page));
    }
    await moved;
    await page.waitForLoadState();
  }
}

const click = (page: Page, label: string) => page.getByRole("button", { name: label, exact: true }).click();

/** Tab to the answers, arrows to the one, Enter. */
async function byKeys(page: Page, label: string): Promise<void> {
  await page.keyboard.press("Tab");
  for (let i = 0; i < 5; i++) {
    if ((await page.locator(":focus").innerText()) === label) break;
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
}

const run = async (cwd: string, ...args: string[]) => {
  const { code, stdout, stderr } = await within(["study", ...args], cwd);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout;
};

/** Who takes part: on a desk by keys, on a phone, and without JavaScript. */
const people = {
  keys: (url: string) => visit(url),
  phone: (url: string) => visit(url, phone),
  plain: (url: string) => visit(url, wide, false),
} as const;

const kinds: readonly [KindName, number, readonly (keyof typeof people)[]][] = [
  ["class-discrimination", 4 * 2 * 5, ["keys", "phone", "plain"]],
  ["trust", 4 * 2, ["keys", "phone"]],
  ["prediction", 4 * 3, ["keys", "plain"]],
];

describe.each(kinds)("%s", (kind, expectedItems, who) => {
  test(`design, ${who.length} people at once, status, export, analyse`, async () => {
    const directory = folder();
    const dataset = await datasetFor(kind, directory, kind === "trust" ? 24 : 8);
    const file = path.join(directory, "a.study");
    const said = await run(
      directory,
      "design",
      ...dataset,
      "--kind",
      kind,
      "--out",
      file,
      "--pictures",
      "4",
      "--ratings",
      String(who.length),
    );
    expect(said).toContain(`${expectedItems} items from 4 images`);
    const { url, child } = await serveCommand(file);
    onTestFinished(() => void child.kill());

    const codes = await Promise.all(
      who.map(async (one) => {
        const { page, wrongs } = await people[one](url);
        await consent(page);
        const code = await takePart(page, one === "keys" ? byKeys : click);
        expect(wrongs).toEqual([]);
        return code;
      }),
    );
    expect(new Set(codes).size).toBe(who.length);

    expect(await run(directory, "status", file)).toContain(
      `participants: ${who.length} counted, 0 failed a check, 0 in progress`,
    );
    await run(directory, "export", file, "--out", "answers");
    const lines = readFileSync(path.join(directory, "answers/answers.csv"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(1 + who.length * 4);
    expect(lines.slice(1).every((line) => line.endsWith(",false"))).toBe(true);
    expect(readFileSync(path.join(directory, "answers/codes.txt"), "utf8")).toBe(
      [...codes]
        .sort()
        .map((c) => `${c}\n`)
        .join(""),
    );
    const analysis = JSON.parse(await run(directory, "analyse", file, "--out", "a.html", "--json"));
    expect(analysis.ratings).toBe(4 * who.length);
    expect(analysis.synthetic).toBe(false);
    await expectScores(
      file,
      lines.slice(1).map((line) => line.split(",")),
    );
    await expectReport(path.join(directory, "a.html"));
  });
});

/** The scores are what the study's own key says of the answers, and each participant was asked about each picture once. */
async function expectScores(file: string, rows: readonly string[][]): Promise<void> {
  const store = await Store.open(file);
  store.close();
  const { study } = store;
  const items = new Map(itemsOf(study, "trial").map((item) => [item.id, item]));
  const asked = new Set<string>();
  for (const [participant, state, id, picture, condition, , answer, score] of rows) {
    const item = items.get(id)!;
    expect([state, picture, condition]).toEqual(["counted", item.picture, item.condition]);
    asked.add(`${participant} ${picture}`);
    if (item.right !== undefined) expect(Number(score)).toBe(Number(answer === item.choices[item.right]));
    // Everybody pressed the last button, "Robot B, clearly": +2 or -2, as the better model stood right or left.
    else expect(["2", "-2"]).toContain(score);
  }
  expect(asked.size).toBe(rows.length);
}

async function expectReport(file: string): Promise<void> {
  for (const viewport of [wide, phone]) {
    const { page, wrongs } = await visit(`file://${file}`, viewport);
    expect(await page.locator(".chart .row").count()).toBeGreaterThan(1);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width);
    if (viewport === wide) {
      const hidden = '[...document.querySelectorAll(".scroll")].map((of) => of.scrollWidth - of.clientWidth)';
      expect(new Set((await page.evaluate(hidden)) as number[])).toEqual(new Set([0]));
      await expectAccessible(page, "report");
    }
    expect(wrongs).toEqual([]);
  }
}

test("a report with every method, long names and the paper's figures fits 1280 px and a phone", async () => {
  const directory = folder();
  const long = "a-rather-long-name-without-any-break-that-somebody-gave-it-in-2026-final-v2".repeat(2);
  for (const kind of ["trust", "prediction"] as const) {
    const conditions = methods.map(({ name }) => name);
    const made = madeUp({ kind, conditions, pictures: 4, trials: 4, ratings: 3 });
    const study = { ...made, dataset: long, models: [{ name: `${long}.onnx`, sha256: "0" }] };
    const file = path.join(directory, `${kind}.study`);
    const from = await Store.open(await written(path.join(directory, `real-${kind}.study`), study));
    const mean = kind === "trust" ? -1.5 : 0.4;
    const effects = Object.fromEntries(conditions.map((condition) => [condition, mean]));
    await simulate(from, { effects, people: 0.5, items: 0.5, careless: 0.1, seed: 1, out: file });
    from.close();
    const store = await Store.read(file);
    const page = path.join(directory, `${kind}.html`);
    writeFileSync(page, reportPage(study, analyse(study, "synthetic", peopleOf(store))));
    store.close();
    await expectReport(page);
  }
});

test("who comes when all places are taken reads when to come back, by their own clock", async () => {
  const file = await written(path.join(folder(), "a.study"), madeUp({ ratings: 1, pictures: 1, trials: 1 }));
  const { url, child } = await serveCommand(file);
  onTestFinished(() => void child.kill());
  for (let n = 0; n < 2; n++) await new Client(url).begin();
  const { page } = await visit(url, phone);
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("heading", { name: "All places are taken for now" }).waitFor();
  const clock = page.locator("time");
  await expect.poll(() => clock.innerText()).not.toContain("UTC");
  const told = await page.evaluate(
    'new Date(document.querySelector("time").dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })',
  );
  expect(await clock.innerText()).toBe(told);
  await expectAccessible(page, "later");
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(phone.width);
});

async function expectAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  expect(violations.map(({ id, nodes }) => `${what}: ${id} ${nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
}

test("a closed tab, a double click, every page on a phone and in the dark, and nothing for axe-core to say", async () => {
  const directory = folder();
  const dataset = await datasetFor("prediction", directory, 8);
  const file = path.join(directory, "a.study");
  await run(directory, "design", ...dataset, "--kind", "prediction", "--out", file, "--pictures", "4");
  const { url, child } = await serveCommand(file);
  onTestFinished(() => void child.kill());
  const { page, wrongs } = await visit(url, phone);
  const look = async (what: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page, `${what} ${colorScheme}`);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth"), what).toBe(phone.width);
  };
  await look("consent");
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Begin" }).click();
  await look("instructions");
  await page.getByRole("link", { name: "Start practice" }).click();
  await page.locator(".answers button:enabled").first().waitFor();
  await look("question");
  await page.locator(".answers button").first().dblclick();
  await page.locator(".verdict").waitFor();
  await look("feedback");
  const progress = () => page.locator(".progress").innerText();
  const at = await progress();
  const { origin } = new URL(url);
  const context = page.context();
  await page.close();
  const again = await context.newPage();
  await again.goto(origin);
  expect(await again.locator(".progress").innerText()).toBe(at.replace("Practice 1", "Practice 2"));
  await again.goto(`${origin}/leave`);
  await expectAccessible(again, "leave");
  await again.goto(`${origin}/next`);
  expect(await takePart(again)).toMatch(/^[0-9A-Z]{10}$/);
  await expectAccessible(again, "done");
  expect(wrongs).toEqual([]);
});
