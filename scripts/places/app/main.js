/** @file The page: leaves in `found` what it and its worker found. */
import * as ort from "onnxruntime-web/wasm";
import { explain, failure, runtimes, withoutSource } from "./explain.js";
import { halfPrecision } from "./half.js";

const base = new URL(".", document.baseURI).href;
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const fromWorker = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => resolve({ error: `the worker does not start: ${message}` });
});
const page = await explain(base).catch(failure);
const said = await withoutSource();
const bytes = async (name) => new Uint8Array(await (await fetch(`${base}${name}.onnx`)).arrayBuffer());
const half = await halfPrecision(ort, await bytes("half"), await bytes("float")).catch(failure);
worker.postMessage(base);
const { fetched, ...inWorker } = await fromWorker;
const files = [...new Set([...runtimes(), ...(fetched ?? [])])].join(" and ");
const runtime = { said: files, right: /^\S+ 14\.\d MB$/.test(files) };
// Where there is no WebGPU, its build goes on with WebAssembly.
const other = await explain(base, { executionProviders: ["webgpu", "wasm"] }).catch(failure);
if (runtimes().length !== 2) other.error ??= `fetched ${runtimes().join(" and ")}`;
window.found = { page, worker: inWorker, half, runtime, webgpu: other, withoutSource: said };
