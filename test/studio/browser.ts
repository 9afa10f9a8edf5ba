/** @file A real Chromium on the studio as it is published: built, and served by its own command. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Download, Page } from "playwright-core";
import { decodeNpy } from "../../src/array/npy.ts";

export { launch } from "../chromium.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const photo = path.join(root, "examples/images/cat-and-cup.jpg");

/** Builds dist/studio where a source is newer; one file of tests at a time, and those that wait find it built. */
export function build(): void {
  const lock = path.join(root, "dist/studio.lock");
  const begun = Date.now();
  for (;;)
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (Date.now() - begun > 90_000) rmSync(lock, { recursive: true, force: true }); // whoever had it is gone
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  try {
    buildWhereOlder();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function buildWhereOlder(): void {
  const built = path.join(root, "dist/studio/sw.js");
  const sources = ["studio", "src", "models"].flatMap((directory) =>
    readdirSync(path.join(root, directory), { recursive: true, encoding: "utf8" }).map((name) =>
      path.join(root, directory, name),
    ),
  );
  const age = (file: string) => statSync(file).mtimeMs;
  if (existsSync(built) && sources.every((file) => age(file) < age(built))) return;
  execFileSync("npm", ["run", "--silent", "build:studio"], {
    cwd: root,
    stdio: "pipe",
    env: { ...process.env, NODE_ENV: "production" }, // vitest's own would make a build for development
  });
}

/** The studio by its command, on a free port. */
export const serve = (...args: string[]) => started("studio", args);

/** The service with the bundled models by its command, on a free port. */
export const serving = (...args: string[]) => started("serve", ["--workers", "1", ...args]);

async function started(command: string, args: readonly string[]): Promise<{ url: string; stop: () => void }> {
  const child: ChildProcess = spawn(process.execPath, ["dist/cli/bin.js", command, "--port", "0", ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    const hear = (part: Buffer) => {
      said += part;
      const found = /http:[^\s"]+/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", () => reject(new Error(`gradcam ${command} ended: ${said}`)));
  });
  return { url, stop: () => child.kill() };
}

/** A page on which anything that goes wrong unseen fails the test. */
export async function openPage(context: BrowserContext, url: string): Promise<{ page: Page; wrongs: string[] }> {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrongs: string[] = [];
  page.on("pageerror", (error) => wrongs.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrongs.push(message.text());
  });
  await page.goto(url);
  await page.locator(".foot").waitFor();
  return { page, wrongs };
}

/** Lets a file go over the page, as a hand does. */
export async function drop(page: Page, ...files: { name: string; type: string; bytes: Uint8Array }[]): Promise<void> {
  const given = files.map(({ name, type, bytes }) => ({ name, type, text: Buffer.from(bytes).toString("base64") }));
  const data = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const { name, type, text } of all) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    return transfer;
  }, given);
  await page.dispatchEvent("body", "dragover", { dataTransfer: data });
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

export const dropPhoto = (page: Page, file = photo) =>
  drop(page, { name: path.basename(file), type: "image/jpeg", bytes: readFileSync(file) });

/** Waits until the map on the stage answers the question as it stands. */
export async function settled(page: Page): Promise<void> {
  await page.locator("canvas.heat").waitFor();
  await page.locator(".hero[data-settled=true]").waitFor();
}

/** What a button of the page hands over. */
export async function download(page: Page, button: string): Promise<{ name: string; bytes: Uint8Array }> {
  const [file]: [Download, unknown] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

export async function downloadMap(page: Page): Promise<{ data: Float32Array; shape: number[] }> {
  await settled(page);
  return decodeNpy((await download(page, "Map")).bytes);
}

/** The largest difference, as a share of the largest magnitude of the second. */
export function apart(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  const scale = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return got.reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i])), 0) / (scale || 1);
}
