/** @file `gradcam explain`: pictures in; predictions, maps and panels out. */
import path from "node:path";
import { type Command, CommanderError, Option } from "commander";
import pc from "picocolors";
import { UserError } from "../errors.ts";
import { methodNamed, methods } from "../methods/index.ts";
import { prepareDirectory, writeWhole } from "../node/files.ts";
import { type LoadedClassifier, load } from "../node/load.ts";
import { percent, type WrittenExplanation, writeWhy } from "../node/write.ts";
import { type ColormapName, colormaps } from "../render/colormap.ts";
import type { Why } from "../tasks/classification.ts";
import { exitCodes, packageVersion } from "./about.ts";
import { loadOptions, type ModelFlags, several, whole, withModel } from "./options.ts";
import { findPictures, type PictureFile } from "./pictures.ts";
import { Progress } from "./progress.ts";

interface ExplainFlags extends ModelFlags {
  readonly class?: string[];
  readonly method?: string[];
  readonly against?: string;
  readonly counterfactual?: boolean;
  readonly out: string;
  readonly colormap: ColormapName;
  readonly maxPixels: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  gradcam explain photo.jpg                                the best class, by Grad-CAM
  gradcam explain photo.jpg --class espresso --class top3  a class by name, and the three best
  gradcam explain photo.jpg --class "tiger cat" --against tabby
  gradcam explain photos/ --method grad-cam --method guided-grad-cam --json > results.jsonl
  gradcam explain photo.jpg --model resnet50.onnx --labels imagenet.txt --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225`;

export function defineExplain(program: Command): void {
  withModel(program.command("explain"))
    .description("show which pixels made a classifier say what it says")
    .argument("<image...>", "pictures, or directories of pictures")
    .option("--class <name|index|topN>", "a class to explain; may be repeated (default: the best)", several)
    .option(
      "--method <name>",
      `how; may be repeated (default: grad-cam): ${methods.map((m) => m.name).join(", ")}`,
      several,
    )
    .addOption(
      new Option("--against <name|index>", "explain the classes rather than this one").conflicts("counterfactual"),
    )
    .option("--counterfactual", "explain what speaks against the classes")
    .option("--out <dir>", "where the pictures go", "gradcam-out")
    .addOption(new Option("--colormap <name>", "colours of the maps").choices([...colormaps]).default(colormaps[0]))
    .option("--max-pixels <count>", "refuse larger pictures", whole, 100e6)
    .option("--json", "print one JSON line per picture and nothing else")
    .addHelpText("after", examples)
    .action(explain);
}

async function explain(images: string[], flags: ExplainFlags): Promise<void> {
  (flags.method ?? []).forEach(methodNamed);
  const pictures = await findPictures(images, flags.out);
  await prepareDirectory(flags.out);
  const model = await load(flags.model, { ...loadOptions(flags), maxPixels: flags.maxPixels });

  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  process.once("SIGINT", stop);
  const progress = new Progress("pictures", pictures.length);
  const results: ImageResult[] = [];
  let failures = 0;
  try {
    for (const [done, picture] of pictures.entries()) {
      if (interrupted.signal.aborted) throw new UserError("cancelled", "cancelled");
      progress.update(done);
      try {
        const result = await explainOne(model, picture, flags, interrupted.signal, (part) =>
          progress.update(done + part),
        );
        results.push(result);
        progress.clear();
        report(result, flags);
      } catch (error) {
        if (pictures.length === 1 || !(error instanceof UserError) || !isAboutPicture(error)) throw error;
        progress.clear();
        console.error(`gradcam: ${error.message}`);
        failures++;
      }
    }
  } finally {
    progress.clear();
    process.off("SIGINT", stop);
    if (results.length) await writeWhole(path.join(flags.out, "manifest.json"), manifest(model, results, flags));
    await model.release();
  }
  const failed = failures ? `${failures} of ${pictures.length} pictures could not be explained` : "";
  if (!flags.json) {
    if (model.assumed) console.log(pc.dim(`The model says nothing of preprocessing; assumed ${assumption(model)}.`));
    console.log(`Pictures are in ${pc.bold(flags.out)}${failed && `; ${failed}`}.`);
  }
  // Each failure has had its line: a CommanderError ends the command without another.
  if (failed) throw new CommanderError(exitCodes.user, "gradcam.failures", failed);
}

/** Other pictures of a directory are worth a try after these. */
const isAboutPicture = ({ code }: UserError): boolean =>
  ["invalid-image", "too-large", "missing-file", "not-finite"].includes(code);

/** What `--json` prints, a line each. File names are relative to `--out`. */
interface ImageResult {
  readonly image: string;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly layer: string | null;
  readonly predictions: Why["predictions"];
  readonly explanations: readonly WrittenExplanation[];
  readonly panel: string;
}

async function explainOne(
  model: LoadedClassifier,
  { file, stem }: PictureFile,
  flags: ExplainFlags,
  signal: AbortSignal,
  onProgress: (part: number) => void,
): Promise<ImageResult> {
  const { class: classes, method, against, counterfactual, layer, colormap, out } = flags;
  const why = await model.explain(file, { classes, method, against, counterfactual, layer, signal, onProgress });
  const { name, explainer } = model.classifier;
  const used = layer ?? explainer.layers[0]?.name ?? null;
  const caption = [`Model ${name}`, used && `layer ${used}`].filter(Boolean).join(", ");
  const written = await writeWhy(why, { directory: out, stem, colormap, caption });
  return { image: file, model: { name, sha256: model.sha256 }, layer: used, predictions: why.predictions, ...written };
}

function report(result: ImageResult, { json, out }: ExplainFlags): void {
  if (json) {
    console.log(JSON.stringify(result));
    return;
  }
  const explained = new Map(result.explanations.map((e) => [e.class, e]));
  console.log(pc.bold(result.image));
  for (const { class: index, label, score, probability } of result.predictions) {
    const line = `  ${String(index).padStart(4)}  ${label.padEnd(28)} ${score.toFixed(2).padStart(7)} ${percent(probability).padStart(8)}`;
    console.log(explained.has(index) ? pc.bold(line) : line);
  }
  for (const { label, method, overlay, blank } of result.explanations)
    console.log(blank ? `  ${method}, ${label}: blank, ${blank}` : `  ${method}, ${label}: ${path.join(out, overlay)}`);
  console.log(`  panel: ${path.join(out, result.panel)}`);
}

/** Everything that is needed to make the same maps again. */
function manifest(model: LoadedClassifier, results: readonly ImageResult[], flags: ExplainFlags): string {
  const { classifier, sha256, runtimeVersion } = model;
  const { name, preprocess, score } = classifier;
  const content = {
    gradcam: packageVersion(),
    onnxruntime: runtimeVersion,
    node: process.version,
    model: { name, sha256 },
    preprocess,
    score: score.name,
    scoreIsBefore: score.before ?? null,
    layer: flags.layer ?? classifier.explainer.layers[0]?.name ?? null,
    classes: flags.class ?? ["top1"],
    against: flags.against ?? null,
    counterfactual: flags.counterfactual ?? false,
    methods: flags.method ?? ["grad-cam"],
    normalisation: "none in .npy; pictures divide a map by its maximum, and 0 stays 0",
    images: results.map(({ image, explanations, panel }) => ({ image, explanations, panel })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function assumption({ classifier }: LoadedClassifier): string {
  const { resize, crop, mean, std, layout } = classifier.preprocess;
  const size =
    resize && "shortestEdge" in resize
      ? `shorter side to ${resize.shortestEdge}`
      : `resize to ${resize?.width} x ${resize?.height}`;
  return `${size}, centre ${crop?.width} x ${crop?.height}, mean ${mean}, deviation ${std}, ${layout} (change with --size, --mean, --std, --layout)`;
}
