/** @file Grad-CAM with one part of it changed, as the paper does: no ReLU, the maximum of the gradients, other layers, guided and deconvolved gradients. */
import { byImage, defineMethod, flatGrid, layerMethod, vjp } from "../../dist/index.js";

/** The largest gradient over the grid in place of the mean. */
const byMaximum = layerMethod(
  (parts) => {
    const { build, a } = parts;
    const [n = -1, channels = -1] = a.dims ?? [];
    const gradients = { ...byImage(parts, parts.da, [build.dimOf(flatGrid(parts), 2)]), dims: [n, -1, channels, -1] };
    return build.relu(build.matMul(build.reduceMax(gradients, [3], false), flatGrid(parts)));
  },
  { name: "maximum", title: "Grad-CAM by the maximum", summary: "", paper: "" },
);

/** What is changed, at a layer. */
const changes = (layer) => ({
  "no ReLU": { layer, method: "grad-cam", options: { sign: "signed" }, lifted: true },
  "maximum of the gradients": { layer, method: byMaximum },
  "guided gradients": { layer, rules: "guided" },
  "deconvolved gradients": { layer, rules: "deconv" },
});

/** The ways of a model whose layers are these, the last first: all changes at the last layer, the fifth and the furthest. */
export function waysOf(layers, further = []) {
  const [last, ...others] = [...layers.slice(0, 5), ...further];
  const changed = new Set([layers.slice(0, 5).at(-1), others.at(-1)]);
  const ways = { "grad-cam": { layer: last, method: "grad-cam" }, ...changes(last) };
  for (const layer of others) {
    ways[`at \`${layer}\``] = { layer, method: "grad-cam" };
    if (!changed.has(layer)) continue;
    for (const [name, how] of Object.entries(changes(layer))) ways[`at \`${layer}\`, ${name}`] = how;
  }
  return ways;
}

/** The layer's activations, as a method sees them. */
const activations = defineMethod({
  ...{ name: "activations", space: "layer", title: "Activations", summary: "", paper: "" },
  async explain({ activations }) {
    seen = await activations(0);
    const [n, , ...grid] = seen.dims;
    return { maps: { data: new Float32Array(grid.reduce((a, b) => a * b, n)), dims: [n, ...grid] } };
  },
});
let seen;

/** The map of a class by a way, [h, w]. */
export async function mapBy(model, explainer, feeds, { layer, method, options, rules, lifted }, target) {
  if (rules) return byRules(model, explainer, feeds, { layer, rules }, target);
  const { maps } = await explainer.explain(feeds, { method, options, layer, target });
  // Without the ReLU there is no 0 to begin at: the map goes from its minimum to its maximum.
  const least = lifted ? maps.data.reduce((a, b) => Math.min(a, b)) : 0;
  return { data: lifted ? maps.data.map((v) => v - least) : maps.data, dims: maps.dims.slice(1) };
}

/** Grad-CAM with the gradients at the layer by another set of rules. */
async function byRules({ ort, bytes, session }, explainer, feeds, { layer, rules }, target) {
  const { scores } = await explainer.forward(feeds);
  const seed = new Float32Array(scores.data.length);
  seed[target] = 1;
  const seeds = { [explainer.score.name]: new ort.Tensor("float32", seed, scores.dims) };
  const { gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: [layer], rules, session });
  const [, channels, height, width] = gradients[layer].dims;
  await explainer.explain(feeds, { method: activations, layer, target });
  const places = height * width;
  const map = new Float32Array(places);
  for (let k = 0; k < channels; k++) {
    const alpha = gradients[layer].data.subarray(k * places, (k + 1) * places).reduce((a, b) => a + b) / places;
    for (let p = 0; p < places; p++) map[p] += alpha * seen.data[k * places + p];
  }
  return { data: map.map((v) => Math.max(0, v)), dims: [height, width] };
}
