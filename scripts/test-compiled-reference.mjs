/**
 * @file What gradcam says of a model and an input, for the programs in other languages that run the compiled model.
 *
 *   node scripts/test-compiled-reference.mjs MODEL METHOD INPUT SHAPE CLASS...
 *
 * INPUT holds little-endian float32 numbers, SHAPE is like 1,3,224,224, a CLASS of -1 is the best. Prints one JSON line:
 * [{ "class": [per image], "shape", "values" }, ...], one entry for each CLASS. With "boxes" for the classes it is a detector's answer:
 * [{ "box", "score", "class", "shape", "values" }, ...], one entry for each box.
 */
import { readFileSync } from "node:fs";
import ort from "onnxruntime-node";
import { openExplainer } from "../dist/index.js";
import { load } from "../dist/node.js";

const [model, method, input, shape, ...classes] = process.argv.slice(2);
if (classes[0] === "boxes") {
  console.log(JSON.stringify(await boxes()));
  process.exit(0);
}
const explainer = await openExplainer(ort, new Uint8Array(readFileSync(model)));
const name = explainer.imageInput;
const bytes = readFileSync(input);
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const dims = shape.split(",").map(Number);

const feeds = { [name]: new ort.Tensor("float32", numbers, dims) };

const { scores } = await explainer.forward(feeds);
const answers = [];
for (const text of classes) {
  const target = text === "-1" ? undefined : Number(text);
  const { maps, pixels } = await explainer.explain(feeds, { target, method });
  const shown = pixels ?? maps;
  const explained = Array.from({ length: dims[0] }, (_, i) => target ?? best(i));
  answers.push({ class: explained, shape: shown.dims, values: [...shown.data] });
}
await explainer.release();
console.log(JSON.stringify(answers));

function best(image) {
  const [, count, ...grid] = scores.dims;
  const places = grid.reduce((a, b) => a * b, 1);
  const means = Array.from({ length: count }, (_, c) => {
    const from = (image * count + c) * places;
    return scores.data.subarray(from, from + places).reduce((a, b) => a + b, 0);
  });
  return means.indexOf(Math.max(...means));
}

async function boxes() {
  const bytes = readFileSync(input);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const detector = await load(model, { task: "detection" });
  const sample = { data, dims: shape.split(",").slice(1).map(Number) };
  const { detections, explanations } = await detector.explain(sample, { method, maxDetections: 16 });
  await detector.release();
  return detections.map(({ box, score, class: c }, i) => {
    const { map } = explanations[i];
    return { box, score, class: c, shape: map.dims, values: [...map.data] };
  });
}
