/**
 * @file The measured table of docs/methods/README.md: every method of the registry that the networks can be asked by, on photographs and on
 * scenes with exact masks, with what it costs and a recommendation that follows from the figures.
 *
 *     npm run build && node scripts/method-table.mjs [--photographs DIR] [--sample 12] [--sanity 4] [--scenes 20] [--only NAME]...
 *       [--slow-sample 4] [--slow-sanity 1] [--workers 2] [--work DIR] [--out docs/methods/README.md]
 *
 * Photographs are of ILSVRC's classes, by the bundled classifier; scenes are those of this package, by the bundled network for their shapes. A
 * method of more than 400 forward passes sees fewer photographs. An interrupted run is continued by the same command, and methods that are new are
 * measured beside those that are done: what was measured is in --work.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { median, processorMilliseconds } from "../bench/measure.mjs";
import { evaluate } from "../dist/evaluate/evaluate.js";
import { inPool } from "../dist/evaluate/pool.js";
import { methods } from "../dist/index.js";
import { decode, load } from "../dist/node.js";
import { estimate, show, table, writeSections } from "./results-page.mjs";
import { bundled } from "./scene-studies.mjs";

const { values } = parseArgs({
  options: {
    photographs: { type: "string" },
    sample: { type: "string", default: "12" },
    sanity: { type: "string", default: "4" },
    scenes: { type: "string", default: "20" },
    only: { type: "string", multiple: true },
    "slow-sample": { type: "string", default: "4" },
    "slow-sanity": { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    work: { type: "string", default: "reproduction/methods" },
    out: { type: "string", default: "docs/methods/README.md" },
  },
});
const shared = "../shared/images/imagenet";
const photographs = values.photographs ?? (existsSync(shared) ? shared : undefined);
if (!photographs) {
  console.error("missing --photographs: a directory of pictures by classes of ILSVRC");
  process.exit(2);
}
const photo = new URL("../examples/images/cat-and-cup.jpg", import.meta.url);
const examineAll = inPool(Number(values.workers));
mkdirSync(values.work, { recursive: true });

/** Rounds of a timing; of methods that take long, one. */
const rounds = 5;
const long = 3000;
/** Methods of more forward passes see fewer photographs. */
const slow = { passes: 400, sample: Number(values["slow-sample"]), sanity: Number(values["slow-sanity"]) };

const chosen = methods
  .filter(({ name }) => values.only === undefined || values.only.includes(name))
  .map(({ name }) => name);
const settings = { photographs, sample: values.sample, sanity: values.sanity, scenes: values.scenes };
const costs = new Map();
for (const name of chosen) costs.set(name, await kept(`cost-${name}`, () => costOf(name)));
const asked = chosen.filter((name) => !costs.get(name).refused);
const isSlow = (name) => costs.get(name).over.value > slow.passes;
const found = [
  ...(await measured(
    asked.filter((name) => !isSlow(name)),
    { sample: Number(values.sample), sanity: Number(values.sanity) },
  )),
  ...(await measured(asked.filter(isSlow), { sample: slow.sample, sanity: slow.sanity })),
];
const records = chosen.map((name) => ({ name, ...costs.get(name), ...found.find((one) => one.name === name) }));
await writeSections(values.out, [section(records)]);
console.log(`table: ${values.out}`);

/** What is known of an earlier run, or is found now. */
async function kept(name, find) {
  const file = path.join(values.work, `${name}.json`);
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, "utf8"));
    if (JSON.stringify(known.settings) !== JSON.stringify(settings))
      throw new Error(`${file} is of other sizes: remove it, or give another --work`);
    return known;
  }
  const record = { settings, ...(await find()) };
  writeFileSync(file, JSON.stringify(record));
  return record;
}

/** The figures of methods: of those that are known, and of the others in one evaluation, which opens the networks once for all. */
async function measured(names, { sample, sanity }) {
  const isKnown = (name) => existsSync(path.join(values.work, `figures-${name}.json`));
  const others = names.filter((name) => !isKnown(name));
  const figures = others.length ? await evaluated(others, { sample, sanity }) : [];
  const own = (name) => async () => ({
    name,
    sample,
    sanity,
    figures: figures.filter(({ method }) => method === name),
  });
  const all = [];
  for (const name of names) all.push(await kept(`figures-${name}`, own(name)));
  return all;
}

