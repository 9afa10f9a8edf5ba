/**
 * @file What a directory of photographs costs: processor time, memory and bytes of `gradcam explain DIR`, beside a bare loop that decodes
 * the same files and runs the same network on them.
 *
 *     npm run build && node bench/folder.mjs [--photos DIR] [--count 300] [--quick]
 *
 * DIR's pictures are copied until there are enough (default: the example's picture, 640 x 480). One thread of ONNX Runtime in both, so that
 * threads that wait for work are not counted. Fails above 80 ms of processor a photograph or 300 MB of memory; a quick run only says what it
 * saw, for the start of the program is most of it.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    photos: { type: "string", default: "examples/images" },
    count: { type: "string", default: "300" },
    quick: { type: "boolean", default: false },
  },
});
const count = values.quick ? 12 : Number(values.count);
const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(path.join(tmpdir(), "gradcam-folder-"));
const photos = path.join(work, "photos");
const out = path.join(work, "out");

/** Ends a process with what it used. */
const meter = `data:text/javascript,import { writeSync } from "node:fs";
process.on("exit", () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
writeSync(3, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, memory: maxRSS / 1024 })); });`;

function run(...args) {
  const child = spawn(process.execPath, ["--import", meter, ...args], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  let told = "";
  child.stdio[3].on("data", (part) => {
    told += part;
  });
  return new Promise((resolve, reject) =>
    child.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(told)) : reject(new Error(`${args} ended with ${code}`)),
    ),
  );
}

const bare = `
import { readdirSync } from "node:fs";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
sharp.cache(false);
sharp.concurrency(1);
const session = await ort.InferenceSession.create("models/efficientnet-lite0/onnx/model.onnx", { intraOpNumThreads: 1 });
for (const name of readdirSync(${JSON.stringify(photos)})) {
  const { data } = await sharp(${JSON.stringify(photos)} + "/" + name).resize(224, 224).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const pixels = new Float32Array(3 * 224 * 224);
  for (let i = 0; i < 224 * 224; i++) for (let c = 0; c < 3; c++) pixels[c * 224 * 224 + i] = (data[3 * i + c] - 127) / 128;
  await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", pixels, [1, 3, 224, 224]) });
}`;

try {
  mkdirSync(photos);
  const given = readdirSync(path.resolve(root, values.photos), { recursive: true })
    .filter((name) => /\.jpe?g$/i.test(name))
    .sort();
  for (let i = 0; i < count; i++)
    copyFileSync(
      path.resolve(root, values.photos, given[i % given.length]),
      path.join(photos, `${String(i).padStart(5, "0")}.jpg`),
    );
  const plain = await run("--input-type=module", "--eval", bare);
  const explained = await run("dist/cli/bin.js", "explain", photos, "--json", "--threads", "1", "--out", out);
  const bytes = readdirSync(out).reduce((sum, name) => sum + statSync(path.join(out, name)).size, 0);
  const each = (total) => total / count;
  console.log(`${count} photographs, one thread`);
  console.log(`  bare decoding and forward pass  ${each(plain.cpu).toFixed(1)} ms each, ${plain.memory.toFixed(0)} MB`);
  console.log(
    `  gradcam explain DIR             ${each(explained.cpu).toFixed(1)} ms each, ${explained.memory.toFixed(0)} MB`,
  );
  console.log(
    `  ratio ${(explained.cpu / plain.cpu).toFixed(2)}; files ${(each(bytes) / 1e3).toFixed(0)} KB each, ${(bytes / 1e6).toFixed(0)} MB`,
  );
  if (!values.quick && (each(explained.cpu) > 80 || explained.memory > 300)) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
