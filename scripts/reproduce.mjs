/**
 * @file Makes docs/results.md: every protocol of the paper that can run on the data at hand, beside the paper's figures.
 *
 *     npm run reproduce                                             # on scenes, and on ../shared/images, where it is there
 *     npm run reproduce -- --voc VOCdevkit/VOC2007 --imagenet imagenet --coco coco
 *     npm run reproduce -- --scenes 100 --easy-vqa easy_vqa/data/test
 *     npm run reproduce -- --voc DIR --model vgg16.onnx --labels imagenet.txt --sample 500
 *     npm run reproduce -- --study localisation                    # that one alone; the page's other sections stay
 *
 * An interrupted run is continued by the same command; what it measured is in reproduction/ (--work).
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { evaluate } from "../dist/evaluate/evaluate.js";
import { inPool } from "../dist/evaluate/pool.js";
import { load } from "../dist/node.js";
import { oneCategory } from "./one-category.mjs";
import { estimate, show, writePage, writeSections } from "./results-page.mjs";
import { bundled, sceneSections, sceneTitles } from "./scene-studies.mjs";
import { studies } from "./studies.mjs";

const { values: options } = parseArgs({
  options: {
    voc: { type: "string" },
    imagenet: { type: "string" },
    coco: { type: "string" },
    "easy-vqa": { type: "string" },
    scenes: { type: "string" },
    model: { type: "string" },
    labels: { type: "string" },
    sample: { type: "string" },
    study: { type: "string" },
    workers: { type: "string" },
    work: { type: "string", default: "reproduction" },
    out: { type: "string", default: "docs/results.md" },
  },
});
const number = (text) => (text === undefined ? undefined : Number(text));

const given = { voc: options.voc, imagenet: options.imagenet, coco: options.coco, easyVqa: options["easy-vqa"] };
const shared = (name) => (existsSync(`../shared/images/${name}`) ? `../shared/images/${name}` : undefined);
// Directories that are named are those that run; without any, what is at hand.
const named = options.scenes || Object.values(given).some(Boolean);
const found = named ? given : { imagenet: shared("imagenet"), coco: shared("coco") };
const scenes = named ? number(options.scenes) : 100;
const made = scenes ? { questions: `scenes-questions:${scenes}`, scenes: `scenes:${scenes}` } : {};
const alone = studies.filter(({ name }) => options.study === undefined || name === options.study);
if (!alone.length) fail(`unknown study: ${options.study}; there are ${studies.map(({ name }) => name).join(", ")}`);
const datasets = Object.entries({ ...found, ...(await ofOneCategory()), ...made }).filter(([, directory]) => directory);

const sections = [];
let last;
for (const study of alone) {
  const notRun = [];
  const before = sections.length;
  for (const [kind, directory] of datasets) {
    if (!study.on.includes(kind)) continue;
    const evaluation = await run(study, kind, directory).catch((error) => error);
    if (evaluation instanceof Error) {
      // A set without boxes or masks cannot run what needs them; anything else is a mistake.
      if (!/^(invalid metric for this dataset|empty dataset)/.test(evaluation.message)) fail(evaluation.message);
      notRun.push(`## ${study.title}: ${nameOf(kind)}\n\nNot run: ${evaluation.message}.\n`);
      continue;
    }
    if (!study.models?.[kind]) last = evaluation;
    for (const variant of study.variants ?? []) {
      const { name, load, ...asked } = variant;
      const other = await run(
        { ...study, ...asked, name: `${study.name}-${name.replace(" ", "-")}` },
        kind,
        directory,
        load,
      );
      const figures = other.figures.map((f) => ({ ...f, figure: `${f.figure} (${name})` }));
      evaluation.figures = [...evaluation.figures, ...figures].sort(byMetric(study.metrics));
    }
    sections.push(section(study, kind, evaluation));
  }
  if (sections.length === before) sections.push(...notRun);
}
await mkdir(path.dirname(options.out), { recursive: true });
const isOf = (some) => (title) => some.some((study) => title.startsWith(`${study.title}: `));
if (options.study) await writeSections(options.out, sections, isOf(alone));
else {
  if (scenes) sections.push(...(await sceneSections(scenes, (done) => process.stderr.write(`${done}\n`))));
  const isOwn = (title) => sceneTitles.includes(title) || isOf(studies)(title);
  await writePage(options.out, head(last), sections, isOwn);
}
console.log(`results: ${options.out}`);

/** COCO's images of one category, where a study asks for them. */
async function ofOneCategory() {
  if (!found.coco || !existsSync(found.coco) || !alone.some(({ on }) => on.includes("oneCategory"))) return {};
  const model = await load(options.model, options.labels ? { labels: options.labels } : {});
  await model.release();
  const out = path.join(options.work, "one-category");
  await mkdir(options.work, { recursive: true });
  return { oneCategory: await oneCategory(found.coco, out, model.classifier.labels.names) };
}