async function evaluated(names, { sample, sanity }) {
  const group = createHash("sha256")
    .update(JSON.stringify([names, sample, sanity]))
    .digest("hex")
    .slice(0, 12);
  const figures = [];
  for (const [study, what] of Object.entries({
    photographs: {
      ...{ dataset: photographs, sample },
      metrics: ["deletion", "insertion", "average-drop", "occlusion-correlation"],
    },
    sanity: { dataset: photographs, sample: sanity, metrics: ["cascading-randomisation"] },
    scenes: {
      ...{ dataset: `scenes:${values.scenes}`, model: bundled("scenes-shortcut/balanced") },
      metrics: ["pointing-game"],
    },
  })) {
    if (what.sample === 0) continue;
    const { evaluation } = await evaluate({
      ...{ ...what, methods: names, seed: 0, examineAll, out: path.join(values.work, `${group}-${study}`) },
      onProgress: ({ done, total }) => console.error(`${study}, ${names.length} methods: ${done} of ${total}`),
    });
    for (const { id, error } of evaluation.failures.slice(0, 3)) console.error(`${study}: ${id}: ${error}`);
    figures.push(...evaluation.figures);
  }
  return figures;
}

/** The time of one question about one photograph, opened model and prepared input, in forward passes: time on the processor, one thread. */
async function costOf(name) {
  const session = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const model = await load(undefined, { session });
  const { classifier } = model;
  const { explainer } = classifier;
  try {
    const { input } = classifier.prepare(await decode(new Uint8Array(readFileSync(photo))));
    const feeds = classifier.feeds(input);
    const forward = async () => (await explainer.forward(feeds)).scores;
    const work = async () => (await explainer.explain(feeds, { method: name })).maps;
    await forward();
    const first = await processorMilliseconds(work);
    const ratios = [];
    const forwards = [];
    for (let round = 0; round < (first > long ? 1 : rounds); round++) {
      await forward();
      const one = await processorMilliseconds(async () => {
        for (let i = 0; i < 5; i++) await forward();
      });
      forwards.push(one / 5);
      // What takes seconds is not waited for again: what opening its sessions adds to it is little.
      ratios.push((first > long ? first : await processorMilliseconds(work)) / (one / 5));
    }
    const over = { value: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
    return { over, forward: median(forwards) };
  } catch (error) {
    if (error.name !== "UserError") throw error;
    return { refused: error.message };
  } finally {
    await model.release();
  }
}

/** Columns: the figure of a metric, whether more is better, and whether it ranks methods. */
function columns() {
  return {
    deletion: { metric: "deletion", better: -1, ranks: true },
    insertion: { metric: "insertion", better: 1, ranks: true },
    "average drop": { metric: "average-drop", figure: /drop/ },
    "occlusion correlation": { metric: "occlusion-correlation", better: 1, ranks: true },
    "pointing, scenes": { metric: "pointing-game", figure: /^all/, better: 1, ranks: true },
    "sanity check": { metric: "cascading-randomisation", figure: /^mean/ },
  };
}

function figureOf({ figures = [] }, { metric, figure = /./ }) {
  return figures.find((one) => one.metric === metric && figure.test(one.figure));
}

function section(records) {
  const shown = records.filter(({ refused }) => !refused);
  const refused = records.filter((one) => one.refused);
  const names = shown.map(({ name }) => `[\`${name}\`](${name}.md)`);
  const of = new Map(shown.map((record) => [`[\`${record.name}\`](${record.name}.md)`, record]));
  const all = columns();
  const cell = (row, column) => {
    const record = of.get(row);
    if (column === "time") return cost(record.over);
    return estimate(figureOf(record, all[column]));
  };
  const left = methods.filter(({ name }) => !chosen.includes(name)).map(({ name }) => `\`${name}\``);
  const fewer = shown.filter(({ sample }) => sample < Number(values.sample));
  return [
    "## All methods, measured",
    "",
    "```sh",
    `npm run build && node scripts/method-table.mjs --sample ${values.sample} --sanity ${values.sanity} --scenes ${values.scenes}`,
    "```",
    "",
    `\`time\` is that of a question in forward passes of the bundled classifier, on one thread, with the least and the most of ${rounds} rounds. On ${values.sample} photographs by the`,
    `same: [deletion](../metrics/deletion.md) (less is better), [insertion](../metrics/insertion.md) (more), [average drop](../metrics/average-drop.md), the [rank correlation](../metrics/occlusion-correlation.md) with`,
    `occlusion (more). On ${values.sanity} of them the [sanity check](../metrics/cascading-randomisation.md): the correlation with maps of networks whose weights are shuffled (near 0 is`,
    `better). On ${values.scenes} scenes with exact masks, by the bundled network for their shapes: the [pointing game](../metrics/pointing-game.md). Brackets are 95 % bootstrap intervals over images; options are the defaults.`,
    ...(fewer.length
      ? [
          `Fewer photographs: ${fewer.map(({ name, sample, sanity }) => `${name} ${sample}, sanity check ${sanity}`).join("; ")}.`,
        ]
      : []),
    "",
    table(["time", ...Object.keys(all)], names, cell),
    "",
    ...(refused.length
      ? [
          "Not on these networks:",
          "",
          ...refused.map(({ name, refused }) => `- [\`${name}\`](${name}.md): ${refused.slice(0, 160)}`),
          "",
        ]
      : []),
    ...(left.length ? [`Not in this run: ${left.join(", ")}.`, ""] : []),
    ...recommendation(shown, all),
    "",
  ].join("\n");
}

function cost({ value, low, high }) {
  const digits = value < 10 ? 2 : 0;
  return `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** Methods by their mean place in what ranks, of those whose maps change when the network does, and of as little cost as is named. */
function recommendation(shown, all) {
  const ranking = Object.values(all).filter(({ ranks }) => ranks);
  const whole = shown.filter((record) => ranking.every((column) => Number.isFinite(figureOf(record, column)?.value)));
  const places = new Map(whole.map(({ name }) => [name, 0]));
  for (const column of ranking) {
    const value = (record) => figureOf(record, column).value * column.better;
    for (const record of whole)
      places.set(
        record.name,
        places.get(record.name) + whole.filter((other) => value(other) > value(record)).length + 1,
      );
  }
  const mean = ({ name }) => places.get(name) / ranking.length;
  const byName = new Map(methods.map((method) => [method.name, method]));
  const sane = whole.filter((record) => {
    const check = figureOf(record, all["sanity check"]);
    const { classIndependent, family } = byName.get(record.name);
    return check !== undefined && !(check.low >= 0.5) && !classIndependent && family !== "control";
  });
  const best = (most) =>
    sane
      .filter(({ over }) => over.value <= most)
      .sort((a, b) => mean(a) - mean(b))
      .slice(0, 3)
      .map((record) => `\`${record.name}\` (${mean(record).toFixed(1)})`)
      .join(", ");
  const failing = whole.filter((record) => figureOf(record, all["sanity check"])?.low >= 0.5);
  return [
    `**Recommendation.** By the mean place in deletion, insertion, occlusion correlation and pointing among ${whole.length} methods, of those whose map depends on the class and changes`,
    "with the network (a sanity check whose interval begins below 0.5):",
    "",
    `- at the cost of a prediction (1.5 forward passes): ${best(1.5)};`,
    `- of up to 10: ${best(10)};`,
    `- of any cost: ${best(Number.POSITIVE_INFINITY)}.`,
    "",
    ...(failing.length
      ? [
          `The sanity check speaks against ${failing.map(({ name }) => `\`${name}\` (${show(figureOf({ figures: shown.find((one) => one.name === name).figures }, all["sanity check"]).value)})`).join(", ")}.`,
        ]
      : []),
    "Intervals overlap: methods a place or two apart are not told apart by so few images, and a control (`random`, `edges`) that ranks well says how little a column tells.",
  ];
}
