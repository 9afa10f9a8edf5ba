/**
 * @file How often the bundled scene models are right, by ONNX Runtime on scenes that no training has seen.
 *
 *     npm run build && node scripts/scenes/evaluate.mjs [--count 1000] [--first 0] [--models models] [--json]
 *
 * A caption is right if it is true of its scene: two different objects of which every attribute and the relation hold. An answer is
 * right if it is the answer. Prints the shares with their 95 % intervals (Wilson), and the time.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";
import { isTrue, makeScene, paint, parseCaption, questionKinds, questions } from "../../dist/scenes/index.js";

const here = fileURLToPath(new URL("../../models", import.meta.url));
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    first: { type: "string", default: "0" },
    models: { type: "string", default: here },
    json: { type: "boolean", default: false },
  },
});
const [count, first] = [Number(values.count), Number(values.first)];
const chunk = 50;

const captioners = [await recurrent("scenes-captioner"), await transformer("scenes-captioner-transformer")];
const answerer = await answering("scenes-answerer");
const captionTallies = captioners.map(({ name }) => ({ name, all: tally(), sentences: tally() }));
const answerTallies = Object.fromEntries(["all kinds", ...questionKinds].map((kind) => [kind, tally()]));

for (let start = first; start < first + count; start += chunk) {
  const seeds = Array.from({ length: Math.min(chunk, first + count - start) }, (_, i) => start + i);
  const scenes = seeds.map(makeScene);
  const pixels = scenes.map((scene) => pixelValues(paint(scene)));
  for (const [i, { caption }] of captioners.entries())
    (await caption(batch(pixels))).forEach((text, k) => {
      captionTallies[i].all.count(isTrue(scenes[k], text));
      captionTallies[i].sentences.count(parseCaption(text) !== undefined);
    });
  const asked = scenes.flatMap((scene, k) =>
    questions(scene, 2).map((question) => ({ ...question, pixels: pixels[k] })),
  );
  for (let at = 0; at < asked.length; at += chunk) {
    const some = asked.slice(at, at + chunk);
    const texts = some.map(({ text }) => text);
    const given = await answerer(batch(some.map((question) => question.pixels)), texts);
    some.forEach(({ kind, answer }, k) => {
      for (const name of ["all kinds", kind]) answerTallies[name].count(given[k] === answer);
    });
  }
}

if (values.json) {
  const captions = Object.fromEntries(captionTallies.map(({ name, all }) => [name, all.share()]));
  const right = Object.fromEntries(Object.entries(answerTallies).map(([kind, of]) => [kind, of.share()]));
  console.log(JSON.stringify({ scenes: count, first, captions, answers: right }));
} else {
  console.log(`${count} scenes, seeds ${first} to ${first + count - 1}\n`);
  console.log("| model | captions true of the scene | sentences of the world |\n| --- | --- | --- |");
  for (const { name, all, sentences } of captionTallies)
    console.log(`| ${name} | ${all.text()} | ${sentences.text()} |`);
  console.log("\n| questions of | right answers |\n| --- | --- |");
  for (const [kind, { text }] of Object.entries(answerTallies)) console.log(`| ${kind} | ${text()} |`);
}

/** A captioner whose decoder makes a step a word: `captioner.json` names the tensors. */
async function recurrent(name) {
  const { encoder, decoder, start_token_id, end_token_id, max_length } = await json(name, "captioner.json");
  const [encode, step] = [await open(name, encoder.model), await open(name, decoder.model)];
  const words = await vocabularyOf(name);
  return {
    name,
    async caption(pixels) {
      const encoded = await encode.run({ [encoder.image]: pixels });
      const feeds = {};
      for (const [input, output] of Object.entries(decoder.features)) feeds[input] = encoded[output];
      for (const { input, start } of decoder.states) feeds[input] = encoded[start];
      const rows = Array.from({ length: pixels.dims[0] }, () => [start_token_id]);
      while (rows[0].length < max_length && !rows.every((row) => row.includes(end_token_id))) {
        feeds[decoder.word] = ids(rows.map((row) => row.slice(-1)));
        const result = await step.run(feeds);
        best(result[decoder.logits]).forEach((word, k) => {
          rows[k].push(word);
        });
        for (const { input, output } of decoder.states) feeds[input] = result[output];
      }
      return rows.map((row) => sentence(row, words, end_token_id));
    },
  };
}

