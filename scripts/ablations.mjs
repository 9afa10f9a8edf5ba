/**
 * @file Grad-CAM without each of its parts, as one table: no ReLU, the maximum instead of the mean of the gradients, each of the last five
 * layers, guided and deconvolved gradients in place of plain ones; on scenes, and on photographs where they are at hand.
 *
 *     npm run build && node scripts/ablations.mjs [--scenes 100] [--coco DIR] [--imagenet DIR] [--sample N] [--work DIR] [--out docs/results.md]
 *
 * Maps are of the picture's own class. An interrupted run is continued by the same command: what it measured is in --work.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";
import { randomFor } from "../dist/array/random.js";
import { bootstrap, mean } from "../dist/array/statistics.js";
import { ClassNames } from "../dist/evaluate/datasets/classes.js";
import { readDataset } from "../dist/evaluate/datasets/index.js";
import { localises } from "../dist/evaluate/metrics/localisation-error.js";
import { maxBoxAccuracy } from "../dist/evaluate/metrics/max-box-accuracy.js";
import { pointingGame } from "../dist/evaluate/metrics/pointing-game.js";
import { Randomised } from "../dist/evaluate/randomise.js";
import { openSample } from "../dist/evaluate/sample.js";
import { sourceAt } from "../dist/evaluate/source.js";
import { Subject } from "../dist/evaluate/subject.js";
import { rankCorrelation } from "../dist/metrics.js";
import { load } from "../dist/node.js";
import { mapBy, waysOf } from "./ablations/ways.mjs";
import { oneCategory } from "./one-category.mjs";
import { estimate, table, writeSections } from "./results-page.mjs";
import { bundled } from "./scene-studies.mjs";

const { values } = parseArgs({
  options: {
    scenes: { type: "string", default: "100" },
    coco: { type: "string" },
    imagenet: { type: "string" },
    sample: { type: "string" },
    work: { type: "string", default: "reproduction" },
    out: { type: "string", default: "docs/results.md" },
  },
});
const shared = (name) => (existsSync(`../shared/images/${name}`) ? `../shared/images/${name}` : undefined);
const named = values.coco || values.imagenet || values.sample;
const coco = named ? values.coco : shared("coco");
const imagenet = named ? values.imagenet : shared("imagenet");
const session = { intraOpNumThreads: 1, interOpNumThreads: 1 };
mkdirSync(values.work, { recursive: true });

/** Ends of blocks further back in the bundled classifier, on 14 x 14 and 28 x 28 cells. */
const further = ["blocks.10/add", "blocks.4/add"];
const kinds = [
  { name: "scenes", model: bundled("scenes-shortcut/balanced"), of: () => `scenes:${values.scenes}`, further: [] },
  {
    name: "photographs",
    of: (labels) => coco && oneCategory(coco, path.join(values.work, "one-category"), labels),
    further,
  },
  { name: "ImageNet", of: () => imagenet, further },
];

const title = "Grad-CAM without its parts: the paper's ablations";
const titles = {
  scenes: "Scenes with one big object",
  photographs: "Photographs of COCO that show things of one category alone",
  ImageNet: "Photographs of ImageNet, without boxes",
};

const measured = [];
for (const kind of kinds) {
  const found = await measure(kind);
  if (found) measured.push({ ...kind, ...found });
}
await writeSections(values.out, [section(measured)]);
console.log(`results: ${values.out}`);

async function measure({ name, model: file, of, further }) {
  const model = await load(file, { session });
  const { classifier } = model;
  const dataset = await of(classifier.labels.names);
  if (dataset === undefined) return undefined;
  const source = sourceAt(dataset);
  const { samples } = await readDataset(source, new ClassNames(classifier.labels.names));
  const known = samples.filter(({ labels }) => labels?.length).slice(0, Number(values.sample ?? samples.length));
  const layers = classifier.explainer.layers.map((layer) => layer.name);
  const ways = waysOf(layers, further);
  const { bytes } = classifier.explainer.model;
  const randomised = new Randomised(ort, classifier.explainer, { session }, 0);

  const log = path.join(values.work, `ablations-${name}.jsonl`);
  const settings = JSON.stringify({ dataset, model: model.sha256, ways: Object.keys(ways), count: known.length });
  const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
  if (lines.length && lines[0] !== settings)
    throw new Error(`${log} is of another run: remove it, or give another --work`);
  if (!lines.length) appendFileSync(log, `${settings}\n`);
  // A line that was cut off by an interruption is not whole.
  const records = lines.slice(1, -1).map((line) => JSON.parse(line));
  const done = new Set(records.map(({ id }) => id));

  for (const [i, sample] of known.entries()) {
    if (done.has(sample.id)) continue;
    const opened = await openSample(sample, source);
    const subject = await Subject.of(opened.picture, classifier, randomised);
    const target = subject.ranking.find((c) => sample.labels.includes(c));
    const objects = opened.annotations.filter(({ classes }) => classes.includes(target));
    const feeds = classifier.feeds(classifier.laidOut(subject.input));
    const occlusion = await subject.probe("grad-cam", target).occlusion();
    const found = {};
    for (const [way, how] of Object.entries(ways)) {
      const map = await mapBy({ ort, bytes, session }, classifier.explainer, feeds, how, target);
      const { alignment } = await classifier.places.of(how.layer);
      found[way] = await figuresOf({ ...map, alignment }, { subject, objects, occlusion });
    }
    const record = { id: sample.id, class: target, name: objects[0]?.name, ways: found };
    appendFileSync(log, `${JSON.stringify(record)}\n`);
    records.push(record);
    if ((i + 1) % 10 === 0) console.error(`${name}: ${i + 1} of ${known.length}`);
  }
  await randomised.release();
  await model.release();
  return { records, ways, layers, modelName: model.classifier.name };
}

