/** @file What runtimes run beside use.mjs: node half.mjs HALF FLOAT; prints the finding as JSON. */
import { readFileSync } from "node:fs";
import * as native from "onnxruntime-node";
import { halfPrecision } from "./half.js";

const [half, float] = process.argv.slice(2).map((file) => new Uint8Array(readFileSync(file)));
console.log(JSON.stringify(await halfPrecision(native, half, float)));
