/**
 * @file What explaining a caption costs beside its forward pass, in the same run: encoder and decoder over the words, once.
 *
 *   node bench/captions.mjs [--quick] [--cpu]
 *
 * The forward pass is ONNX Runtime's own: the encoder's session and that of the decoder over all words. "caption" is the same with the map
 * of the whole caption, "each word" with a map for every word, in one run. With `--cpu`, sessions have one thread and the time is that on
 * the processor, which other work on the machine hardly changes.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import { SequenceExplainer } from "../dist/explain/sequence-explainer.js";
import { readModel, sequenceNarrator, stepNarrator } from "../dist/language.js";
import { inTurn, median, milliseconds, processorMilliseconds, ratio } from "./measure.mjs";
import { lstmDecoder, resnet50, vgg16 } from "./networks.mjs";

ort.env.logLevel = "error";
const quick = process.argv.includes("--quick");
const [timed, session] = process.argv.includes("--cpu")
  ? [processorMilliseconds, { intraOpNumThreads: 1 }]
  : [milliseconds, {}];
const words = 10;
const models = fileURLToPath(new URL("../models", import.meta.url));

const lstm = (encoder, width) => {
  const names = {
    image: "input",
    word: "word",
    logits: "logits",
    features: { features: width.features },
    states: [
      { input: "h", output: "next_h" },
      { input: "c", output: "next_c" },
    ],
  };
  return stepNarrator(
    ort,
    readModel(encoder),
    readModel(lstmDecoder({ features: 1000, hidden: 512, words: 9567 })),
    names,
  );
};

/** The models that come with the package, where they are. */
const bundled = ["scenes-captioner", "scenes-captioner-transformer"].filter((name) =>
  existsSync(path.join(models, name)),
);

const networks = [
  ["ResNet-50 + LSTM", () => lstm(resnet50(), { features: outputOf(resnet50()) }), [3, 224, 224], 15],
  ["VGG-16 + LSTM", () => lstm(vgg16(), { features: outputOf(vgg16()) }), [3, 224, 224], 7],
  ...bundled.map((name) => [name, () => ours(name), [3, 96, 96], 60]),
].filter(([name]) => !quick || name === "ResNet-50 + LSTM");

console.log("| network | forward, ms | caption | each of 10 words |");
console.log("|---|---|---|---|");
for (const [name, narrator, shape, rounds] of networks)
  console.log(await measure(name, narrator(), shape, quick ? 2 : rounds));

function outputOf(bytes) {
  return readModel(bytes).outputs[0];
}

function ours(name) {
  const read = (file) => readModel(new Uint8Array(readFileSync(path.join(models, name, file))));
  if (!existsSync(path.join(models, name, "captioner.json")))
    return sequenceNarrator(ort, read("onnx/encoder_model.onnx"), read("onnx/decoder_model.onnx"), 64);
  const { encoder, decoder } = JSON.parse(readFileSync(path.join(models, name, "captioner.json"), "utf8"));
  return stepNarrator(ort, read(encoder.model), read(decoder.model), { ...decoder, image: encoder.image });
}

async function measure(name, narrator, [c, h, w], rounds) {
  const places = narrator.places(words);
  const teller = narrator.teller(places);
  const data = Float32Array.from({ length: c * h * w }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  const feeds = { [teller.image]: new ort.Tensor("float32", data, [1, c, h, w]) };
  const spoken = Array.from({ length: places }, (_, t) => (t * 7) % 40);
  const said = spoken.slice(0, words);
  const whole = [said.map(() => 1)];
  const each = [...whole, ...said.map((_, t) => said.map((_, s) => (s === t ? 1 : 0)))];
  const sentences = new SequenceExplainer(ort, (n) => narrator.teller(n), { session });
  const sessions = [];
  for (const { model } of teller.parts) sessions.push(await ort.InferenceSession.create(model.bytes, session));
  const forward = async () => {
    let known = { ...feeds };
    for (const [i, part] of teller.parts.entries()) {
      if (i === teller.parts.length - 1) known = { ...known, ...teller.feed([spoken], known) };
      const own = (input) => `${part.name}/${input}`;
      const inputs = part.model.inputs.map((info) => [
        info.name,
        known[teller.connections[own(info.name)] ?? own(info.name)],
      ]);
      const results = await sessions[i].run(Object.fromEntries(inputs));
      for (const [output, tensor] of Object.entries(results)) known[own(output)] = tensor;
    }
  };
  const explained = async (weights) => {
    const told = await sentences.see(feeds).score(spoken, said);
    await told.signedMaps(weights);
  };
  const times = await inTurn({ forward, caption: () => explained(whole), each: () => explained(each) }, rounds, timed);
  for (const session of sessions) await session.release();
  await sentences.release();
  const figures = ["caption", "each"].map((what) => ratio(times, what, "forward").toFixed(2));
  return `| ${name} | ${median(times.forward).toFixed(1)} | ${figures.join(" | ")} |`;
}