async function figuresOf(map, { subject, objects, occlusion }) {
  const correlation = rankCorrelation(subject.overInput(map), occlusion);
  const boxes = objects.flatMap(({ box }) => (box ? [box] : []));
  if (boxes.length === 0) return { correlation };
  const onPicture = subject.overPicture(map);
  const one = { class: 0, objects, others: 0, onPicture, peakBy: subject.peakOf(map) };
  const [curves] = await maxBoxAccuracy.measure([one]);
  const [game] = await pointingGame.measure([one]);
  return { correlation, missed: localises(onPicture, boxes) ? 0 : 1, curves: curves?.values, hit: game?.values.hit };
}

/** Each figure of some records: its mean over them, or what the whole set says. */
function statistics() {
  const meanOf = (key) => (records) => mean(records.map((record) => record[key]));
  return {
    "localisation error, 15 %": meanOf("missed"),
    MaxBoxAcc: (records) =>
      maxBoxAccuracy.summarise(records.map(({ id, curves }) => ({ picture: id, measurements: [{ values: curves }] })))
        .MaxBoxAcc ?? Number.NaN,
    pointing: meanOf("hit"),
    "occlusion correlation": meanOf("correlation"),
  };
}

function section(measured) {
  const tables = measured.flatMap(({ name, modelName, records, ways }) => {
    const boxed = records.some((record) => Object.values(record.ways)[0].curves);
    const figures = Object.entries(statistics()).filter(([figure]) => boxed || figure === "occlusion correlation");
    const cells = new Map();
    for (const way of Object.keys(ways)) {
      const own = records.map(({ id, ways }) => ({ id, ...ways[way] }));
      const usual = records.map(({ ways }) => ways["grad-cam"]);
      for (const [figure, of] of figures)
        cells.set(`${way} ${figure}`, bootstrap(own, of, randomFor(0, "ablations", name, figure, way)));
      // In pairs, so that what differs between pictures does not count.
      const apart = own.map(({ correlation }, i) => correlation - usual[i].correlation);
      cells.set(`${way} apart`, bootstrap(apart, mean, randomFor(0, "ablations apart", name, way)));
    }
    const columns = [...figures.map(([figure]) => figure), "difference of that"];
    const cell = (way, column) => {
      if (column !== "difference of that") return estimate(cells.get(`${way} ${column}`));
      return way === "grad-cam" ? "" : estimate(cells.get(`${way} apart`));
    };
    return [
      `${titles[name]}: ${records.length} pictures, \`${modelName}\`.`,
      "",
      table(columns, Object.keys(ways), cell),
      "",
    ];
  });
  return [
    `## ${title}`,
    "",
    "```sh",
    "npm run build && node scripts/ablations.mjs",
    "```",
    "",
    "Maps of the picture's own class, by Grad-CAM with one part changed; the first row is Grad-CAM at the default layer, and the others that name no layer",
    "are at the same. Boxes are right at IoU 0.5; `difference of that` is less the first row's, in pairs. Without the",
    "ReLU a map goes from its minimum to its maximum. At the default layer of these networks, in front of pooling and a linear layer, the gradient is the same everywhere and passes no rectifier:",
    "there the maximum is the mean, and guided and deconvolved gradients are the plain ones. Further back they differ.",
    "",
    ...tables,
    "**What differs from the paper.** It finds that earlier layers localise worse and worse, and that the map without its ReLU does. Its network is VGG-16 on ILSVRC-15 val, where a picture counts only if the class is among the predictions.",
    "",
  ].join("\n");
}
