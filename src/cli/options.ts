/** @file Options that commands share, and how their texts become values. */
import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../errors.ts";
import type { InputShapes } from "../explain/input-shapes.ts";
import { type ChannelOrder, channelOrders, type Fit, fits } from "../image/assume.ts";
import type { Size } from "../image/geometry.ts";
import { type PeakRule, peakRules } from "../image/locate.ts";
import { type MethodName, methodName, methodNames } from "../methods/by-name.ts";
import { methodGiven } from "../methods/index.ts";
import type { GivenOptions } from "../methods/method.ts";
import { optionsFor } from "../methods/options.ts";
import type { LoadOptions } from "../node/load.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import type { TokenGrid } from "../read/layout.ts";
import { type ColormapName, colormaps } from "../render/colormap.ts";
import type { LanguageOptions } from "../tasks/formats/folder.ts";
import { type Dtype, dtypeOf, dtypes } from "../tasks/formats/model-files.ts";
import { type AlignName, alignments } from "../tasks/placing.ts";
import { type Task, tasks } from "../tasks/task.ts";

import { printError } from "./terminal.ts";

/** What every command that opens a model takes. */
export interface ModelFlags {
  readonly model?: string;
  readonly output?: string;
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly inputShape?: InputShapes;
  readonly labels?: string;
  readonly mean?: number[];
  readonly std?: number[];
  readonly size?: number | Size | "full";
  readonly fit?: Fit;
  readonly scale?: number;
  readonly channels?: ChannelOrder;
  readonly layout?: string;
  readonly explainInput?: string;
  readonly peak?: PeakRule;
  readonly align?: AlignName;
  readonly provider?: string;
  readonly threads?: number;
  readonly dtype?: Dtype;
  readonly task?: Task;
}

/** What every command that draws maps takes. */
export interface DrawingFlags {
  readonly method?: MethodName[];
  readonly option?: GivenOptions;
  readonly out: string;
  readonly colormap: ColormapName;
  readonly maxPixels: number;
  readonly resume?: boolean;
  /** Where a command has it: Ctrl-C ends with the estimates until then. */
  readonly partial?: boolean;
  readonly json?: boolean;
}

export function withModel(command: Command): Command {
  const model = "an .onnx file or a directory in Hugging Face layout (default: the bundled EfficientNet-Lite0)";
  return withReading(command.option("--model <file|dir>", model)).addOption(
    new Option("--task <name>", "what the model is for (default: read from its files and its graph)").choices([
      ...tasks,
    ]),
  );
}

/** The same for commands that are about the model alone: it is their argument, too. */
export const withModelArgument = (command: Command): Command =>
  withModel(command).argument("[model]", "same as --model");

/** A model by its argument or by --model; @throws UserError `invalid-option` for two that differ. */
export function modelOf(argument: string | undefined, { model }: Pick<ModelFlags, "model">): string | undefined {
  if (argument === undefined || model === undefined || argument === model) return argument ?? model;
  throw new UserError("invalid-option", `invalid --model: ${model}; the model was already given as ${argument}`);
}

/** How a model is read, however it is named. */
export function withReading(command: Command): Command {
  return withPictureReading(
    command
      .option("--output <tensor>", "output that holds the scores (default: the first of shape [n, classes])")
      .option("--explain-input <name>", "image input to explain, if there are several (default: the first)")
      .option(
        "--labels <file|imagenet>",
        "class names: one per line, or JSON (a list or id2label); imagenet: the 1,000 ImageNet names",
      ),
  );
}

/** How a model gets its pictures, where its maps lie, and what it runs on. */
export function withPictureReading(command: Command): Command {
  return command
    .option(
      "--layer <tensor>",
      "target layer (default: the last activation before the grid is pooled; of a detector where each level of its head starts)",
    )
    .option(
      "--tokens <grid>",
      "token grid as rows x columns, such as 14x14; 1+14x14 with one token before it (default: from the shapes)",
      tokenGrid,
    )
    .option(
      "--input-shape <sizes>",
      "shape for an input with dynamic dimensions, such as 1x3x224x224; with several inputs NAME=SHAPE, such as image=1x3x224x224",
      inputShape,
    )
    .option(
      "--mean <r,g,b>",
      "mean per channel, for pixels in 0..1 (or the range of --scale); one number or three",
      numbers,
    )
    .option("--std <r,g,b>", "standard deviation per channel, likewise", numbers)
    .option("--scale <white>", "value of white in the input's range; 255 for unscaled pixels (default: 1)", positive)
    .addOption(new Option("--channels <order>", "channel order (default: rgb)").choices([...channelOrders]))
    .option(
      "--size <side|HxW|full>",
      "input size: the side of a square, or height x width (48x192); full keeps each image's own size",
      sized,
    )
    .addOption(
      new Option(
        "--fit <how>",
        "how images are fitted to that size: centre crop, stretch, letterbox with a grey border, or as high and padded at the end, as a line of text (default: crop; for text line)",
      ).choices([...fits]),
    )
    .option("--layout <order>", "input layout, one letter per axis: NCHW or NHWC (default: inferred from the graph)")
    .option("--provider <name>", "ONNX Runtime execution provider", "cpu")
    .option("--threads <count>", "ONNX Runtime threads (default: one per core)", threads);
}

