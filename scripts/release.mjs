/**
 * @file A release: `npm version patch|minor|major` prepares it (this file with `--prepare`), a pushed tag publishes it.
 *
 *     npm run release -- --dry-run    # all that a release does, but publishing
 *
 * Refuses what would be wrong for good: a tag of another version, documents that do not know the version, a repository that is not the
 * package's, a package without its parts.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, prepare: { type: "boolean" } } });
const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const read = (file) => readFileSync(here(file), "utf8");
const { version, repository } = JSON.parse(read("package.json"));

/** What README says as long as the package is on no registry. */
const unpublished = /<!-- until the first release -->\n.*?<!-- from the first release on\n(.*?)-->\n/s;

if (values.prepare) prepare();
else publish();

/** Writes a new version into what names it. */
function prepare() {
  const today = new Date().toISOString().slice(0, 10);
  // A version that has its heading already is released by `npm version VERSION --allow-same-version`.
  if (!read("CHANGELOG.md").includes(`\n## ${version} (`))
    edit("CHANGELOG.md", /^## Unreleased$/m, `## ${version} (${today})`);
  edit("CITATION.cff", /^version: .*$/m, `version: ${version}`);
  edit("src/node/version.ts", /"[^"]+"/, `"${version}"`);
  const readme = read("README.md");
  if (unpublished.test(readme)) edit("README.md", unpublished, "$1");
  execFileSync("git", ["add", "CHANGELOG.md", "CITATION.cff", "README.md", "src/node/version.ts"], {
    cwd: here("."),
    stdio: "inherit",
  });
}

function edit(file, from, to) {
  const text = read(file);
  if (!from.test(text)) throw new Error(`${file} has no ${from}`);
  writeFileSync(here(file), text.replace(from, to));
}

function publish() {
  const dry = values["dry-run"] === true;
  const lacks = [...lacking()];
  for (const lack of lacks) console.log(`${dry ? "before a release" : "not released"}: ${lack}`);
  if (lacks.length && !dry) process.exit(1);
  // The build is there; what npm packs is looked at before it is sent.
  const [packed] = JSON.parse(npm("pack", "--dry-run", "--json", "--ignore-scripts"));
  const names = new Set(packed.files.map(({ path }) => path));
  const parts = [
    "README.md",
    "LICENSE",
    "NOTICE",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/cli/bin.js",
    "dist/studio/index.html",
  ];
  const missing = [...parts, "models/efficientnet-lite0/onnx/model.onnx"].filter((name) => !names.has(name));
  if (missing.length) throw new Error(`the package lacks ${missing.join(", ")}; npm run build`);
  console.log(`${packed.filename}: ${packed.files.length} files, ${(packed.size / 1e6).toFixed(1)} MB`);
  const provenance = process.env.GITHUB_ACTIONS ? ["--provenance"] : [];
  console.log(
    npm(
      "publish",
      "--loglevel=error",
      "--access",
      "public",
      "--ignore-scripts",
      ...(dry ? ["--dry-run"] : provenance),
    ).trim(),
  );
  console.log(dry ? `gradcam ${version} would be published` : `gradcam ${version} is published`);
}

function* lacking() {
  const tag = process.env.GITHUB_REF_NAME;
  if (!tag) yield `no tag; a release is made of v${version}`;
  else if (tag !== `v${version}`) yield `the tag is ${tag}, the package's version ${version}`;
  const from = process.env.GITHUB_REPOSITORY;
  if (from && !repository.url.endsWith(`github.com/${from}.git`))
    yield `package.json names the repository ${repository.url}, this is ${from}`;
  if (!read("CHANGELOG.md").includes(`\n## ${version} (`)) yield `CHANGELOG.md has no heading for ${version}`;
  if (!read("CITATION.cff").includes(`\nversion: ${version}\n`)) yield `CITATION.cff names another version`;
  if (!read("src/node/version.ts").includes(`"${version}"`)) yield "src/node/version.ts has another version";
  if (JSON.parse(read("package-lock.json")).version !== version) yield "package-lock.json has another version";
  if (unpublished.test(read("README.md"))) yield "README.md says that gradcam is on no registry";
}

function npm(...args) {
  return execFileSync("npm", args, { cwd: here("."), encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}
