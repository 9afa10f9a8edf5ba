/**
 * @file Explains a model whose weights lie beside it, and says how much memory that took: no weight is read into JavaScript, so what
 * there is beside the runtime's own copies is small.
 *
 *     python scripts/export-large.py /tmp/large && npm run build && node scripts/explain-large.mjs /tmp/large/model.onnx
 */
import { statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "../dist/node.js";

/** Peak of resident memory over the bytes of the weights, and bytes of JavaScript, that are allowed. */
const most = { resident: 1.5, script: 200e6 };

const [model] = process.argv.slice(2);
const weights = statSync(model.replace(/\.onnx$/, ".weights")).size;
const photo = fileURLToPath(new URL("../examples/images/cat-and-cup.jpg", import.meta.url));

const started = performance.now();
const opened = await load(model);
const loaded = performance.now();
const { explanations } = await opened.explain(photo, { classes: ["top3"] });
const explained = performance.now();
const { heapUsed, external } = process.memoryUsage();
await opened.release();

const resident = process.resourceUsage().maxRSS * 1024;
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
console.log(`${path.basename(model)}: ${gigabytes(weights)} of weights, ${explanations.length} maps`);
console.log(
  `opened in ${((loaded - started) / 1000).toFixed(1)} s, explained in ${((explained - loaded) / 1000).toFixed(1)} s`,
);
console.log(
  `peak of resident memory: ${gigabytes(resident)}, ${(resident / weights).toFixed(2)} times the weights (allowed ${most.resident})`,
);
console.log(`JavaScript: ${gigabytes(heapUsed + external)} (allowed ${gigabytes(most.script)})`);
if (resident > most.resident * weights || heapUsed + external > most.script) process.exitCode = 1;