/** In the order of a study's metrics; the sort is stable. */
function byMetric(metrics) {
  return (a, b) => metrics.indexOf(a.metric) - metrics.indexOf(b.metric);
}

async function run({ name, models, methods, metrics, sample }, kind, directory, load = {}) {
  const most = [number(options.sample), sample].filter((count) => count !== undefined);
  let drawn = 0;
  const { evaluation } = await evaluate({
    ...{ dataset: directory, methods, metrics, model: models?.[kind] ? bundled(models[kind]) : options.model, seed: 0 },
    ...{
      load: { ...load, ...(options.labels && !models?.[kind] && { labels: options.labels }) },
      ...(options.workers && { examineAll: inPool(Number(options.workers)) }),
    },
    ...{ sample: most.length ? Math.min(...most) : undefined, out: path.join(options.work, `${name}-${kind}`) },
    onProgress({ done, total }) {
      if (process.stderr.isTTY || done - drawn >= total / 10 || done === total) {
        drawn = done;
        process.stderr.write(`${name} on ${kind}: ${done}/${total}\n`);
      }
    },
  });
  return evaluation;
}

function section(
  { title, models, methods, metrics, paper, ours, differs, reading },
  kind,
  { figures, differences, examined, outcomes, failures, right },
) {
  const names = [...new Set(figures.map((f) => `${f.metric} ${f.figure}`))].filter((key) => ours?.(key) ?? true);
  const cell = (key, method) => {
    const one = figures.find((f) => `${f.metric} ${f.figure}` === key && f.method === method);
    return estimate(one);
  };
  const single = metrics.length === 1;
  const rows = names.map((key) => {
    const [metric, ...figure] = key.split(" ");
    return `| ${single ? figure.join(" ") : `${metric}, ${figure.join(" ")}`} | ${methods.map((m) => cell(key, m)).join(" | ")} |`;
  });
  const theirs = paper ? [`| _paper_ | ${methods.map((m) => paper[m] ?? "").join(" | ")} |`] : [];
  const apart = differences.filter(
    (d) => names.includes(`${d.metric} ${d.figure}`) && (d.figure === "correlation" || d.figure === "mean"),
  );
  const pairs = apart.map((d) => `- ${d.method} − ${d.than}: ${show(d.value)} [${show(d.low)}, ${show(d.high)}]`);
  const blank = outcomes
    .filter((o) => o.blank || o.broken)
    .map((o) => `${o.method}: ${o.blank} of ${o.asked} maps blank, ${o.broken} not finite`);
  return [
    `## ${title}: ${nameOf(kind)}`,
    "",
    `${sizeOf({ model: models?.[kind], kind, examined, right })}${failures.length ? `, ${failures.length} more failed` : ""}. ${reading}`,
    "",
    `| | ${methods.join(" | ")} |`,
    `| --- |${methods.map(() => " --- |").join("")}`,
    ...rows,
    ...theirs,
    "",
    ...(pairs.length ? ["Pairwise differences:", "", ...pairs, ""] : []),
    ...(blank.length ? [`Blank maps: ${blank.join("; ")}.`, ""] : []),
    `**What differs from the paper.** ${differs}`,
    "",
  ].join("\n");
}

function nameOf(kind) {
  const names = { voc: "PASCAL VOC", imagenet: "ImageNet", coco: "COCO", oneCategory: "COCO, images of one category" };
  return { ...names, easyVqa: "easy-VQA", questions: "scenes", scenes: "scenes" }[kind];
}

/** How many images or questions, of which model where it is not the page's. */
function sizeOf({ model, kind, examined, right }) {
  if (model === undefined)
    return `${examined} images${right ? `, ${right.count} of ${right.of} classified correctly` : ""}`;
  if (kind === "scenes") return `${examined} images, \`${model}\`, ${right.count} of ${right.of} classified correctly`;
  return `${examined} questions to \`${model}\`, ${right.count} answered correctly`;
}

function head(evaluation) {
  const model = evaluation
    ? `\`${evaluation.model.name}\` (SHA-256 \`${evaluation.model.sha256.slice(0, 16)}…\`), target layer \`${evaluation.model.layer}\``
    : "those of each section";
  return `# Results

The paper's measurements, repeated here. \`npm run reproduce\` generates this page; with \`--voc\`, \`--imagenet\`, \`--coco\` or
\`--easy-vqa\` it runs on your own copy of a dataset, with \`--model\` on your own model.

Unless another model is named: ${model}. Brackets are 95 % bootstrap intervals over
images. Each figure is defined in [metrics](metrics/README.md).
`;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
