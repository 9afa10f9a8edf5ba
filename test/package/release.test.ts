/** @file A release: what the workflow does, but publishing; and where `npm version` writes the new version. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { root, shell } from "../../scripts/places/package.mjs";

test("what the release does, but publishing", async () => {
  const elsewhere = { GITHUB_REF_NAME: "v9.9.9", GITHUB_REPOSITORY: "someone/else" };
  const said = await shell("node scripts/release.mjs --dry-run", root, elsewhere);
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect(said).toContain(`before a release: the tag is v9.9.9, the package's version ${version}`);
  expect(said).toContain("before a release: package.json names the repository");
  expect(said).toMatch(new RegExp(`gradcam ${version} would be published\\n$`));
});

test("the workflow publishes tags, with provenance, by that command", () => {
  const workflow = parse(readFileSync(path.join(root, ".github/workflows/release.yml"), "utf8"));
  expect(workflow.on.push).toEqual({ tags: ["v*"] });
  expect(workflow.permissions["id-token"]).toBe("write");
  const steps: { readonly run?: string }[] = workflow.jobs.npm.steps;
  expect(steps.flatMap(({ run }) => run ?? [])).toEqual(["npm test", "npm run release"]);
});

test("npm version writes the new version where it is named, and README says npm i gradcam", async () => {
  const copy = mkdtempSync(path.join(tmpdir(), "gradcam-release-"));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
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
