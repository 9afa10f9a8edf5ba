/** @file Every example runs, says something, and says what the documents show. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { blockLike, numbersOf, read, root } from "./markdown.ts";

const examples = readdirSync(path.join(root, "examples")).filter((name) => name.endsWith(".mjs"));
// They write into the working directory.
const out = mkdtempSync(path.join(tmpdir(), "gradcam-examples-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const printed = new Map<string, string>();

test.each(examples)("%s", async (name) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path.join(root, "examples", name)], {
    cwd: out,
  });
  expect(stderr).toBe("");
  expect(stdout.trim()).not.toBe("");
  printed.set(name, stdout);
});

test("every example is in the list", () => {
  const list = read("examples/README.md");
  expect(examples.filter((name) => !list.includes(`[\`${name}\`](${name})`))).toEqual([]);
});

const projects = readdirSync(path.join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(path.join(entry.parentPath, entry.name, "package.json")))
  .map(({ name }) => name);

test.each(projects)("the project %s is in the list, and starts by npm start or bun start", (name) => {
  expect(read("examples/README.md")).toContain(`[\`${name}\`](${name})`);
  const { scripts, dependencies } = JSON.parse(read(`examples/${name}/package.json`));
  expect(scripts.start).toBeTruthy();
  expect(dependencies.gradcam).toBe("file:../..");
});

test("the CDN's import map has all that gradcam/web imports, in the versions that are installed", async () => {
  const [, map] = /<script type="importmap">(.*?)<\/script>/s.exec(read("examples/cdn/index.html")) ?? [];
  const { imports } = JSON.parse(map) as { imports: Record<string, string> };
  const { metafile } = await build({
    ...{ entryPoints: [path.join(root, "src/web.ts")], bundle: true, write: false, metafile: true, format: "esm" },
    ...{ packages: "external", logLevel: "silent" },
  });
  const wanted = Object.values(metafile.inputs).flatMap((input) =>
    input.imports.flatMap((one) => (one.external ? one.path : [])),
  );
  expect(wanted.length).toBeGreaterThan(4);
  expect(wanted.filter((name) => !(name in imports))).toEqual([]);
  for (const [name, address] of Object.entries(imports)) {
    const [, of, version, file] = /^\/npm\/((?:@[^/]+\/)?[^/@]+)@([^/]+)\/(.+)$/.exec(address) ?? [];
    const place = of === "gradcam" ? "." : `node_modules/${of}`;
    const installed: string = JSON.parse(read(`${place}/package.json`)).version;
    expect(installed === version || installed.startsWith(`${version}.`), `${name} ${installed}, ${address}`).toBe(true);
    expect(existsSync(path.join(root, place, file)), address).toBe(true);
  }
});

/** Documents that show what an example prints. */
const quoted = {
  "a-world-with-truth.mjs": "docs/scenes.md",
  "compare-two-classes.mjs": "docs/targets.md",
  "vjp-by-hand.mjs": "docs/library.md",
};

test.each(Object.entries(quoted))("%s prints what %s shows", (name, document) => {
  const output = printed.get(name) ?? "";
  const shown = blockLike(output, document);
  expect(shown, `bring the output in ${document} up to date:\n${output}`).toBeDefined();
  numbersOf(shown ?? "").forEach((value, i) => {
    expect(Math.abs(value - numbersOf(output)[i])).toBeLessThan(0.02 * Math.abs(value) + 0.02);
  });
});
