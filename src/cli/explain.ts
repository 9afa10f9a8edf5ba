import { type Command, InvalidArgumentError, Option } from "commander";
import { listing, UserError } from "../errors.ts";
import { keepFor } from "../explain/sessions.ts";
import { isDirectory, prepareDirectory } from "../node/files.ts";
import { type LoadedClassifier, load } from "../node/load.ts";
import { explanationFiles, type WriteOptions, writeWhy } from "../node/write.ts";
import { isSizeInput } from "../tasks/detect/sizes.ts";
import { layersShown } from "../tasks/raw-map.ts";
import type { Kind } from "../tasks/sample.ts";
import { eachSample, endWith } from "./each-sample.ts";
import { assumption, foundBy, settingsOf } from "./manifest.ts";
import {
  checkMethodOptions,
  fraction,
  loadOptions,
  namedFile,
  notice,
  partsOf,
  several,
  whole,
  withDrawing,
  withMaxMemory,
  withMethods,
  withModel,
  withPlacing,
} from "./options.ts";
import { contentsOf } from "./output-folder.ts";
import { Reference } from "./reference.ts";
import {
  type ExplainFlags,
  filesOf,
  type ImageResult,
  type OutputFile,
  ofOneMap,
  outputFiles,
  report,
} from "./report.ts";
import { findSamples, type SampleFile } from "./samples.ts";
import { dim, print } from "./terminal.ts";

const examples = `
Examples:
  gradcam explain photo.jpg                                the top-1 class, by Grad-CAM
  gradcam explain photo.jpg --class espresso --class top3  a class by name, and the top 3
  gradcam explain photo.jpg --class "tiger cat" --against tabby
  gradcam explain bus.jpg --model yolo11n.onnx             every box, with a map for each
  gradcam explain bus.jpg --model yolo11n.onnx --target box:0 --target "not:box:0" --target box:0.left
  gradcam explain street.jpg --model segformer/            every mask that covers more than 1 %
  gradcam explain street.jpg --model segformer/ --target class:car --target pixel:120,88 --target region:door.png
  gradcam explain photos/ --method grad-cam --method guided-grad-cam --json > results.jsonl
  gradcam explain photo.jpg --model resnet50.onnx --labels imagenet.txt --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  gradcam explain photo.jpg --method grad-cam --option sign=signed
  gradcam explain siren.wav --model sounds.onnx            a sound; scan.npy for a volume or any other array
  gradcam explain photo.jpg --model vqa.onnx --input question=ids.npy
  gradcam explain photo.jpg --model encoder.onnx --similar-to other.jpg
  gradcam explain photo.jpg --model int8.onnx --reference float.onnx`;

export function defineExplain(program: Command): void {
  withMaxMemory(
    withDrawing(
      withMethods(
        withPlacing(withModel(program.command("explain"))),
        "explanation method; repeatable (default: grad-cam, for boxes hires-cam)",
      )
        .description("show which parts of an image, sound or volume a prediction rests on")
        .argument("[image...]", "image, .wav, .npy or .json files, whichever the model takes, or directories of them")
        .option("--class <name|index|topN>", "class to explain; repeatable (default: the top-1 class)", several)
        .option(
          "--target <question>",
          "what to explain: class:cat, box:3, box:0.left, pixel:120,88, not:…, class:A ~ class:B; repeatable",
          several,
        )
        .option("--score <0..1>", "detections above this score (default: 0.25)", fraction)
        .option("--iou <0..1>", "overlap above which the better of two boxes of a class stays (default: 0.7)", fraction)
        .option("--max-detections <count>", "detections at most, the best (default: 300)", whole)
        .addOption(
          new Option(
            "--against <name|index>",
            "class to contrast with: why the explained class rather than this one",
          ).conflicts("counterfactual"),
        )
        .option("--counterfactual", "show the evidence against the class (counterfactual)")
        .option("--input <name=file>", "value of another model input: .npy, .json or an image; repeatable", namedFile)
        .option("--similar-to <file>", "explain the similarity between the input's embedding and this file's")
        .option(
          "--reference <file|dir>",
          "compare the maps with those of another model, such as the one before quantisation",
        )
        .option(
          "--write <list>",
          `files to write: ${outputFiles.join(", ")} (default: all; for a directory ${ofDirectories.join(", ")})`,
          outputList,
        )
        .option("--partial", "on Ctrl-C, write what a method that averages over samples has so far"),
    ),
  )
    .addHelpText("after", examples)
    .action(explain);
}

/** A directory may hold many pictures: of each, what is looked at and what is computed with. */
const ofDirectories: readonly OutputFile[] = ["overlay", "map", "manifest"];

function outputList(text: string, before: readonly OutputFile[] = []): OutputFile[] {
  const named = partsOf(text).map((name) => outputFiles.find((one) => one === name));
  if (named.includes(undefined)) throw new InvalidArgumentError(`Allowed values: ${outputFiles.join(", ")}.`);
  return [...before, ...named.filter((one) => one !== undefined)];
}

