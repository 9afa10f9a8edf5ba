/**
 * @file Two checkouts side by side, as before and after a change: the same figures of both in turn, and their ratio pair by pair, which
 * other work on the machine hardly moves.
 *
 *   node bench/paired.mjs OLD [NEW] [--pairs 5] [--wall]
 *
 * Both are built checkouts with their packages; NEW is this one by default. Grad-CAM is put beside ONNX Runtime's forward pass in the
 * same process; the cold start is that of `gradcam explain PHOTO`; the bundle is what a page loads of `gradcam` at once, and in all,
 * gzipped. Times are of the processor, in sessions of one thread; with --wall by the clock. A figure that is 3 % worse ends it with 1.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { median } from "./measure.mjs";
import { mobilenetV2, resnet50 } from "./networks.mjs";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: "string", default: "5" }, wall: { type: "boolean", default: false } },
});
const [older, newer = here("..")] = positionals.map((directory) => path.resolve(directory));
if (!older) throw new Error("usage: node bench/paired.mjs OLD [NEW] [--pairs 5] [--wall]");

const scratch = mkdtempSync(path.join(os.tmpdir(), "gradcam-paired-"));
const nets = {
  "ResNet-50": path.join(scratch, "resnet50.onnx"),
  "MobileNet-v2": path.join(scratch, "mobilenet-v2.onnx"),
  "EfficientNet-Lite0": here("../models/efficientnet-lite0/onnx/model.onnx"),
};
writeFileSync(nets["ResNet-50"], resnet50());
writeFileSync(nets["MobileNet-v2"], mobilenetV2());

/** One checkout's figures, each in a process of its own. */
async function figures(checkout) {
  const found = {};
  for (const [name, file] of Object.entries(nets)) {
    const how = values.wall ? ["--wall"] : [];
    const { stdout } = await promisify(execFile)(process.execPath, [here("one-ratio.mjs"), checkout, file, ...how]);
    found[`Grad-CAM / forward, ${name}`] = Number(stdout);
  }
  found["cold start, s"] = await coldStart(checkout);
  Object.assign(found, await bundle(checkout));
  return found;
}

function coldStart(checkout) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const photo = here("../examples/images/cat-and-cup.jpg");
    const threads = values.wall ? [] : ["--threads", "1"];
    const child = spawn(
      process.execPath,
      [
        ...["--import", here("./report-cpu.mjs"), path.join(checkout, "dist/cli/bin.js")],
        ...["explain", photo, "--out", scratch, ...threads],
      ],
      { stdio: ["ignore", "ignore", "inherit", "pipe"] },
    );
    let microseconds = "";
    child.stdio[3].on("data", (part) => {
      microseconds += part;
    });
    child.on("close", (code) => {
      if (code !== 0) reject(new Error(`${checkout}: exit code ${code}`));
      else resolve(values.wall ? (performance.now() - start) / 1000 : Number(microseconds) / 1e6);
    });
  });
}

async function bundle(checkout) {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(checkout, "dist/index.js")],
    absWorkingDir: checkout,
    ...{ bundle: true, splitting: true, minify: true, format: "esm", platform: "browser", outdir: "out" },
    ...{ write: false, metafile: true, logLevel: "silent" },
  });
  const size = new Map(outputFiles.map(({ path: file, contents }) => [path.basename(file), gzipSync(contents).length]));
  const first = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith("dist/index.js"))[0];
  const upFront = new Set([first]);
  for (const name of upFront)
    for (const { path: file, kind } of metafile.outputs[name].imports)
      if (kind === "import-statement") upFront.add(file);
  const kilobytes = (names) => [...names].reduce((sum, name) => sum + size.get(path.basename(name)), 0) / 1024;
  return {
    "bundle up front, KB": kilobytes(upFront),
    "bundle whole, KB": kilobytes(Object.keys(metafile.outputs)),
  };
}

const pairs = [];
for (let i = 0; i < Number(values.pairs); i++) {
  // Who begins takes turns, so that neither always comes onto warm or busy cores.
  const order = i % 2 ? [newer, older] : [older, newer];
  const both = [await figures(order[0]), await figures(order[1])];
  pairs.push(i % 2 ? both.reverse() : both);
  console.error(`pair ${i + 1} of ${values.pairs}`);
}
rmSync(scratch, { recursive: true });

console.log(
  `| median of ${pairs.length} pairs, ${values.wall ? "by the clock" : "processor time"} | old | new | new / old | least | most |`,
);
console.log("|---|---|---|---|---|---|");
for (const name of Object.keys(pairs[0][0])) {
  const [old, new_] = [0, 1].map((side) => median(pairs.map((pair) => pair[side][name])));
  const ratios = pairs.map(([before, after]) => after[name] / before[name]);
  const cells = [old, new_, median(ratios), Math.min(...ratios), Math.max(...ratios)].map((v) => v.toFixed(3));
  console.log(`| ${[name, ...cells].join(" | ")} |`);
  if (median(ratios) > 1.03) process.exitCode = 1;
}
