/** @file Imports point one way: errors <- array <- onnx <- ops <- autodiff <- methods <- read <- explain <- tasks <- node, web <- evaluate <- study, server <- cli; image, signal, render, scenes and client are leaves. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../src", import.meta.url));
const order = [
  "errors",
  "array",
  "onnx",
  "ops",
  "autodiff",
  "methods",
  "read",
  "explain",
  "tasks",
  "web",
  "node",
  "evaluate",
  "study",
  "server",
  "cli",
];

/** Beyond the order and one's own folder. */
const also: Readonly<Record<string, readonly RegExp[]>> = {
  image: [/^errors\.ts$/, /^array\//],
  signal: [/^errors\.ts$/, /^array\//],
  render: [/^errors\.ts$/, /^array\//, /^image\//, /^signal\//],
  scenes: [/^errors\.ts$/, /^array\//, /^image\/picture\.ts$/],
  methods: [/^image\/(geometry|slic|felzenszwalb)\.ts$/],
  tasks: [/^image\//, /^signal\//, /^render\//],
  node: [/^image\//, /^render\//, /^signal\//],
  web: [/^image\//, /^render\//],
  evaluate: [/^image\//, /^render\//, /^scenes\/index\.ts$/],
  study: [/^image\//, /^render\//],
  server: [/^image\//, /^render\//, /^client\/contract\.ts$/],
  cli: [/^image\//, /^render\//, /^scenes\/index\.ts$/],
};

/** The only files that may import a package. */
const packages: Readonly<Record<string, RegExp>> = {
  "onnx-buf": /^onnx\/proto\.ts$/,
  "@bufbuild/protobuf": /^onnx\/proto\.ts$/,
  "@bufbuild/protobuf/wire": /^onnx\/splice\.ts$/,
  "@huggingface/jinja": /^tasks\/formats\/chat-template\.ts$/,
  "@huggingface/tokenizers": /^tasks\/formats\/tokenizer\.ts$/,
  sharp: /^image\/sharp\.ts$/,
  "onnxruntime-node": /^node\/runtime\.ts$/,
  "onnxruntime-web/wasm": /^web\/runtime\.ts$/,
  "onnxruntime-web/webgpu": /^web\/runtime\.ts$/,
  "onnxruntime-common": /^onnx\/ort\.ts$/,
  bullmq: /^evaluate\/queue\/link\.ts$/,
  ioredis: /^evaluate\/queue\/link\.ts$/,
  libsql: /^node\/database\.ts$/,
  "fast-xml-parser": /^evaluate\/datasets\/voc-xml\.ts$/,
  yaml: /^evaluate\/datasets\/yaml\.ts$/,
  "@observablehq/plot": /^evaluate\/report\/plots\.ts$/,
  linkedom: /^evaluate\/report\/plots\.ts$/,
  fastify: /^(study|server)\//,
  "@fastify/cors": /^server\/app\.ts$/,
  "@fastify/multipart": /^server\//,
  "prom-client": /^(server\/metrics|evaluate\/prometheus)\.ts$/,
  zod: /^server\/(schemas|body|openapi)\.ts$/,
  commander: /^cli\//,
  picocolors: /^cli\//,
};
const mayUseNode = /^(node|evaluate|study|server|cli)\/|^image\/sharp\.ts$/;

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((name) => name.split(path.sep).join("/"))
  .filter((name) => name.endsWith(".ts"));

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(path.join(root, from), "utf8");
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^"';]*?from\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm,
  );
  return [...found].map(([, a, b, c]) => ({ from, to: a ?? b ?? c }));
});
const within = imports
  .filter(({ to }) => to.startsWith("."))
  .map(({ from, to }) => ({ from, to: path.posix.join(path.posix.dirname(from), to) }));
const wordsOf = (list: readonly Import[]) => list.map(({ from, to }) => `${from} imports ${to}`);
/** "errors.ts" and the folders by name; index.ts, node.ts and web.ts are the doors and may show anything. */
const roomOf = (file: string) => (file === "errors.ts" ? "errors" : file.includes("/") ? file.split("/")[0] : "door");

test("the scan sees imports of every form", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(within.length).toBeGreaterThan(150);
  expect(wordsOf(imports)).toEqual(
    expect.arrayContaining(["image/sharp.ts imports sharp", "node/runtime.ts imports onnxruntime-node"]),
  );
});

test("every folder has its place", () => {
  const rooms = new Set(files.map(roomOf));
  expect(
    [...rooms].filter((room) => ![...order, "image", "signal", "render", "scenes", "client", "door"].includes(room)),
  ).toEqual([]);
});

test("imports point one way", () => {
  const wrong = within.filter(({ from, to }) => {
    const [a, b] = [roomOf(from), roomOf(to)];
    if (a === "door" || a === b) return false;
    if (b === "web") return true; // environments stand side by side
    if (order.includes(a) && order.includes(b) && order.indexOf(b) < order.indexOf(a)) return false;
    return !also[a]?.some((pattern) => pattern.test(to));
  });
  expect(wordsOf(wrong)).toEqual([]);
});

test("every import is of a file that is there, by its whole name", () => {
  expect(wordsOf(within.filter(({ to }) => !files.includes(to)))).toEqual([]);
});

test("a package is imported in its one place", () => {
  const outer = imports.filter(({ to }) => !to.startsWith(".") && !to.startsWith("node:"));
  expect(wordsOf(outer.filter(({ from, to }) => !packages[to]?.test(from)))).toEqual([]);
});

test("Node's own modules stay behind gradcam/node", () => {
  expect(wordsOf(imports.filter(({ from, to }) => to.startsWith("node:") && !mayUseNode.test(from)))).toEqual([]);
});

test("no file imports itself by a way round", () => {
  const next = new Map(files.map((file) => [file, within.filter(({ from }) => from === file).map(({ to }) => to)]));
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>();
    const visit = (file: string) => {
      for (const to of next.get(file) ?? []) {
        if (seen.has(to)) continue;
        seen.add(to);
        visit(to);
      }
    };
    visit(from);
    return seen;
  };
  expect(files.filter((file) => reached(file).has(file))).toEqual([]);
});

test("the adjoint is built in one place, which everybody calls", () => {
  const named = (file: string, name: string) =>
    new RegExp(`import \\{[^}]*(?<!type )\\b${name}\\b[^}]*\\}`).test(readFileSync(path.join(root, file), "utf8"));
  // Products with a Hessian are the same sweep twice.
  expect(files.filter((file) => named(file, "differentiate"))).toEqual(["autodiff/adjoint.ts", "autodiff/hvp.ts"]);
  // What opens sessions that stay open does it for their owner.
  const opening = files.filter(
    (file) =>
      !/^onnx\//.test(file) && ["openSession", "openExtended", "openAlone", "openTogether"].some((n) => named(file, n)),
  );
  // These close what they open; adjoint-session.ts and tail.ts open for their callers, which are looked at themselves.
  const once = [
    "autodiff/check.ts",
    "autodiff/hvp.ts",
    "autodiff/vjp.ts",
    "node/saturation.ts",
    "explain/adjoint-session.ts",
    "explain/tail.ts",
  ];
  expect(
    opening.filter(
      (file) =>
        !once.includes(file) &&
        !named(file, "Sessions") &&
        !/sessions\.use\(/.test(readFileSync(path.join(root, file), "utf8")),
    ),
  ).toEqual([]);
  expect(opening.length).toBeGreaterThan(once.length);
});
