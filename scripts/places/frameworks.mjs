/** @file Frameworks and the examples: each folder of `examples` by its two commands, the packed package in place of the checkout. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { launch } from "./browser.mjs";
import { folder, root, shell, tarball, versionOf } from "./package.mjs";
import { freePort, started } from "./server.mjs";
import { tool } from "./tools.mjs";

/** A copy of an example, installed. @param packages in other versions than it names */
export async function example(name, packages = []) {
  const parent = folder(["example", name, ...packages].join("-"));
  const place = path.join(parent, name);
  cpSync(path.join(root, "examples", name), place, {
    recursive: true,
    filter: (file) => !/(node_modules|\.next|dist|package-lock\.json|public)$/.test(file),
  });
  cpSync(path.join(root, "examples/images"), path.join(parent, "images"), { recursive: true });
  const manifest = path.join(place, "package.json");
  const asked = JSON.parse(readFileSync(manifest, "utf8"));
  asked.dependencies.gradcam = `file:${await tarball()}`;
  for (const one of packages) {
    const [, key, version] = /^(.+)@(.+)$/.exec(one);
    (key in (asked.devDependencies ?? {}) ? asked.devDependencies : asked.dependencies)[key] = version;
  }
  writeFileSync(manifest, JSON.stringify(asked));
  return place;
}

/** The lines "WHERE: LABEL, peak at X,Y, the map's sum S". @throws Error where there is none */
export function figuresIn(text) {
  const lines = [...text.matchAll(/^(\w+): espresso, peak at (\d+),(\d+), the map's sum ([\d.]+)$/gm)];
  if (!lines.length) throw new Error(text.trim().slice(0, 300));
  return Object.fromEntries(lines.map(([, where, x, y, sum]) => [where, { peak: { x: +x, y: +y }, sum: +sum }]));
}

/** What an example's page says in `#found`. */
async function pageSays(address) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(address);
    const ended = "!/^explaining/.test(document.querySelector('#found')?.textContent ?? 'explaining')";
    await page.waitForFunction(ended, undefined, { timeout: 180_000 });
    return figuresIn(await page.evaluate("document.querySelector('#found').textContent"));
  } finally {
    await browser.close();
  }
}

const next = (version) => ({
  kind: "framework",
  name: `Next.js ${version}`,
  note: "[`examples/next`](../examples/next): client component and route",
  async run() {
    const place = await example("next", [`next@${version}`]);
    await shell("npm install", place);
    await shell("npm run prestart", place);
    const found = await started("npx next start --port 0", place, pageSays);
    return { version: versionOf(place, "next"), found };
  },
});

const standalone = (version) => ({
  kind: "framework",
  name: `Next.js ${version}, standalone`,
  note: "`outputFileTracingIncludes`, the folder moved elsewhere",
  async run() {
    const place = await example("next", [`next@${version}`]);
    const config = path.join(place, "next.config.mjs");
    writeFileSync(
      config,
      readFileSync(config, "utf8").replace("export default {", 'export default { output: "standalone",'),
    );
    await shell("npm install && npm run prestart", place);
    const elsewhere = folder(`standalone-${version}`, { type: undefined });
    cpSync(path.join(place, ".next/standalone"), path.join(elsewhere, "app"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const port = String(await freePort()); // it takes 0 for its default
    const ask = async (address) => {
      const body = readFileSync(path.join(root, "examples/images/cat-and-cup.jpg"));
      const response = await fetch(`${address.replace(/\/$/, "")}/api/explain`, { method: "POST", body });
      if (!response.ok)
        throw new Error(`the route answers ${response.status}: ${(await response.text()).slice(0, 200)}`);
      const [{ peak, map }] = await response.json();
      return { route: { peak, sum: map.reduce((sum, value) => sum + value, 0) } };
    };
    await shell(`mv ${place} ${place}-away`, elsewhere);
    const found = await started("node server.js", path.join(elsewhere, "app"), ask, {
      PORT: port,
      HOSTNAME: "127.0.0.1",
    });
    return { version: versionOf(`${place}-away`, "next"), found };
  },
});

const exampleRow = (name, of, ask) => ({
  kind: "example",
  name: `examples/${name}`,
  note: "`npm install`, `npm start`",
  async run() {
    const place = await example(name);
    await shell("npm install", place);
    if (existsSync(path.join(place, "vite.config.js"))) await shell("npm run prestart", place);
    const command = existsSync(path.join(place, "vite.config.js")) ? "npx vite preview --port 0" : "npm start";
    const found = await started(command, place, ask, { PORT: "0" });
    return { version: of && versionOf(place, of), found };
  },
});

const bun = {
  kind: "example",
  name: "examples/bun",
  note: "`bun install`, `bun start`",
  async run() {
    const place = await example("bun");
    const { command, version } = await tool("bun");
    const PATH = [path.dirname(command), process.env.PATH].join(path.delimiter);
    await shell("bun install", place, { PATH });
    return { version, found: figuresIn(await shell("bun start", place, { PATH })) };
  },
};

async function posted(address) {
  const body = readFileSync(path.join(root, "examples/images/cat-and-cup.jpg"));
  const response = await fetch(address, { method: "POST", body, headers: { "content-type": "image/jpeg" } });
  const [{ peak, map }] = await response.json();
  const wrong = await fetch(address, { method: "POST", body: "no picture", headers: { "content-type": "image/jpeg" } });
  if (wrong.status !== 400) throw new Error(`what is no picture is answered by ${wrong.status}`);
  return { server: { peak, sum: map.reduce((sum, value) => sum + value, 0) } };
}

export const frameworkRows = [
  ...[15, 16].flatMap((version) => [next(version), standalone(version)]),
  exampleRow("vite-worker", "vite", pageSays),
  exampleRow("cdn", undefined, pageSays),
  exampleRow("server", "fastify", posted),
  bun,
];
