/**
 * @file Forward once, ask often: one pass over the network, then the Grad-CAM maps of all 1,000 classes in one further run.
 *
 *     node examples/classes-side-by-side.mjs
 */
import { openExplainer } from "gradcam";
import ort from "onnxruntime-node";
import { labels, modelBytes, photoTensor } from "./shared/photo.mjs";

const explainer = await openExplainer(ort, modelBytes);
const forward = await explainer.forward({ pixel_values: await photoTensor(ort) });

const { maps } = await forward.explain({ target: { each: labels.map((_, i) => i) } });
const [count, height, width] = maps.dims;
console.log(`${count} maps of ${height} x ${width} on "${forward.layer}" from one forward pass`);

// Raw maps can be compared: they share the scale of the scores.
const cells = height * width;
const strongest = labels
  .map((label, c) => {
    const map = maps.data.subarray(c * cells, (c + 1) * cells);
    const peak = map.indexOf(map.reduce((a, b) => Math.max(a, b)));
    return { label, score: forward.scores.data[c], row: Math.floor(peak / width), column: peak % width, map };
  })
  .sort((a, b) => b.score - a.score);

for (const { label, score, row, column, map } of strongest.slice(0, 5))
  console.log(`\n${label}, score ${score.toFixed(1)}, peak in row ${row}, column ${column}\n${drawing(map)}`);

await explainer.release();

/** A map in letters, two a cell, from nothing to its maximum. */
function drawing(map) {
  const most = map.reduce((a, b) => Math.max(a, b));
  const shades = " .:-=+*#%@";
  const letters = Array.from(map, (v) => shades[Math.round((v / most) * 9)].repeat(2));
  const rows = Array.from({ length: height }, (_, y) => letters.slice(y * width, (y + 1) * width).join(""));
  return rows.map((row) => `  ${row}`.trimEnd()).join("\n");
}
