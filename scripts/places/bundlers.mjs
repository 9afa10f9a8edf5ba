/** @file Bundlers: a page and a module worker that call `gradcam/web`, built as the bundler comes, and opened. */
import { copyFileSync, cpSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { opened, served } from "./browser.mjs";
import { installed, shell, versionOf, withApp } from "./package.mjs";
import { started } from "./server.mjs";

/** How each is told to build `main.js` and its worker into `dist`. */
const builders = {
  vite: (place, { worker }) => {
    const format = worker ? `worker: { format: "${worker}" }, ` : "";
    writeFileSync(
      path.join(place, "vite.config.js"),
      `export default { base: "./", ${format}build: { target: "es2022" } };`,
    );
    return shell("npx vite build --logLevel warn", place);
  },
  webpack: async (place) => {
    writeFileSync(
      path.join(place, "webpack.config.js"),
      'export default { mode: "production", entry: "./main.js", performance: { hints: false } };',
    );
    await shell("npx webpack", place);
    copyPage(place);
  },
  esbuild: async (place) => {
    await shell("npx esbuild main.js worker.js --bundle --splitting --format=esm --target=es2022 --outdir=dist", place);
    copyPage(place);
    copyRuntime(place);
  },
  rollup: async (place) => {
    const config = `import resolve from "@rollup/plugin-node-resolve";
export default { input: ["main.js", "worker.js"], output: { dir: "dist" }, plugins: [resolve({ browser: true })] };`;
    writeFileSync(path.join(place, "rollup.config.js"), config);
    await shell("npx rollup -c --silent", place);
    copyPage(place);
    copyRuntime(place);
  },
};

function copyPage(place) {
  cpSync(path.join(place, "public"), path.join(place, "dist"), { recursive: true });
  copyFileSync(path.join(place, "index.html"), path.join(place, "dist/index.html"));
}

/** What does not follow ONNX Runtime's own files is told where they are by lying beside them: that of WebAssembly, and that of WebGPU. */
function copyRuntime(place) {
  const runtime = path.join(place, "node_modules/onnxruntime-web/dist");
  for (const name of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"])
    copyFileSync(path.join(runtime, name), path.join(place, "dist", name));
}

/** @param place a folder with the package, `onnxruntime-web` and the bundler @returns the folder that it is built into */
export async function build(place, builder, options = { worker: undefined }) {
  withApp(place);
  rmSync(path.join(place, "dist"), { recursive: true, force: true });
  await builders[builder](place, options);
  return path.join(place, "dist");
}

export const builtAndOpened = async (place, builder, options) => served(await build(place, builder, options), opened);

/** What the page leaves, by the words of the table. */
export const findings = ({ page, worker, half, runtime, webgpu }) => ({
  ...{ page, worker, "half precision": half, "one runtime": runtime, "WebGPU's build": webgpu },
});

const row = (builder, packages, version, options = {}) => ({
  kind: "bundler",
  name: `${{ vite: "Vite", webpack: "webpack", esbuild: "esbuild", rollup: "Rollup" }[builder]} ${version}`,
  note: options.note,
  async run() {
    const place = await installed(`${builder}-${version}`, ["onnxruntime-web", ...packages]);
    const found = findings(await builtAndOpened(place, builder, options));
    return { version: versionOf(place, builder), found };
  },
});

/** The dev server, in which the package's own files are served: `load()` without a source finds them there, if the code was not moved. */
const devServer = (version, exclude) => ({
  kind: "bundler",
  name: `Vite ${version}, dev server${exclude ? "" : " as it comes"}`,
  note: exclude
    ? '`optimizeDeps: { exclude: ["gradcam"] }`: `load()` without a source'
    : "`load()` without a source says what to do",
  async run() {
    const place = await installed(`vite-dev-${version}-${exclude}`, ["onnxruntime-web", `vite@${version}`]);
    withApp(place);
    const config = exclude ? '{ optimizeDeps: { exclude: ["gradcam"] } }' : "{}";
    writeFileSync(path.join(place, "vite.config.js"), `export default ${config};`);
    const {
      page,
      worker,
      runtime,
      withoutSource: said,
    } = await started("npx vite --port 0 --host 127.0.0.1", place, opened);
    const right = exclude ? said === "opens" : /^missing model: .*is not served.*give its address$/.test(said);
    return {
      version: versionOf(place, "vite"),
      found: { page, worker, "one runtime": runtime, "load()": { said, right } },
    };
  },
});

export const bundlerRows = [
  row("vite", ["vite@6"], "6", { worker: "es", note: '`worker: { format: "es" }`' }),
  row("vite", ["vite@7"], "7", { worker: "es", note: '`worker: { format: "es" }`' }),
  row("vite", ["vite@8"], "8"),
  devServer("8", true),
  devServer("8", false),
  row("webpack", ["webpack@5.98", "webpack-cli@6"], "5.98"),
  row("webpack", ["webpack@5.104", "webpack-cli@6"], "5.104"),
  row("webpack", ["webpack@latest", "webpack-cli@latest"], "newest"),
  row("esbuild", ["esbuild"], "newest", { note: "ONNX Runtime's `.wasm` copied beside the bundle" }),
  row("rollup", ["rollup", "@rollup/plugin-node-resolve"], "newest", {
    note: "`@rollup/plugin-node-resolve`; ONNX Runtime's `.wasm` copied beside the bundle",
  }),
];