async function explain(images: string[], flags: ExplainFlags): Promise<void> {
  if (flags.resume && flags.write && !flags.write.includes("manifest"))
    throw new UserError("invalid-option", "invalid --resume: it needs the manifest, which --write leaves out");
  checkMethodOptions(flags);
  const options = {
    ...loadOptions(flags),
    keep: keepFor(flags.method ?? []),
    maxPixels: flags.maxPixels,
    similarTo: flags.similarTo,
    inputs: flags.input,
  };
  const model = await load(flags.model, options);
  const { kind, labels } = model.subject;
  if (labels.incomplete) notice(labels.incomplete);
  const wanted = [...images, ...(model.sample === undefined ? [] : [model.sample])];
  if (wanted.length === 0)
    throw new UserError(
      "missing-file",
      `missing ${kind}: give a file or a directory of files; see the examples in --help`,
    );
  const samples = await findSamples(wanted, flags.out, kind);
  refuseMissing(model, flags);
  const many = (await Promise.all(wanted.map(isDirectory))).includes(true);
  const write = flags.write ?? (many ? ofDirectories : outputFiles);
  const writing: Writing = {
    write: explanationFiles.filter((file) => write.includes(file)),
    compression: many ? "fast" : "small",
  };
  const reference = flags.reference === undefined ? undefined : await Reference.open(flags.reference, options, model);
  await prepareDirectory(flags.out);

  let failures: number;
  let drew = false;
  /** Each kind of warning once, however many maps have it. */
  const told = new Map<string, string>();
  try {
    failures = await eachSample(
      samples,
      kind,
      {
        settings: {
          ...settingsOf(model, flags),
          contents: await contentsOf([
            ...[flags.labels, flags.similarTo, flags.reference],
            ...Object.values(flags.input ?? {}),
          ]),
        },
        manifest: write.includes("manifest"),
        together: 3,
        one: (sample, signal, onProgress) =>
          explainOne(model, sample, flags, { reference, signal, onProgress, ...writing }),
        files: (result) => filesOf(result, writing.write),
        report: (result) => {
          drew ||= filesOf(result, writing.write)?.length !== 0;
          for (const { warnings } of result.explanations)
            for (const { code, text } of warnings) if (!ofOneMap.has(code)) told.set(code, text);
          report(result, flags);
        },
      },
      flags,
    );
  } finally {
    await model.release();
    await reference?.release();
  }
  if (!flags.json) {
    if (told.delete("preparation-guessed"))
      print(dim(`The model does not specify its preprocessing; assumed ${assumption(model)}.`));
    for (const text of told.values()) print(dim(text));
  }
  endWith(failures, samples.length, kind, flags, drew);
}

/** @throws UserError `invalid-input` that shows how another input of the model is given. */
function refuseMissing({ reading, subject }: LoadedClassifier, { input = {}, similarTo }: ExplainFlags): void {
  // The other embedding is an input of the model that compares the two.
  if (similarTo !== undefined) return;
  const others = reading.inputs.filter(({ name }) => name !== subject.explainer.imageInput);
  const fed = (name: string) => Object.hasOwn(input, name) || (reading.head !== undefined && isSizeInput(name));
  const missing = others.find(({ name }) => !fed(name));
  if (!missing) return;
  const file = missing.role === "picture" ? "other.jpg" : "values.npy";
  throw new UserError(
    "invalid-input",
    `missing input: "${missing.name}"; the model takes ${listing(reading.inputs.map(({ name }) => name))}; pass it with --input ${missing.name}=${file}`,
  );
}

type Writing = Required<Pick<WriteOptions, "write" | "compression">>;

interface Asking extends Writing {
  readonly reference: Reference | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (part: number) => void;
}

async function explainOne(
  model: LoadedClassifier,
  { file, stem }: SampleFile,
  flags: ExplainFlags,
  { reference, signal, onProgress, write, compression }: Asking,
): Promise<ImageResult> {
  const { class: classes, target: targets, colormap, out } = flags;
  const { method, option, against, counterfactual, layer, maxMemory, partial } = flags;
  const options = { method, options: option, against, counterfactual, layer, signal, maxMemory };
  const asked = { ...options, ...foundBy(flags), partial, classes, targets, onProgress };
  const why = await model.explain<Kind>(file, asked);
  const isPartial = signal.aborted;
  const compared = await reference?.compare(file, why, options);
  const { name } = model.reading;
  const used = model.reading.layers.find((one) => one.default)?.name ?? null;
  // Boxes of several levels have their maps on as many layers.
  const layers = why.detections ? layersShown(why.explanations) : [used ?? []].flat();
  const caption = [`Model ${name}`, layers.length > 0 && `layer ${layers.join(", ")}`].filter(Boolean).join(", ");
  const drawn = { colormap, caption, write, compression };
  const { explanations, masks, overlay, panel } = await writeWhy(why, { directory: out, stem, ...drawn });
  return {
    image: file,
    model: { name, sha256: model.sha256 },
    task: model.reading.task,
    layer: used,
    predictions: why.predictions,
    ...(why.detections && { detections: why.detections }),
    ...(masks && { masks }),
    ...(why.characters && { text: why.text, probability: why.probability, characters: why.characters }),
    ...(why.remark && { remark: why.remark }),
    explanations: explanations.map((e, i) => ({ ...e, ...(compared && { reference: compared[i].reference }) })),
    ...(overlay && { overlay }),
    ...(panel && { panel }),
    ...(isPartial && { partial: true }),
    ...(compared && { reference: compared[0]?.of }),
  };
}