/** Where maps are placed on a sample, and what is called their peak. */
export function withPlacing(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--peak <rule>",
        "centre: the centre of the maximum's plateau; first: the first maximum in row-major order, as in published protocols",
      )
        .choices([...peakRules])
        .default(peakRules[0]),
    )
    .addOption(
      new Option(
        "--align <how>",
        "placement of a layer's cells: evenly over the input, or at the centres of their receptive fields",
      )
        .choices([...alignments])
        .default(alignments[0]),
    );
}

/** Methods by name. */
export const withMethods = (
  command: Command,
  what = "explanation method; repeatable (default: grad-cam)",
  others: readonly string[] = [],
): Command =>
  withList(command, "method", what, [...methodNames, ...others], (name) =>
    others.includes(name) ? name : methodName(name),
  );

/**
 * An option that names several things of a kind: it may be repeated, and its names be parted by commas; `--methods` is `--method`.
 * @param read a name; throws for one that there is not
 */
export function withList(
  command: Command,
  kind: string,
  what: string,
  names: readonly string[],
  read: (name: string) => string,
): Command {
  const gather = (text: string, before: readonly string[] = []) => [...before, ...partsOf(text).map(read)];
  return command
    .addOption(new Option(`--${kind} <names>`, `${what}: ${names.join(", ")}`).argParser(gather))
    .addOption(new Alias(`--${kind}s <names>`, kind).argParser(gather).hideHelp());
}

/** What commas part, in every list of an option: none of it is empty. */
export function partsOf(text: string): string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.includes("")) throw new InvalidArgumentError("It must have no empty part between its commas.");
  return parts;
}

/** Another spelling of an option. */
class Alias extends Option {
  constructor(
    flags: string,
    private readonly of: string,
  ) {
    super(flags);
  }
  override attributeName(): string {
    return this.of;
  }
}

/** Which of several precisions, in a directory of transformers.js. */
export const dtypeOption = (): Option =>
  new Option(
    "--dtype <name>",
    "precision of the ONNX files, as named by transformers.js (default: fp32, or the only one present)",
  ).choices(dtypes);

/** What methods are told, by `--option`. */
export const withMethodOptions = (command: Command): Command =>
  command.option(
    "--option <name=value>",
    "option of a method, such as sign=absolute; repeatable (gradcam methods lists them)",
    methodOption,
  );

/** How much memory a run may take. */
export const withMaxMemory = (command: Command): Command =>
  command.option(
    "--max-memory <size>",
    "memory that a run may take, by an estimate, such as 500MB or 2GB: smaller batches, or an error before any run",
    bytes,
  );

/** Where maps go, and how they look. */
export function withDrawing(command: Command): Command {
  return withMethodOptions(command)
    .option("--out <dir>", "output folder", "gradcam-out")
    .addOption(new Option("--colormap <name>", "colour map").choices([...colormaps]).default(colormaps[0]))
    .option("--resume", "continue an earlier run into --out that had the same settings")
    .option("--max-pixels <count>", "refuse larger images", whole, 100e6)
    .option("--json", "print one JSON line per image, and nothing else");
}

/** The flags as `load` takes them. */
export function loadOptions({
  output,
  explainInput,
  layer,
  tokens,
  inputShape: inputShapes,
  labels,
  mean,
  std,
  size,
  fit,
  scale,
  channels,
  layout,
  peak,
  align,
  provider,
  threads,
  dtype,
  task,
}: ModelFlags): LoadOptions & LanguageOptions {
  const session: SessionOptions = {
    ...(provider && { executionProviders: [provider] }),
    ...(threads && { intraOpNumThreads: threads }),
  };
  return {
    output,
    explainInput,
    layer,
    tokens,
    inputShapes,
    labels,
    mean,
    std,
    size,
    fit,
    scale,
    channels,
    layout,
    peak,
    align,
    session,
    dtype,
    task,
  };
}

