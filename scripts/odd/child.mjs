/** @file Checks the folders named on its command line, one JSON line each: a process of its own, for a runtime that crashes takes it along. */
import path from "node:path";
import ort from "onnxruntime-node";
import * as gradcam from "../../dist/index.js";
import { check } from "./check.mjs";

ort.env.logLevel = "fatal";
for (const folder of process.argv.slice(2)) {
  process.stdout.write(`${JSON.stringify({ started: path.basename(folder) })}\n`);
  const found = await check(ort, gradcam, folder);
  process.stdout.write(`${JSON.stringify({ file: path.basename(folder), ...found })}\n`);
}
