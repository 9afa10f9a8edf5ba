/**
 * @file A rule of your own in place of a built-in one, and the check that tells a gradient from something else.
 *
 * ReLU6 is Clip(0, 6) in ONNX, and a unit that saturates at 6 sends no gradient back. This rule sees through the saturation, as if the
 * rectifier had no upper bound: dx = dy [y > 0]. Guided backpropagation is nothing but such a table.
 *
 *     node examples/your-own-rule.mjs
 */
import { checkVjp, vjp } from "gradcam";
import ort from "onnxruntime-node";
import { labels, modelBytes, photoTensor } from "./shared/photo.mjs";

// A rule builds ONNX nodes: from a node's inputs x, outputs y and their gradients dy, the gradient of each input.
const unbounded = new Map([["Clip", ({ build, y: [y], dy: [dy] }) => [build.mul(dy, build.step(y))]]]);

const feeds = { pixel_values: await photoTensor(ort) };
const seed = new ort.Tensor("float32", new Float32Array(1000), [1, 1000]);
seed.data[labels.indexOf("espresso")] = 1;

for (const [name, rules] of Object.entries({ plain: "plain", guided: "guided", "your own": unbounded })) {
  const options = { feeds, seeds: { logits: seed }, wrt: ["pixel_values"], rules };
  const { gradients } = await vjp(ort, modelBytes, options);
  const length = Math.sqrt(gradients.pixel_values.data.reduce((sum, g) => sum + g * g, 0));
  // Near 0 for the gradient of the network; a small step, since a deep network of rectifiers has a kink nearly everywhere.
  const [{ error }] = await checkVjp(ort, modelBytes, { feeds, rules, step: 1e-4 });
  console.log(`${name.padEnd(8)}  length ${length.toFixed(1)}, disagreement with differences ${error.toFixed(1)}`);
}
