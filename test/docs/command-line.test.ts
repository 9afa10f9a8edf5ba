/** @file docs/command-line.md names every option, and what it prints is what the commands print. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { within } from "../cli/run.ts";
import { blockLike, read, root } from "./markdown.ts";

const document = read("docs/command-line.md");
const out = mkdtempSync(path.join(tmpdir(), "gradcam-docs-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const gradcam = async (...args: string[]) => {
  const { code, stdout, stderr } = await within(args, root);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
};
const photo = "examples/images/cat-and-cup.jpg";

const studies = ["design", "serve", "status", "export", "analyse", "simulate"].map((name) => `study ${name}`);
const all = [...(await gradcam("--help")).matchAll(/^ {2}([a-z]+)\b.* {2}/gm)].map(([, name]) => name);
const commands = [...all.filter((name) => name !== "help" && name !== "study"), ...studies];
const helps = new Map<string, string>();
for (const command of commands) helps.set(command, await gradcam(...command.split(" "), "--help"));

test("every command has its place", () => {
  expect(all).toContain("evaluate");
  expect(all.filter((name) => name !== "help" && !document.includes(`\n## \`gradcam ${name}\``))).toEqual([]);
});

test.each([...helps])("every option of %s is described", (_, help) => {
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option);
  expect(options.length).toBeGreaterThan(1);
  expect(
    options.filter((option) => !document.includes(`\`${option}`)),
    "describe these in docs/command-line.md",
  ).toEqual([]);
});

test("every option described is there, in help or as another spelling", () => {
  const help = [...helps.values()].join("\n");
  const described = new Set([...document.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option));
  expect(
    [...described].filter((option) => !help.includes(option) && !["--methods", "--metrics"].includes(option)),
    "docs/command-line.md describes these",
  ).toEqual([]);
});

test("the table is what is printed", async () => {
  const table = await gradcam("explain", photo, "--class", "espresso", "--class", "Egyptian cat", "--out", out);
  const shown = blockLike(table.replaceAll(out, "gradcam-out"), "docs/command-line.md");
  expect(shown, `bring the table in docs/command-line.md up to date:\n${table}`).toBeDefined();
});

test("the scene is what is printed", async () => {
  const told = await gradcam("scenes", "5", "--out", out);
  expect(document).toContain(told.replace(`${out}${path.sep}`, ""));
});

test("a detector's table is what is printed", async () => {
  await gradcam("scenes", "17", "--out", out);
  const scene = path.join(out, "scene-17.png");
  const table = await gradcam("explain", scene, "--model", "models/scenes-detector", "--out", path.join(out, "boxes"));
  const shown = blockLike(
    table.replaceAll(scene, "scene-17.png").replaceAll(path.join(out, "boxes"), "gradcam-out"),
    "docs/detection.md",
  );
  expect(shown, `bring the table in docs/detection.md up to date:\n${table}`).toBeDefined();
});

test("the JSON is what is printed", async () => {
  const [, shown] = document.match(/^```json\n(.*?)^```/ms) ?? [];
  const [said, is] = [JSON.parse(shown), JSON.parse(await gradcam("explain", photo, "--json", "--out", out))];
  expect(rounded(said), "bring the example in docs/command-line.md up to date").toEqual(rounded(is));
});

/** Machines differ in the last digits of float32. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, v) => (typeof v === "number" ? Number(v.toFixed(3)) : v));
}
