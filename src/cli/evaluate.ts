/** @file `gradcam evaluate`: a dataset in; figures of explanations out. */
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../errors.ts";
import { type Evaluation, evaluate as runEvaluation } from "../evaluate/evaluate.ts";
import type { ExamineAll } from "../evaluate/examination.ts";
import { metricNamed, metrics } from "../evaluate/metrics/index.ts";
import { inPool } from "../evaluate/pool.ts";
import { Meter } from "../evaluate/prometheus.ts";
import { overQueue } from "../evaluate/queue/coordinator.ts";
import { makeReport } from "../evaluate/report/report.ts";
import { sourceAt } from "../evaluate/source.ts";
import { csvOf } from "../evaluate/tables.ts";
import { methodName, methodsOf } from "../methods/by-name.ts";
import type { GivenOptions } from "../methods/method.ts";
import { optionsFor } from "../methods/options.ts";
import { writeWhole } from "../node/files.ts";
import { packageVersion } from "./about.ts";
import { attack } from "./adversarial.ts";
import { readMapping } from "./class-map.ts";
import { interruptible } from "./interrupt.ts";
import {
  loadOptions,
  type ModelFlags,
  notice,
  port,
  seedNumber,
  whole,
  withList,
  withMaxMemory,
  withMethodOptions,
  withMethods,
  withModel,
  withPlacing,
} from "./options.ts";
import { Progress } from "./progress.ts";
import { checkShortcut } from "./spurious.ts";
import { bold, print, printJson } from "./terminal.ts";

