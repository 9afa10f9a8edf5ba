/**
 * @file One photo by a fresh process, and the memory that many explanations take.
 *
 *   node bench/cold.mjs [PHOTO] [--quick]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import { load } from "../dist/node.js";
import { median } from "./measure.mjs";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const quick = process.argv.includes("--quick");
const photo = process.argv.slice(2).find((arg) => !arg.startsWith("--")) ?? here("../examples/images/cat-and-cup.jpg");

/** Seconds and peak megabytes of one `gradcam explain`. */
function cold(out) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const args = ["--import", here("./report-peak.mjs"), here("../dist/cli/bin.js"), "explain", photo, "--out", out];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
    let peak = "";
    child.stdio[3].on("data", (chunk) => {
      peak += chunk;
    });
    child.on("close", (code) =>
      code === 0
        ? resolve({ seconds: (performance.now() - start) / 1000, megabytes: Number(peak) / 1024 })
        : reject(new Error(`exit code ${code}`)),
    );
  });
}

const out = mkdtempSync(path.join(os.tmpdir(), "gradcam-bench-"));
const runs = [];
for (let i = 0; i < (quick ? 2 : 7); i++) runs.push(await cold(out));
rmSync(out, { recursive: true });
console.log(
  `cold \`gradcam explain\`: ${median(runs.map((r) => r.seconds)).toFixed(2)} s, ${median(runs.map((r) => r.megabytes)).toFixed(0)} MB (median of ${runs.length})`,
);

// Memory: the resident set after a warm-up, and after many explanations more.
ort.env.logLevel = "error";
const model = await load();
const count = quick ? 50 : 1000;
const resident = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1e6;
};
for (let i = 0; i < count / 5; i++) await model.explain(photo, { classes: [i % 1000] });
const before = resident();
for (let i = 0; i < count; i++) await model.explain(photo, { classes: [i % 1000] });
console.log(
  `memory: ${before.toFixed(0)} MB after ${count / 5} explanations, ${resident().toFixed(0)} MB after ${count} more`,
);
await model.release();
