/**
 * @file What an explanation costs beside ONNX Runtime's plain forward pass, in the same run.
 *
 *   node bench/speed.mjs [--quick] [--only NAME] [--models DIR] [--cpu]
 *
 * DIR is where export-bench-models.py wrote its networks: with it, the two that are not built in code are measured too. With --cpu
 * times are of the processor, in sessions of one thread: other work on the machine hardly changes their ratios.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import ort from "onnxruntime-node";
import { openExplainer } from "../dist/index.js";
import { inTurn, median, milliseconds, pause, processorMilliseconds, ratio } from "./measure.mjs";
import { mobilenetV2, resnet50, vgg16 } from "./networks.mjs";

ort.env.logLevel = "error";
const quick = process.argv.includes("--quick");
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const only = option("--only");
const models = option("--models");
const [timed, options] = process.argv.includes("--cpu")
  ? [processorMilliseconds, { intraOpNumThreads: 1, interOpNumThreads: 1 }]
  : [milliseconds, {}];
const exported = (name) => () => new Uint8Array(readFileSync(path.join(models, `${name}.onnx`)));
const lite0 = () =>
  new Uint8Array(readFileSync(new URL("../models/efficientnet-lite0/onnx/model.onnx", import.meta.url)));

/** Further classes asked one after the other, of which the mean counts: one alone is shorter than the waking of a core that paused. */
const inARow = 16;

/** Network, rounds, classes of the last column. */
const networks = [
  ["ResNet-50", resnet50, 15, 1000],
  ["VGG-16", vgg16, 7, 8],
  ["MobileNet-v2", mobilenetV2, 40, 1000],
  ["EfficientNet-Lite0", lite0, 40, 1000],
  ...(models
    ? [
        ["ViT-B/16", exported("vit_b_16"), 7, 8],
        ["ConvNeXt-Tiny", exported("convnext_tiny"), 15, 8],
      ]
    : []),
].filter(([name]) => (quick ? name === "EfficientNet-Lite0" : only === undefined || name === only));

if (!quick) console.log(`Grad-CAM's extension of ResNet-50: ${await extensionBytes(resnet50())} bytes`);
console.log("| network | forward, ms | Grad-CAM | further class | all classes | guided BP | open |");
console.log("|---|---|---|---|---|---|---|");
for (const [name, build, rounds, classes] of networks)
  console.log(await measure(name, build(), quick ? 3 : rounds, classes));

async function measure(name, bytes, rounds, classes) {
  const opening = await timesOfOpening(bytes);
  const plain = await ort.InferenceSession.create(bytes, options);
  const explainer = await openExplainer(ort, bytes, { session: options });
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  const feeds = { [plain.inputNames[0]]: new ort.Tensor("float32", data, [1, 3, 224, 224]) };
  const seen = await explainer.forward(feeds);
  const each = Array.from({ length: classes }, (_, i) => i);
  let round = 0;
  const times = await inTurn(
    {
      forward: () => plain.run(feeds),
      gradCam: () => explainer.explain(feeds, { target: round++ % 1000 }),
      further: async () => {
        for (let i = 0; i < inARow; i++) await seen.explain({ target: (round + i) % 1000 });
      },
      all: () => seen.explain({ target: { each } }),
      guided: () => explainer.explain(feeds, { target: round % 1000, method: "guided-backprop" }),
    },
    rounds,
    timed,
  );
  await explainer.release();
  await plain.release();
  times.further = times.further.map((t) => t / inARow);
  const figures = ["gradCam", "further", "all", "guided"].map((what) => ratio(times, what, "forward").toFixed(3));
  if (classes < 1000) figures[2] += ` (${classes} classes)`;
  return `| ${[name, median(times.forward).toFixed(1), ...figures, opening.toFixed(2)].join(" | ")} |`;
}

/** Opening an explainer over creating the plain session. */
async function timesOfOpening(bytes) {
  const ratios = [];
  for (let i = 0; i < 9; i++) {
    let session;
    let explainer;
    await pause();
    const created = await timed(async () => {
      session = await ort.InferenceSession.create(bytes, options);
    });
    await session.release();
    await pause();
    const opened = await timed(async () => {
      explainer = await openExplainer(ort, bytes, { session: options });
    });
    await explainer.release();
    if (i > 0) ratios.push(opened / created); // the first pair warms the process
  }
  return median(ratios);
}

/** The size of what is appended to a model for its scores, its layer and the Grad-CAM of any class. */
async function extensionBytes(bytes) {
  let longest = 0;
  const create = (made, options) => {
    longest = Math.max(longest, made.length);
    return ort.InferenceSession.create(made, options);
  };
  const explainer = await openExplainer({ Tensor: ort.Tensor, InferenceSession: { create } }, bytes);
  await explainer.release();
  return longest - bytes.length;
}
