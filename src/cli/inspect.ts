/** @file `gradcam inspect`: how a model was read, and why. */
import type { Command } from "commander";
import type { Notes } from "../explain/compiled.ts";
import type { MethodName } from "../methods/by-name.ts";
import { type OpenedModel, openFile } from "../node/load.ts";
import { type ProviderReport, providerReport } from "../node/provider-report.ts";
import type { ModelReading } from "../tasks/reading.ts";
import { type Kind, shapeText } from "../tasks/sample.ts";
import { detects } from "../tasks/task.ts";
import { loadOptions, type ModelFlags, modelOf, withMethods, withModelArgument } from "./options.ts";
import { bold, dim, print, printJson } from "./terminal.ts";

const examples = `
Examples:
  gradcam inspect resnet50.onnx          inputs, outputs, how the file was read and why, and how to explain it
  gradcam inspect directory/ --json      the same as JSON
  gradcam inspect odd.onnx --layout NHWC --output logits
  gradcam inspect resnet50.onnx --provider cuda --method guided-backprop   and which nodes run where`;

interface InspectFlags extends ModelFlags {
  readonly json?: boolean;
  readonly method?: MethodName[];
}

export function defineInspect(program: Command): void {
  withMethods(
    withModelArgument(program.command("inspect")),
    "with --provider: explain once, and list which nodes ran on which provider (default: grad-cam)",
  )
    .description("show how a model is read: its task, inputs, outputs and layers, with the reason for each decision")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action(inspect);
}

async function inspect(argument: string | undefined, flags: InspectFlags, command: Command): Promise<void> {
  const source = modelOf(argument, flags);
  const reports = await reportsOf(source, flags, command);
  const model = await openFile(source, loadOptions(flags));
  try {
    if (flags.json) printJson({ ...asJson(model), ...(reports.length && { providers: reports }) });
    else {
      table(model, source, optionsOf(command));
      for (const report of reports) placements(report);
    }
  } finally {
    await model.explainer.release();
  }
}

/** Of each method, where a provider or a method is asked about: the model runs for it. */
async function reportsOf(source: string | undefined, flags: InspectFlags, command: Command): Promise<ProviderReport[]> {
  const asked = flags.method || command.getOptionValueSource("provider") === "cli";
  const reports: ProviderReport[] = [];
  for (const method of asked ? (flags.method ?? ["grad-cam" as const]) : [])
    reports.push(await providerReport(source, { ...loadOptions(flags), method }));
  return reports;
}

function placements({ method, providers }: ProviderReport): void {
  print("");
  print(`Where ${method} ran`);
  const most = Math.max(...providers.map(({ count }) => count));
  for (const { name, count, nodes = [] } of providers) {
    const own = nodes.filter(({ gradient }) => gradient).length;
    print(`  ${name}: ${count} nodes, ${own} of them in the gradient`);
    // What is asked for has most of them, and the others are the news.
    if (count < most) for (const { node, operator } of nodes) print(`    ${operator}  ${node}`);
  }
}

function asJson({ reading, sha256, notes }: OpenedModel) {
  const { name, task, inputs, outputs, score, probability, preparation, labels, layers, questions } = reading;
  return {
    model: { name, sha256 },
    ...(notes && { compiled: compiledOf(notes) }),
    task,
    inputs,
    outputs,
    scores: { name: score.name, output: score.output, before: score.before ?? null, probability },
    preparation: preparation ?? null,
    labels: { count: labels.names.length, source: labels.source },
    layers,
    questions,
    decisions: reading.decisions.map(({ what, value, because, option }) => ({
      ...{ what, value, because },
      ...(option && { option }),
    })),
    warnings: reading.warnings,
  };
}

/** What a compiled file says of what was added to it. */
function compiledOf({ method, version, layer, levels, thresholds, model_bytes }: Notes) {
  const [at, found] = [levels, thresholds].map((text) => text && JSON.parse(text));
  return {
    method,
    version,
    ...(layer && { layer }),
    ...(at && { levels: at }),
    ...found,
    modelBytes: Number(model_bytes),
  };
}

const mostLayers = 8;

function table({ reading, explainer, notes }: OpenedModel, source: string | undefined, options: string): void {
  const { name, task, inputs, outputs, layers, decisions, warnings } = reading;
  print(`${bold(name)}: ${task}${notes ? `, compiled with ${notes.method} by gradcam ${notes.version ?? "?"}` : ""}`);
  const width = Math.max(...[...inputs, ...outputs].map((tensor) => tensor.name.length), 0);
  for (const { name, type, shape, layout, role } of inputs)
    print(`  in   ${name.padEnd(width)}  ${type} ${shapeText(shape)}  ${[role, layout].filter(Boolean).join(", ")}`);
  for (const { name, type, shape, role } of outputs)
    print(`  out  ${name.padEnd(width)}  ${type} ${shapeText(shape)}  ${role}`);
  print("How it was read");
  for (const { what, value, because, option } of decisions)
    print(`  ${what}: ${value}, because ${because}${option ? dim(` (otherwise: ${option})`) : ""}`);
  print(layers.length ? "Candidate layers" : "No candidate layer");
  for (const layer of layers.slice(0, mostLayers)) {
    const of = layer.of === explainer.imageInput ? "" : `  of "${layer.of}"`;
    print(`  ${layer.name}  ${shapeText(layer.shape)}${of}${layer.default ? bold("  default") : ""}`);
  }
  if (layers.length > mostLayers)
    print(
      dim(
        `  and ${layers.length - mostLayers} more: gradcam layers${source === undefined ? "" : ` ${quoted(source)}`}`,
      ),
    );
  for (const { text } of warnings) print(dim(text));
  print("");
  print(commandFor(reading, explainer.imageInput, source, options));
}

/** A file of each kind, as examples call it. */
const kindFiles: Readonly<Record<Kind, string>> = { signal: "sound.wav", picture: "photo.jpg", volume: "scan.npy" };

/** What explains this model, ready to paste. */
function commandFor(
  reading: ModelReading,
  image: string | undefined,
  source: string | undefined,
  options: string,
): string {
  const model = source === undefined ? "" : ` --model ${quoted(source)}`;
  const { kind, inputs, questions, layers, preparation, task } = reading;
  if (kind === undefined || questions.length === 0)
    return `The command line cannot explain its ${detects(task) ? "boxes" : "classes"} yet. Use the library on tensors: openExplainer(ort, bytes).explain(feeds, { target: { seeds } })`;
  const others = inputs.filter(({ name }) => name !== image);
  const given = others.map(
    ({ name, role }) => ` --input ${quoted(name)}=${role === "picture" ? "other.jpg" : "values.npy"}`,
  );
  const sample = kind === "picture" && !preparation ? "sample.npy" : kindFiles[kind];
  const beside = task === "embedding" && given.length === 0 ? " --similar-to other.jpg" : "";
  return `gradcam explain ${sample}${model}${options}${given.join("")}${beside}${layers.length ? "" : " --method gradient"}`;
}

/** How the model was told to be read, as it was written: the same for `explain`. */
function optionsOf(command: Command): string {
  const words = command.parent?.args.slice(1) ?? [];
  const own = new Set(["--json", "--model", "--threads", "--provider", "--method", "--methods"]);
  return words
    .flatMap((word, i) => {
      const [name] = word.split("=", 1);
      if (!word.startsWith("--") || own.has(name)) return [];
      return word === name ? [word, words[i + 1]] : [word];
    })
    .map((word) => ` ${quoted(word)}`)
    .join("");
}

/** As a shell reads it. */
const quoted = (text: string): string => (/^[\w./:@+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
