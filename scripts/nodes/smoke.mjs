/**
 * @file What could differ from one Node.js to the next, in some seconds: half precision in both runtimes, the command line, and no
 * warning of the platform's. The built package is tested; each check prints a line.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import native from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { openExplainer } from "../../dist/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = path.join(root, "dist/cli/bin.js");
const example = path.join(root, "examples/images/cat-and-cup.jpg");
const net = (name) => new Uint8Array(readFileSync(path.join(root, "test/inputs", name, "model.onnx")));
wasm.env.wasm.numThreads = 1;

const input = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i * i));
const session = { intraOpNumThreads: 1 };

/** The map of a model on a picture that never changes, its input as the model takes it. */
async function map(ort, name, method) {
  const explainer = await openExplainer(ort, net(name), { session });
  // Bit patterns, as every version of ort.Tensor takes them; 11 bits of each number are kept in both.
  const x =
    name === "half"
      ? new ort.Tensor("float16", Uint16Array.from(input, half), [1, 3, 32, 32])
      : new ort.Tensor("float32", input, [1, 3, 32, 32]);
  const { maps } = await explainer.explain({ input: x }, { target: 1, method });
  await explainer.release();
  return [...maps.data];
}

/** The bits of a number between 2^-14 and 1, rounded to nearest. */
function half(value) {
  const size = Math.abs(value);
  if (size < 2 ** -14) return 0;
  const exponent = Math.floor(Math.log2(size));
  return (value < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024);
}

function apart(got, want) {
  assert.equal(got.length, want.length);
  const scale = Math.max(...want.map(Math.abs));
  assert.ok(scale > 0);
  return Math.max(...got.map((v, i) => Math.abs(v - want[i]))) / scale;
}

const checks = {
  async "half precision in onnxruntime-node"() {
    for (const method of ["grad-cam", "hires-cam", "gradient"])
      assert.ok(apart(await map(native, "half", method), await map(native, "float", method)) < 0.02, method);
  },
  async "half precision in onnxruntime-web"() {
    for (const method of ["grad-cam", "gradient"])
      assert.ok(apart(await map(wasm, "half", method), await map(native, "half", method)) < 0.005, method);
  },
  "the command line, without a warning"() {
    const out = mkdtempSync(path.join(tmpdir(), "gradcam-smoke-"));
    const asked = ["--throw-deprecation", bin, "explain", example, "--json", "--out", out];
    const { stdout, stderr, status } = spawnSync(process.execPath, asked, { encoding: "utf8" });
    rmSync(out, { recursive: true });
    assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
    assert.equal(JSON.parse(stdout).predictions[0].label, "espresso");
  },
  async "the service, whose threads hand pictures over"() {
    const server = spawn(process.execPath, [bin, "serve", "--port", "0", "--workers", "1"]);
    try {
      let log = "";
      for await (const part of server.stdout.setEncoding("utf8")) {
        log += part;
        if (/listening/.test(log)) break;
      }
      const form = new FormData();
      form.set("image", new Blob([readFileSync(example)]), "photo.jpg");
      const [url] = /http:[^"\s]+/.exec(log);
      const answer = await fetch(`${url}/v1/explain`, { method: "POST", body: form, headers: { accept: "image/png" } });
      assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/png"]);
    } finally {
      server.kill();
    }
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks))
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`failed ${name}: ${error.stack}`);
  }
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed ? 1 : 0;
