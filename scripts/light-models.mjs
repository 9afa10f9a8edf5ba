/**
 * @file Explains the models of the zoo that come with the Python package onnx (operator set 9, IR 3, weights made by the graph), each at
 * its default layer and at the pixels, and writes their table in docs/architectures.md.
 *
 *     node scripts/light-models.mjs "$(python -c 'import onnx; print(onnx.__path__[0])')/backend/test/data/light"
 *
 * All weights of a tensor are equal, so the maps say nothing; that they are finite and not blank says that every operator has its rule.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { openExplainer } from "../dist/index.js";

const PAGE = fileURLToPath(new URL("../docs/architectures.md", import.meta.url));
const [START, END] = ["<!-- light: start -->", "<!-- light: end -->"];

/** "yes" for a map that is finite and not blank. */
function verdictOf({ data }) {
  if (!data.every(Number.isFinite)) return "not finite";
  return data.some((value) => value !== 0) ? "yes" : "blank";
}

async function explainModel(file) {
  const explainer = await openExplainer(ort, new Uint8Array(readFileSync(file)));
  const { imageInput, layers, score, model, tensors } = explainer;
  const dims = tensors.get(imageInput).dims.map((d) => (d < 0 ? 1 : d));
  const pixels = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(0.37 * i * i));
  const feeds = { [imageInput]: new ort.Tensor("float32", pixels, dims) };
  const [layer] = layers;
  const maker = model.producer.get(layer.name).opType;
  const verdicts = [];
  for (const method of ["grad-cam", "gradient"])
    verdicts.push(verdictOf((await explainer.explain(feeds, { method })).maps));
  await explainer.release();
  const name = basename(file, ".onnx").replace("light_", "");
  return [name, score.name, score.before ?? "–", `\`${layer.name}\`, ${maker}`, layer.grid.join(" x "), ...verdicts];
}

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error("usage: node scripts/light-models.mjs DIRECTORY_OF_LIGHT_MODELS");
  process.exit(2);
}
const files = readdirSync(directory).filter((name) => name.endsWith(".onnx"));
const line = (cells) => `| ${cells.join(" | ")} |`;
const head = ["model", "scores", "in front of", "default layer", "grid", "Grad-CAM", "gradient"];
const lines = [line(head), line(head.map(() => "---"))];
for (const [i, file] of files.entries()) {
  const row = await explainModel(join(directory, file));
  lines.push(line(row));
  console.log(`${i + 1}/${files.length}  ${row.join("  ")}`);
}
const page = readFileSync(PAGE, "utf8");
const [before, after] = [page.split(START)[0], page.split(END)[1]];
if (after === undefined) throw new Error(`${PAGE} has no ${START} and ${END}`);
writeFileSync(PAGE, [before, START, "\n\n", lines.join("\n"), "\n\n", END, after].join(""));
