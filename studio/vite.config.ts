/** @file How the studio is built: a folder of files that any static host serves, under any path. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { methods } from "../src/methods/index.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
const out = here("../dist/studio");

/** ONNX Runtime's files: scripts go into the offline cache, binaries are fetched by the worker with their checksums. */
const scripts = [
  "ort.wasm.min.mjs",
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
];
const binaries = ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"];

/** Files that are not the bundle's, beside it: the engine and the bundled model. */
function beside(): Plugin {
  return {
    name: "beside",
    closeBundle() {
      mkdirSync(`${out}/ort`, { recursive: true });
      for (const file of [...scripts, ...binaries]) cpSync(path.join(runtime, file), `${out}/ort/${file}`);
      const sums = binaries.map((file) => `${sha256(readFileSync(path.join(runtime, file)))}  ${file}\n`);
      writeFileSync(`${out}/ort/SHA256SUMS`, sums.join(""));
      cpSync(here("../models"), `${out}/models`, { recursive: true });
    },
  };
}

/** Tells the service worker what there is to keep. */
function offline(): Plugin {
  return {
    name: "offline",
    enforce: "post",
    generateBundle(_, bundle) {
      const own = Object.keys(bundle).filter((name) => name !== "sw.js");
      const given = readdirSync(here("public"), { recursive: true, encoding: "utf8" }).filter((name) =>
        /\.\w+$/.test(name),
      );
      const files = [
        "./",
        ...own,
        ...given.map((name) => name.split(path.sep).join("/")),
        ...scripts.map((s) => `ort/${s}`),
      ];
      const content = Object.values(bundle).map((part) => ("code" in part ? part.code : String(part.source)));
      const worker = bundle["sw.js"];
      if (worker?.type !== "chunk") throw new Error("there is no service worker in the bundle");
      worker.code = worker.code
        .replace(/\bFILES\b/, JSON.stringify(files.filter((name) => name !== "index.html")))
        .replace(/\bVERSION\b/, JSON.stringify(sha256(content.join("\n")).slice(0, 12)));
    },
  };
}

/** Leaves out what methods say of their papers: it is the documents', and no page shows it. */
const withoutPapers = (): Plugin => ({
  name: "without-papers",
  enforce: "pre",
  transform: (code, id) =>
    /src\/methods\/[\w+/-]+\.ts$/.test(id) ? code.replace(/^ +paper: "[^"]*",\n/gm, "") : undefined,
});

/** What only some graphs and pictures need: one file, which is compressed better than twenty. */
const seldom =
  /src\/(ops\/(trigonometry|uncommon-activation|compress|lrn|determinant|inverse|lp|loss|max-roi-pool|einsum|signal|microsoft-\w+|scatter|branches|inside|transposed-convolution|blocks|resize|attention|loops|microsoft|sampling|gate|recurrence|recurrent)|onnx\/(device|ceil-pools|missing-runtime|zeros|compress|probe|nested|halves|retype|disguise|bodies|upgrade|functions|reason|failure|foreign)|web\/(tiff|unpack)|methods\/answer|read\/(attention[\w-]*|blocks)|autodiff\/attended|explain\/(attentions|block-heads|training|input-shapes|field[\w-]*|receptive-field))\.ts/;

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

export default defineConfig({
  root: here("."),
  base: "./",
  resolve: {
    alias: {
      "gradcam/web": here("../src/web.ts"),
      "gradcam/compile": here("../src/compile.ts"),
      "gradcam/client": here("../src/client.ts"),
      "gradcam/scenes": here("../src/scenes/index.ts"),
      gradcam: here("../src/index.ts"),
    },
  },
  define: {
    METHODS: JSON.stringify(
      methods.flatMap(({ name, title, summary, tasks, graph }) =>
        tasks ? [] : { name, title, summary, compiles: graph !== undefined },
      ),
    ),
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: {
    format: "es",
    plugins: () => [withoutPapers()],
    rollupOptions: {
      external: [/^onnxruntime-web/],
      output: {
        comments: { annotation: false },
        // What few models need is small: in one file with what it shares with the rest it is compressed better.
        codeSplitting: {
          groups: [{ name: "seldom", test: seldom }],
        },
      },
    },
  },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    rollupOptions: {
      external: [/^onnxruntime-web/],
      input: { index: here("index.html"), sw: here("sw.ts") },
      output: {
        comments: { annotation: false },
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  plugins: [offline(), beside()],
});
