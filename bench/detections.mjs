/**
 * @file What the maps of sixteen boxes cost beside ONNX Runtime's plain forward pass, in the same run.
 *
 *   node bench/detections.mjs [--quick] [--cpu] [--rounds N] [--model FILE]...
 *
 * Without --model two networks built in code: a convolutional head of three levels, and a decoder of queries with deformable attention. With
 * --cpu times are of the processor, in sessions of one thread: other work on the machine hardly changes their ratios.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";
import { fetching } from "../dist/autodiff/adjoint.js";
import { openExplainer } from "../dist/index.js";
import { openExtended } from "../dist/onnx/append.js";
import { nodesBehind } from "../dist/onnx/behind.js";
import { extract, readsOf } from "../dist/onnx/extract.js";
import { makeValueInfo } from "../dist/onnx/proto.js";
import { Finder } from "../dist/tasks/detect/detections.js";
import { recogniseHead } from "../dist/tasks/detect/recognise.js";
import { convolutionalHead, queryDecoder } from "./detectors.mjs";
import { inTurn, median, milliseconds, processorMilliseconds, ratio } from "./measure.mjs";

ort.env.logLevel = "error";
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    cpu: { type: "boolean", default: false },
    rounds: { type: "string" },
    model: { type: "string", multiple: true, default: [] },
  },
});
const [timed, session] = values.cpu
  ? [processorMilliseconds, { intraOpNumThreads: 1, interOpNumThreads: 1 }]
  : [milliseconds, {}];
const rounds = Number(values.rounds ?? (values.quick ? 2 : 8));
const [most, usual] = [16, 100];

const networks = values.model.length
  ? values.model.map((file) => [path.basename(file), () => new Uint8Array(readFileSync(file))])
  : [
      ["convolutional head", () => convolutionalHead(values.quick ? 160 : 640)],
      ["query decoder", () => queryDecoder(values.quick ? 128 : 320)],
    ];

console.log("| network | forward, ms | behind the layer | run and boxes | maps | all | at most | memory, MB |");
console.log("|---|---|---|---|---|---|---|---|");
for (const [name, build] of networks) console.log(await measure(name, build()));

async function measure(name, bytes) {
  const plain = await ort.InferenceSession.create(bytes, session);
  const explainer = await openExplainer(ort, bytes, { session });
  const { model, sized } = explainer;
  const [{ name: input }] = model.inputs;
  const dims = sized.get(input).dims.map((d) => Math.abs(d));
  const [, , height, width] = dims;
  const size = { width, height };
  const { head } = recogniseHead({ model, tensors: sized, input: size, labels: [] });
  const finder = new Finder(ort, explainer, head);
  const count = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => 0.5 + (Math.sin(i * 0.37) + Math.cos(i * 0.011)) / 4);
  const feeds = { [input]: new ort.Tensor("float32", data, dims) };
  const find = (score, maxDetections = most) => finder.find(feeds, size, { score, maxDetections });
  // Of random weights a score that leaves as many boxes as a picture has.
  const score = (await find(0, usual)).candidates.at(-1).score;
  const seen = await find(score);
  const explained = (found) =>
    found.pass.explain(
      found.candidates.map((candidate) => found.score(candidate)),
      { method: "hires-cam" },
    );
  const { layer, sum } = seen.score(seen.candidates[0]);
  const [{ tensor }] = sum;
  const plan = await explainer.planFor(feeds);
  const behind = await sessionBehind(plan, layer, tensor, feeds);
  const times = await inTurn(
    {
      forward: () => plain.run(feeds),
      behind: () => behind.session.run(behind.feeds),
      find: () => find(score),
      maps: () => explained(seen),
      all: async () => explained(await find(score)),
    },
    rounds,
    timed,
  );
  const memory = process.resourceUsage().maxRSS / 1000;
  for (const one of [explainer, plain, behind.session]) await one.release();
  const [share, found, maps, all] = ["behind", "find", "maps", "all"].map((what) => ratio(times, what, "forward"));
  const bound = plan.sight(tensor, layer) ? 1.5 : 1.2 * (1 + most * share);
  const figures = [share, found, maps, all, bound].map((figure) => figure.toFixed(2));
  const what = `${name}, ${width} px, ${seen.candidates.length} boxes`;
  return `| ${[what, median(times.forward).toFixed(1), ...figures, memory.toFixed(0)].join(" | ")} |`;
}

/** What lies between a layer and the scores, forwards, as a session, and what it is fed in one run. */
async function sessionBehind({ model, tensors }, layer, scores, feeds) {
  const extension = { initializers: [], inputs: [], outputs: [makeValueInfo(scores)] };
  const nodes = nodesBehind(model, layer, [scores]);
  const { residuals } = readsOf(model, { ...extension, nodes });
  const forward = await openExtended(ort, model.bytes, fetching(model, residuals), session);
  const behind = await ort.InferenceSession.create(extract(model, tensors, { ...extension, nodes }), session);
  const kept = await forward.run(feeds, residuals);
  await forward.release();
  return { session: behind, feeds: kept };
}
