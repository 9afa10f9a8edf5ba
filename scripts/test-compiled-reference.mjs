/**
 * @file What gradcam says of a model and an input, for the programs in other languages that run the compiled model.
 *
 *   node scripts/test-compiled-reference.mjs MODEL METHOD INPUT SHAPE CLASS...
 *
 * INPUT holds little-endian float32 numbers, SHAPE is like 1,3,224,224, a CLASS of -1 is the best. Prints one JSON line:
 * [{ "class": [per image], "shape", "values" }, ...], one entry for each CLASS.
 */
import { readFileSync } from "node:fs";
import ort from "onnxruntime-node";
import { openExplainer } from "../dist/index.js";

const [model, method, input, shape, ...classes] = process.argv.slice(2);
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
