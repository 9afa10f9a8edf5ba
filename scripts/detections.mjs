/**
 * @file How faithful maps of a detector's boxes are, by several methods, at the inputs of its head and further back, beside a control.
 *
 *     npm run build && node scripts/detections.mjs [--model models/scenes-detector] [--dataset scenes:60] [--format NAME]
 *       [--way METHOD | --way METHOD@LAYER]... [--json FILE]
 *
 * Without --way: hires-cam, layer-cam, grad-cam, odam at the head's inputs and at the end of the backbone, and d-rise. It prints the tables
 * of docs/results.md.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ClassNames } from "../dist/evaluate/datasets/classes.js";
import { readDataset } from "../dist/evaluate/datasets/index.js";
import { control, examineDetections, itself } from "../dist/evaluate/detections/examine.js";
import { detectionFigures, differencesOf, figuresOf } from "../dist/evaluate/detections/figures.js";
import { openSample } from "../dist/evaluate/sample.js";
import { sourceAt } from "../dist/evaluate/source.js";
import { load } from "../dist/node.js";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: fileURLToPath(new URL("../models/scenes-detector", import.meta.url)) },
    dataset: { type: "string", default: "scenes:60" },
    format: { type: "string" },
    way: { type: "string", multiple: true },
    json: { type: "string" },
  },
});

const model = await load(values.model, { session: { intraOpNumThreads: 1 } });
const { subject: detector } = model;
const back = detector.explainer.layers[0].name;
const gradients = ["hires-cam", "layer-cam", "grad-cam", "odam"];
const usual = [...gradients, ...gradients.map((method) => `${method}@${back}`), "d-rise"];
const ways = (values.way ?? usual).map((name) => {
  const [method, layer] = name.split("@");
  return { name: layer === back ? `${method}, back` : name, method, layer };
});

const source = sourceAt(values.dataset);
const { samples } = await readDataset(source, new ClassNames(detector.labels.names), values.format);
const all = { objects: 0, found: 0, records: [], times: [] };
for (const [i, sample] of samples.entries()) {
  const { objects, found, records, times } = await examineDetections(await openSample(sample, source), detector, ways);
  all.objects += objects;
  all.found += found;
  all.records.push(...records);
  all.times.push({ boxes: found, times });
  if (i === 0 || Math.floor((10 * (i + 1)) / samples.length) > Math.floor((10 * i) / samples.length))
    console.error(`${i + 1} of ${samples.length} pictures`);
  if (values.json) await writeFile(values.json, JSON.stringify(all));
}
await model.release();

const number = (v) => v.toFixed(3).replace("-", "−");
const show = (one) => (one ? `${number(one.value)} [${number(one.low)}, ${number(one.high)}]` : "");
const table = (names, rows, cell) =>
  [
    `| | ${names.join(" | ")} |`,
    `| --- |${names.map(() => " --- |").join("")}`,
    ...rows.map((row) => `| ${row} | ${names.map((name) => cell(row, name)).join(" | ")} |`),
  ].join("\n");
const figures = figuresOf(all.records);
const differences = differencesOf(all.records);
const found = (list) => (way, figure) => show(list.find((one) => one.way === way && one.figure === figure));
const names = ways.map(({ name }) => name);
console.log(`${samples.length} pictures, ${all.objects} objects, ${all.found} found; further back is ${back}.\n`);
const rows = [...names, control, itself];
console.log(`${table(detectionFigures, rows, found(figures))}\n`);
console.log(`Differences from the control:\n\n${table(detectionFigures, [...names, itself], found(differences))}\n`);
// The first picture opens the sessions.
const later = all.times.slice(1).filter(({ boxes }) => boxes > 0);
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const time = (way) => median(later.map(({ boxes, times }) => times[way] / boxes));
console.log(table(["ms a box, median"], names, (way) => time(way)?.toFixed(1)));
