/**
 * @file README's words in an empty directory: installed from the packed package, its first command in Node, its page built by Vite and
 * opened in Chromium. And a release: what the workflow does, but publishing.
 */
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { served } from "../../scripts/places/browser.mjs";
import { builtAndOpened } from "../../scripts/places/bundlers.mjs";
import { root, shell } from "../../scripts/places/package.mjs";
import { differences } from "../../scripts/places/verdict.mjs";
import { launch } from "../chromium.ts";

const project = mkdtempSync(path.join(tmpdir(), "gradcam-install-"));
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code);
/** The first command that begins so, without what is said of it. */
const command = (words: string): string => {
  const lines = blocks("sh").flatMap((block) => block.split("\n"));
  const found = lines.find((line) => line.startsWith(words));
  if (!found) throw new Error(`README has no command ${words}`);
  return found.replace(/ +#.*$/, "");
};

beforeAll(async () => {
  const place = path.join(project, "gradcam");
  mkdirSync(place);
  mkdirSync(path.join(project, "yours"));
  await shell(`npm pack --ignore-scripts --pack-destination ${place}`, root);
}, 300_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

const yours = path.join(project, "yours");

test("README's first command, in Node", async () => {
  writeFileSync(path.join(yours, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await shell(command("npm i ../gradcam/gradcam-"), yours);
  copyFileSync(path.join(root, "examples/images/cat-and-cup.jpg"), path.join(yours, "photo.jpg"));
  expect(await shell(command("npx gradcam explain photo.jpg"), yours)).toContain("espresso");
  expect(readdirSync(path.join(yours, "gradcam-out"))).toContain("photo.panel.png");
});

test("README's page, built by Vite", async () => {
  await shell(`npm i -D vite && ${command("npm i onnxruntime-web")}`, yours);
  await shell(command("mkdir -p public/models"), yours);
  const [code] = blocks("js").filter((block) => block.includes("gradcam/web"));
  const page = "<!doctype html><title>?</title><script type=module src=main.js></script>";
  writeFileSync(path.join(yours, "index.html"), page);
  writeFileSync(path.join(yours, "main.js"), code);
  writeFileSync(path.join(yours, "vite.config.js"), 'export default { build: { target: "esnext" } };');
  copyFileSync(path.join(yours, "photo.jpg"), path.join(yours, "public/photo.jpg"));
  await shell("npx vite build", yours);

  const browser = await launch();
  onTestFinished(() => browser.close());
  await served(path.join(yours, "dist"), async (address) => {
    const opened = await browser.newPage();
    const wrongs: string[] = [];
    opened.on("pageerror", (error) => wrongs.push(String(error)));
    await opened.goto(address);
    await expect.poll(async () => [await opened.title(), ...wrongs], { timeout: 60_000 }).toEqual(["espresso"]);
  });
});

describe("a page and its worker find the same figures, built by", () => {
  beforeAll(() => shell("npm i -D webpack webpack-cli esbuild", yours), 120_000);

  test.each(["vite", "webpack", "esbuild"])("%s", async (builder) => {
    const { withoutSource, ...found } = await builtAndOpened(yours, builder);
    expect(differences(found)).toEqual([]);
    expect(withoutSource).toMatch(/^missing model: gradcam\/models\/.* is not served: .* give its address$/);
  });
});

test("what the release does, but publishing", async () => {
  const said = await shell("node scripts/release.mjs --dry-run", root, { GITHUB_REF_NAME: "v9.9.9" });
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect(said).toContain(`before a release: the tag is v9.9.9, the package's version ${version}`);
  expect(said).toMatch(new RegExp(`gradcam ${version} would be published\\n$`));
  const fork = await shell("node scripts/release.mjs --dry-run", root, { GITHUB_REPOSITORY: "someone/else" });
  expect(fork).toContain("package.json names the repository");
});

test("the workflow publishes tags, with provenance, by that command", () => {
  const workflow = parse(readFileSync(path.join(root, ".github/workflows/release.yml"), "utf8"));
  expect(workflow.on.push).toEqual({ tags: ["v*"] });
  expect(workflow.permissions["id-token"]).toBe("write");
  const steps: { readonly run?: string }[] = workflow.jobs.npm.steps;
  expect(steps.flatMap(({ run }) => run ?? [])).toEqual(["npm test", "npm run release"]);
});

test("npm version writes the new version where it is named, and README says npm i gradcam", async () => {
  const copy = path.join(project, "copy");
  for (const folder of ["scripts", "src/node"]) mkdirSync(path.join(copy, folder), { recursive: true });
  for (const file of [
    "package.json",
    "package-lock.json",
    "CHANGELOG.md",
    "CITATION.cff",
    "README.md",
    "scripts/release.mjs",
    "src/node/version.ts",
  ])
    cpSync(path.join(root, file), path.join(copy, file));
  const git = "git -c user.name=a -c user.email=a@b.c";
  await shell(`git init -q && git add -A && ${git} commit -qm start`, copy);
  const author = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b.c",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b.c",
  };
  const now = (file: string) => readFileSync(path.join(copy, file), "utf8");
  const before = now("CHANGELOG.md");
  // The version that the change log has already, then one with changes of its own.
  await shell(`npm version ${JSON.parse(now("package.json")).version} --allow-same-version`, copy, author);
  expect(now("CHANGELOG.md")).toBe(before);
  writeFileSync(path.join(copy, "CHANGELOG.md"), before.replace("\n## ", "\n## Unreleased\n\n- A change.\n\n## "));
  await shell(`git add -A && ${git} commit -qm change && npm version 0.7.0`, copy, author);
  expect(now("README.md")).toContain("\n```sh\nnpm i gradcam\n```\n");
  expect(now("README.md")).not.toMatch(/not on npm|first release|-->\n```/);
  expect(now("CHANGELOG.md")).toMatch(/^## 0\.7\.0 \(\d{4}-\d\d-\d\d\)$/m);
  expect(now("CITATION.cff")).toContain("\nversion: 0.7.0\n");
  expect(now("src/node/version.ts")).toContain('packageVersion = "0.7.0";');
  expect(await shell("git status --short && git tag", copy)).toMatch(/^v\d+\.\d+\.\d+\nv0\.7\.0\n$/);
});