/** A captioner whose decoder reads the sentence so far, in the layout of transformers.js. */
async function transformer(name) {
  const { decoder_start_token_id, eos_token_id, max_length } = await json(name, "generation_config.json");
  const [encode, decode] = [await open(name, "onnx/encoder_model.onnx"), await open(name, "onnx/decoder_model.onnx")];
  const words = await vocabularyOf(name);
  return {
    name,
    async caption(pixels) {
      const { last_hidden_state } = await encode.run({ pixel_values: pixels });
      const rows = Array.from({ length: pixels.dims[0] }, () => [decoder_start_token_id]);
      while (rows[0].length < max_length && !rows.every((row) => row.includes(eos_token_id))) {
        const { logits } = await decode.run({ input_ids: ids(rows), encoder_hidden_states: last_hidden_state });
        best(logits).forEach((word, k) => {
          rows[k].push(word);
        });
      }
      return rows.map((row) => sentence(row, words, eos_token_id));
    },
  };
}

async function answering(name) {
  const { id2label, pad_token_id, max_length } = await json(name, "config.json");
  const [session, words] = [await open(name, "model.onnx"), await vocabularyOf(name)];
  return async (pixels, texts) => {
    const rows = texts.map((text) => {
      const row = text.split(" ").map((word) => words.indexOf(word));
      return [...row, ...new Array(max_length - row.length).fill(pad_token_id)];
    });
    const { logits } = await session.run({ pixel_values: pixels, input_ids: ids(rows) });
    return best(logits).map((answer) => id2label[answer]);
  };
}

/** For each row the index of the greatest logit, of the last word where there are several. */
function best({ data, dims }) {
  const width = dims[dims.length - 1];
  const each = data.length / dims[0];
  return Array.from({ length: dims[0] }, (_, k) => {
    const row = data.subarray((k + 1) * each - width, (k + 1) * each);
    return row.indexOf(Math.max(...row));
  });
}

function sentence(row, words, end) {
  const stop = row.indexOf(end);
  return row
    .slice(1, stop < 0 ? undefined : stop)
    .map((word) => words[word])
    .join(" ");
}

async function vocabularyOf(name) {
  const { vocab } = (await json(name, "tokenizer.json")).model;
  const words = [];
  for (const [word, id] of Object.entries(vocab)) words[id] = word;
  return words;
}

async function json(name, file) {
  return JSON.parse(await readFile(path.join(values.models, name, file), "utf8"));
}

function open(name, file) {
  return ort.InferenceSession.create(path.join(values.models, name, file), { intraOpNumThreads: 1 });
}

/** [3, 96, 96] of -1 to 1. */
function pixelValues({ picture: { width, height, data } }) {
  const area = width * height;
  return Float32Array.from({ length: 3 * area }, (_, i) => data[(i % area) * 3 + Math.floor(i / area)] / 127.5 - 1);
}

function batch(pixels) {
  const side = Math.sqrt(pixels[0].length / 3);
  const all = new Float32Array(pixels.length * pixels[0].length);
  pixels.forEach((one, k) => {
    all.set(one, k * one.length);
  });
  return new ort.Tensor("float32", all, [pixels.length, 3, side, side]);
}

function ids(rows) {
  return new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
}

function tally() {
  let [right, all] = [0, 0];
  return {
    count(hit) {
      right += hit ? 1 : 0;
      all++;
    },
    share: () => right / all,
    text() {
      const z = 1.96;
      const share = right / all;
      const middle = (share + (z * z) / (2 * all)) / (1 + (z * z) / all);
      const reach = (z / (1 + (z * z) / all)) * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
      const percent = (value) => (100 * value).toFixed(1);
      return `${percent(share)} % of ${all} (${percent(middle - reach)} to ${percent(middle + reach)})`;
    },
  };
}
