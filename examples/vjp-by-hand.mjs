/**
 * @file The primitive, without any method: the gradient of a logit with respect to the pixels and to an inner tensor, and a step along
 * it to see that it is one.
 *
 *     node examples/vjp-by-hand.mjs
 */
import { vjp } from "gradcam";
import ort from "onnxruntime-node";
import { labels, modelBytes, photoTensor } from "./shared/photo.mjs";

const input = await photoTensor(ort);
const espresso = labels.indexOf("espresso");

// The score is a weighted sum of the model's outputs: here the logit of one class, so its weight is 1 and the others' are 0.
const seed = new ort.Tensor("float32", new Float32Array(1000), [1, 1000]);
seed.data[espresso] = 1;

const { outputs, gradients } = await vjp(ort, modelBytes, {
  feeds: { pixel_values: input },
  seeds: { logits: seed },
  wrt: ["pixel_values", "features"],
});
const logit = outputs.logits.data[espresso];
const gradient = gradients.pixel_values.data;
console.log(`logit of espresso: ${logit.toFixed(2)}`);
for (const [name, { dims }] of Object.entries(gradients)) console.log(`d(logit)/d(${name}): [${dims}]`);

// A small step uphill must raise the logit by the step times the squared length of the gradient.
const squared = gradient.reduce((sum, g) => sum + g * g, 0);
const step = 0.01 / squared;
const moved = input.data.map((x, i) => x + step * gradient[i]);
const session = await ort.InferenceSession.create(modelBytes);
const after = await session.run({ pixel_values: new ort.Tensor("float32", moved, input.dims) });
console.log(`a step that should raise it by 0.010 raises it by ${(after.logits.data[espresso] - logit).toFixed(3)}`);
await session.release();