interface EvaluateFlags extends ModelFlags {
  readonly method?: string[];
  readonly option?: GivenOptions;
  readonly maxMemory?: number;
  readonly metric?: string[];
  readonly adversarial?: boolean;
  readonly spurious?: boolean;
  readonly format?: string;
  readonly classMap?: string;
  readonly out: string;
  readonly workers: number;
  readonly queue?: string;
  readonly metricsPort?: number;
  readonly sample?: number;
  readonly seed: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  gradcam evaluate imagenet/val --metric occlusion-correlation,deletion --method grad-cam,guided-backprop
  gradcam evaluate VOCdevkit/VOC2007 --metric pointing-game,energy-pointing-game --sample 500
  gradcam evaluate coco --model yolo11n.onnx --metric deletion,insertion --method hires-cam,layer-cam
  gradcam evaluate photos --adversarial --method grad-cam,guided-backprop --sample 10
  gradcam evaluate scenes:300 --spurious --method grad-cam,guided-backprop,guided-grad-cam,occlusion
  gradcam evaluate https://data.example/imagenet --metric deletion --queue redis://queue.example:6379
  gradcam evaluate photos --metric insertion --method rise,occlusion --option samples=500 --max-memory 500MB
  gradcam evaluate coco --model resnet50.onnx --labels imagenet.txt --metric mask-overlap
Run the same command again to continue an interrupted evaluation.`;

export function defineEvaluate(program: Command): void {
  const command = withMaxMemory(withMethodOptions(withMethods(withPlacing(withModel(program.command("evaluate"))))));
  const allMetrics = metrics.map(({ name }) => name);
  withList(command, "metric", "metric to compute; repeatable", allMetrics, (name) => metricNamed(name).name)
    .description("measure explanations over a dataset")
    .argument(
      "<dataset>",
      "a directory or URL with ImageNet folders, PASCAL VOC, COCO or a manifest.csv; or scenes:COUNT",
    )
    .option(
      "--adversarial",
      "perturb each image towards an absent class, and measure whether the maps of the present classes hold",
    )
    .addOption(
      new Option(
        "--spurious",
        "compare two bundled networks, one of which learned a shortcut, and measure whether the maps show it",
      ).conflicts([
        ...[
          "model",
          "metric",
          "adversarial",
          "format",
          "classMap",
          "sample",
          "queue",
          "metricsPort",
          "option",
          "maxMemory",
        ],
      ]),
    )
    .option("--format <name>", "layout of the dataset (default: detected)")
    .option("--class-map <file>", "JSON that maps each class name of the dataset to the model's classes")
    .option("--out <dir>", "folder for the results; an interrupted run is resumed there", "gradcam-evaluation")
    .addOption(
      new Option("--workers <count>", "worker processes")
        .argParser(whole)
        .default(availableParallelism(), "one per core"),
    )
    .addOption(
      new Option("--queue <address>", "distribute the images to the `gradcam worker`s of this Redis").conflicts([
        "workers",
        "adversarial",
      ]),
    )
    .option("--metrics-port <port>", "serve Prometheus /metrics on this port", port)
    .option("--sample <count>", "number of images to sample (default: all)", whole)
    .option("--seed <number>", "random seed", seedNumber, 0)
    .option("--json", "print the figures as JSON, and nothing else")
    .addHelpText("after", examples)
    .action(evaluate);
}

async function evaluate(dataset: string, flags: EvaluateFlags): Promise<void> {
  if (flags.adversarial && flags.metric)
    throw new UserError("invalid-option", "invalid options: --adversarial has its own metric; leave out --metric");
  if (flags.adversarial && (flags.option || flags.maxMemory))
    throw new UserError(
      "invalid-option",
      "invalid options: --adversarial asks methods as they are; leave out --option and --max-memory",
    );
  const { spurious, adversarial, method: methods = ["grad-cam"], metric: asked } = flags;
  if (spurious) return interruptible((signal) => checkShortcut(dataset, { ...flags, methods }, signal));
  if (adversarial) return interruptible((signal) => attack(dataset, { ...flags, methods }, signal));
  if (!asked)
    throw new UserError("invalid-option", `missing --metric; allowed are ${metrics.map((m) => m.name).join(", ")}`);
  optionsFor(await methodsOf(methods.map(methodName)), flags.option);
  await measure(dataset, asked, flags);
}

async function measure(dataset: string, asked: readonly string[], flags: EvaluateFlags): Promise<void> {
  let bar: Progress | undefined;
  const meter = flags.metricsPort === undefined ? undefined : await Meter.listen(flags.metricsPort);
  const examineAll = orderly(flags.queue === undefined ? inPool(flags.workers) : overQueue(flags.queue));
  try {
    const load = loadOptions(flags);
    const { evaluation, samples } = await runEvaluation({
      ...{ dataset, model: flags.model, load, out: flags.out },
      ...{ methods: flags.method ?? ["grad-cam"], metrics: asked, format: flags.format, seed: flags.seed },
      ...{ options: flags.option, maxMemory: flags.maxMemory },
      ...{ examineAll: meter?.around(examineAll) ?? examineAll, sample: flags.sample },
      mapping: flags.classMap === undefined ? undefined : await readMapping(flags.classMap),
      onProgress: ({ done, total, before }) => {
        bar ??= new Progress("pictures", total - before);
        bar.update(done - before);
      },
      onNotice: (text) => {
        bar?.clear();
        notice(text);
      },
    });
    bar?.clear();
    const content = { gradcam: packageVersion, node: process.version, ...evaluation };
    await writeWhole(path.join(flags.out, "figures.json"), `${JSON.stringify(content, null, 2)}\n`);
    await writeWhole(path.join(flags.out, "figures.csv"), csvOf(evaluation));
    const report = await makeReport(content, { source: sourceAt(dataset), samples, model: flags.model, load });
    await writeWhole(path.join(flags.out, "report.html"), report);
    if (flags.json) printJson(content);
    else table(evaluation, flags.out);
    const { examined, failures } = evaluation;
    if (examined === 0)
      throw new UserError(
        "invalid-input",
        `no image could be evaluated: all ${failures.length} failed; the first was ${failures[0]?.id}: ${failures[0]?.error}`,
      );
  } finally {
    bar?.clear();
    meter?.close();
  }
}

/** Told of signals; before and after, nothing is lost by an end at once. */
const orderly =
  (examineAll: ExamineAll): ExamineAll =>
  (samples, errand) =>
    interruptible((signal) => examineAll(samples, { ...errand, signal }), { signals: ["SIGINT", "SIGTERM"] });

function table({ dataset, examined, right, failures, outcomes, figures, differences }: Evaluation, out: string): void {
  print(`${bold(dataset.location)}: ${examined} images evaluated`);
  if (right) print(`  ${right.count} of ${right.of} classified correctly`);
  for (const { what, count } of dataset.remarks) print(`  ${count} ${what}`);
  for (const { id, error } of failures.slice(0, 10)) print(`  failed: ${id}: ${error}`);
  if (failures.length > 10) print(`  and ${failures.length - 10} more failed`);
  for (const { method, asked, blank, broken } of outcomes)
    if (blank || broken) print(`  ${method}: ${blank} of ${asked} maps blank, ${broken} not finite`);
  const wide = Math.max(0, ...figures.map((f) => f.figure.length));
  for (const metric of new Set(figures.map((f) => f.metric))) {
    print(bold(metric));
    for (const f of figures.filter((one) => one.metric === metric))
      print(`  ${f.figure.padEnd(wide)} ${f.method.padEnd(18)} ${estimate(f)}`);
    for (const d of differences.filter((one) => one.metric === metric))
      print(`  ${d.figure.padEnd(wide)} ${d.method} - ${d.than}: ${estimate(d)}`);
  }
  print(`figures: ${path.join(out, "figures.json")}, ${path.join(out, "figures.csv")}`);
  print(`report: ${path.join(out, "report.html")}`);
}

const estimate = ({ value, low, high, count }: { value: number; low: number; high: number; count: number }): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] over ${count} images`;
