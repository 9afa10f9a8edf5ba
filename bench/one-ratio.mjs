/**
 * @file A checkout's Grad-CAM over ONNX Runtime's forward pass, the median of the rounds; for paired.mjs.
 *
 *   node bench/one-ratio.mjs CHECKOUT MODEL [--wall]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inTurn, milliseconds, processorMilliseconds, ratio } from "./measure.mjs";

const [checkout, file] = process.argv.slice(2);
const wall = process.argv.includes("--wall");
const entry = path.join(checkout, "dist/index.js");
const { openExplainer } = await import(pathToFileURL(entry).href);
const ort = createRequire(entry)("onnxruntime-node");
ort.env.logLevel = "error";

const session = wall ? {} : { intraOpNumThreads: 1, interOpNumThreads: 1 };
const bytes = new Uint8Array(readFileSync(file));
const plain = await ort.InferenceSession.create(bytes, session);
const explainer = await openExplainer(ort, bytes, { session });
const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
const feeds = { [plain.inputNames[0]]: new ort.Tensor("float32", data, [1, 3, 224, 224]) };
let round = 0;
const times = await inTurn(
  { forward: () => plain.run(feeds), gradCam: () => explainer.explain(feeds, { target: round++ % 1000 }) },
  bytes.length > 5e7 ? 15 : 40,
  wall ? milliseconds : processorMilliseconds,
);
console.log(ratio(times, "gradCam", "forward"));
