/**
 * @file Our times beside those of captum, torch-cam and pytorch-grad-cam, on the same networks and in the same rounds.
 *
 *   node bench/peers/peers.mjs [--venv DIR] [--models DIR] [--only NETWORK] [--rounds N] [--threads N] [--methods [--method NAME]...]
 *
 * Makes the virtual environment and installs requirements.txt if DIR is not there, and exports the networks (random weights) if they are
 * not. All contenders of a network run in turn, each twice a round after a pause of 50 ms, of which the second counts; the peers do so
 * in a process of their own, which waits on a pipe meanwhile. With --methods every method that a peer has stands beside that peer: a contender that
 * takes seconds runs once a round.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";
import { methods, openExplainer } from "../../dist/index.js";
import { median, milliseconds, pause, ratio } from "../measure.mjs";

const root = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const { values: options } = parseArgs({
  options: {
    venv: { type: "string", default: root("node_modules/.cache/peers/venv") },
    models: { type: "string", default: root("node_modules/.cache/peers/models") },
    only: { type: "string" },
    rounds: { type: "string" },
    methods: { type: "boolean" },
    method: { type: "string", multiple: true },
    threads: { type: "string", default: String(os.availableParallelism()) },
  },
});
const threads = Number(options.threads);
const python = path.join(options.venv, "bin", "python");
ort.env.logLevel = "error";

/** Milliseconds above which ours is not run a second time in a round. */
const longest = 20_000;

/** Network, its name in export-bench-models.py, rounds. */
const networks = [
  ["ResNet-50", "resnet50", 11],
  ["VGG-16", "vgg16", 5],
  ["MobileNet-v2", "mobilenet_v2", 21],
  ["EfficientNet-Lite0", "efficientnet_lite0", 21],
  ["ViT-B/16", "vit_b_16", 7],
  ["ConvNeXt-Tiny", "convnext_tiny", 11],
].filter(([name]) => options.only === undefined || name === options.only);

const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
if (!existsSync(python)) {
  run("python3", "-m", "venv", options.venv);
  run(python, "-m", "pip", "install", "-r", root("bench/peers/requirements.txt"));
}
for (const [, file] of networks)
  if (!existsSync(path.join(options.models, `${file}.onnx`)))
    run(python, root("scripts/export-bench-models.py"), options.models, "--only", file);

console.log(
  `${os.cpus()[0].model}, ${threads} threads, ONNX Runtime ${ort.env.versions.common}, Node ${process.version}`,
);
for (const [name, file, rounds] of networks)
  if (options.methods) await beside(name, file, Number(options.rounds ?? 3));
  else report(name, await measure(file, Number(options.rounds ?? rounds)));

/** Each method and its peers in turn, and how often ours goes into theirs; told as soon as it is known. */
async function beside(network, file, rounds) {
  const peers = await startPeers(file, "methods");
  const session = { intraOpNumThreads: threads };
  const bytes = new Uint8Array(readFileSync(path.join(options.models, `${file}.onnx`)));
  const explainer = await openExplainer(ort, bytes, { session });
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  const feeds = { [explainer.imageInput]: new ort.Tensor("float32", data, [1, 3, 224, 224]) };
  console.log(
    `\n${network} (${rounds} rounds)\n\n| method | ours, ms | peer | its ms | times ours |\n|---|---|---|---|---|`,
  );
  const known = new Set(methods.map(({ name }) => name));
  const named = peers.names.map((name) => /^(\S+) (\S+)$/.exec(name) ?? []).filter(([, , method]) => known.has(method));
  for (const method of new Set(named.map(([, , name]) => name))) {
    if (options.method && !options.method.includes(method)) continue;
    const its = named.filter(([, , name]) => name === method);
    const times = Object.fromEntries([method, ...its.map(([name]) => name)].map((name) => [name, []]));
    const refused = new Map();
    for (let round = 0; round <= rounds; round++)
      for (const name of Object.keys(times)) {
        if (refused.has(name)) continue;
        await pause();
        const took = name === method ? await ours(explainer, feeds, method) : await peers.time(name);
        if (typeof took === "string") refused.set(name, took);
        else if (round > 0 || took > longest) times[name].push(took);
      }
    for (const [name, peer] of its)
      console.log(`| ${rowOf(method, peer, times[method], times[name], refused.get(method) ?? refused.get(name))} |`);
  }
  await explainer.release();
  peers.stop();
}