/** Gathers an option that may be given several times. */
export const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Expected an integer of at least 1.");
  return value;
}

/** A part of one. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("Expected a number from 0 to 1.");
  return value;
}

/** More of them wait for each other: a thousand on two cores take minutes to start, and hear no Ctrl-C while they do. */
const mostThreads = Math.max(64, 4 * availableParallelism());

function threads(text: string): number {
  const value = whole(text);
  if (value > mostThreads) throw new InvalidArgumentError(`Expected at most ${mostThreads}.`);
  return value;
}

export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535)
    throw new InvalidArgumentError("Expected an integer from 1 to 65535.");
  return value;
}

/** Something to know while a command goes on. */
export const notice = (text: string): void => printError(`gradcam: ${text}`);

/** Says which files a model is made of, where they are not in full precision. */
export function sayPrecision<M extends { readonly files: readonly string[] }>(model: M): M {
  const { files } = model;
  if (files.some((file) => dtypeOf(file) !== "fp32")) notice(`model files: ${files.join(", ")}`);
  return model;
}

export function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError("Expected an integer from 0 to 65535.");
  return value;
}

export function seedNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Expected an integer of at least 0.");
  return value;
}

/** "14x14", or "1+14x14" where a token comes before the grid. */
function tokenGrid(text: string): TokenGrid {
  const parts = /^(?:(\d+)\+)?([1-9]\d*)x([1-9]\d*)$/.exec(text);
  if (!parts)
    throw new InvalidArgumentError(
      "Expected rows x columns, such as 14x14, or 1+14x14 with one token before the grid.",
    );
  const [, prefix, rows, columns] = parts;
  return { grid: [Number(rows), Number(columns)], ...(prefix && { prefix: Number(prefix) }) };
}

/** "1x3x224x224", or "image=1x3x224x224" once for each input. */
function inputShape(text: string, before?: InputShapes): InputShapes {
  const [, name, sizes] = /^(?:(.+)=)?([1-9]\d*(?:x[1-9]\d*)*)$/s.exec(text) ?? [];
  if (!sizes || (before && (!name || Array.isArray(before))))
    throw new InvalidArgumentError(
      "Expected a shape such as 1x3x224x224, or with several inputs NAME=SHAPE, such as image=1x3x224x224.",
    );
  const shape = sizes.split("x").map(Number);
  return name ? { ...before, [name]: shape } : shape;
}

function sized(text: string): number | Size | "full" {
  if (text === "full") return text;
  const [, height, width] = /^([1-9]\d{0,6})x([1-9]\d{0,6})$/.exec(text) ?? [];
  if (height) return { height: Number(height), width: Number(width) };
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected an integer of at least 1, height x width such as 48x192, or full.");
}

function positive(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

/** "500MB", "2GB", in powers of ten. */
function bytes(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/i.exec(text) ?? [];
  const value = Number(count) * (unit?.toUpperCase() === "GB" ? 1e9 : 1e6);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a size above 0, such as 500MB or 2GB.");
  return value;
}

/** Gathers `name=value` of a method's options: a number where it is one. */
export function methodOption(text: string, before: GivenOptions = {}): GivenOptions {
  const [, name, value] = /^([^=\s]+)=(.+)$/s.exec(text) ?? [];
  if (!name || value === undefined) throw new InvalidArgumentError("Expected NAME=VALUE, such as sign=absolute.");
  return { ...before, [name]: value.trim() === "" || Number.isNaN(Number(value)) ? value : Number(value) };
}

/** What methods are told, refused before a model is opened; @throws UserError for an option that none of the methods has. */
export const checkMethodOptions = ({ method, option }: Pick<DrawingFlags, "method" | "option">): void => {
  optionsFor((method ?? ["grad-cam"]).map(methodGiven), option);
};

/** Gathers `name=file`. */
export function namedFile(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (!name) throw new InvalidArgumentError("Expected NAME=FILE, with the name of an input.");
  return { ...before, [name]: file };
}

function numbers(text: string): number[] {
  const values = partsOf(text).map(Number);
  if (![1, 3].includes(values.length) || values.some((v) => !Number.isFinite(v)))
    throw new InvalidArgumentError("Expected one number, or three separated by commas.");
  return values;
}