/** The second of two runs, or the first where it takes long; words where the network cannot be asked so. */
async function ours(explainer, feeds, method) {
  const work = () => explainer.explain(feeds, { target: 281, method });
  try {
    const first = await milliseconds(work);
    return first > longest ? first : await milliseconds(work);
  } catch (error) {
    if (error.name === "UserError") return error.message;
    throw error;
  }
}

function rowOf(method, peer, own, theirs, refused) {
  if (refused) return [method, "", peer, "", refused.split("\n")[0].slice(0, 80)].join(" | ");
  const rounds = Math.min(own.length, theirs.length);
  const times = median(theirs.slice(0, rounds).map((ms, i) => ms / own[i]));
  return [method, median(own).toFixed(1), peer, median(theirs).toFixed(1), `${times.toFixed(2)} x`].join(" | ");
}

async function measure(file, rounds) {
  const peers = await startPeers(file);
  const session = { intraOpNumThreads: threads };
  const bytes = new Uint8Array(readFileSync(path.join(options.models, `${file}.onnx`)));
  const plain = await ort.InferenceSession.create(bytes, session);
  const explainer = await openExplainer(ort, bytes, { session });
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  const feeds = { [plain.inputNames[0]]: new ort.Tensor("float32", data, [1, 3, 224, 224]) };
  const own = (work) => async () => {
    await work();
    return milliseconds(work);
  };
  const contenders = {
    "ONNX Runtime forward": own(() => plain.run(feeds)),
    "gradcam Grad-CAM": own(() => explainer.explain(feeds, { target: 281 })),
    "gradcam guided": own(() => explainer.explain(feeds, { target: 281, method: "guided-backprop" })),
    ...Object.fromEntries(peers.names.map((name) => [name, () => peers.time(name)])),
  };
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++)
    for (const [name, time] of Object.entries(contenders)) {
      await pause();
      const took = await time();
      if (round > 0) times[name].push(took);
    }
  await explainer.release();
  await plain.release();
  peers.stop();
  return times;
}

/** The process with the peers: asked by a line, answered by a line. */
async function startPeers(file, ...which) {
  const child = spawn(python, [root("bench/peers/peers.py"), file, String(threads), ...which], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, TQDM_DISABLE: "1" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("peers.py ended");
    return JSON.parse(value);
  };
  const names = await read();
  return {
    names,
    time: (name) => {
      child.stdin.write(`${name}\n`);
      return read();
    },
    stop: () => child.stdin.end(),
  };
}

/** Milliseconds, and how often ours goes into theirs, round by round. */
function report(network, times) {
  const rounds = Object.values(times)[0].length;
  console.log(
    `\n${network} (${rounds} rounds)\n\n| | ms | least to most | of the forward pass | of ours |\n|---|---|---|---|---|`,
  );
  for (const [name, ms] of Object.entries(times)) {
    const ours = /guided/.test(name) ? "gradcam guided" : /Grad-CAM/.test(name) ? "gradcam Grad-CAM" : undefined;
    const row = [
      name,
      median(ms).toFixed(1),
      `${Math.min(...ms).toFixed(1)} to ${Math.max(...ms).toFixed(1)}`,
      ratio(times, name, "ONNX Runtime forward").toFixed(2),
      ours && ours !== name ? `${ratio(times, name, ours).toFixed(2)} x` : "",
    ];
    console.log(`| ${row.join(" | ")} |`);
  }
}
