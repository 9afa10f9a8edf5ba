/** @file `gradcam compile`: one ONNX file that predicts and explains. */
import { type Command, Option } from "commander";
import { UserError } from "../errors.ts";
import { classInputs } from "../explain/compile.ts";
import { names, notesOf } from "../explain/compiled.ts";
import { type MethodName, methodName } from "../methods/by-name.ts";
import { methods } from "../methods/index.ts";
import type { GivenOptions } from "../methods/method.ts";
import { type CompileFileOptions, compileFile } from "../node/compile.ts";
import { compileCaptioner } from "../node/compile-captioner.ts";
import type { Model } from "../onnx/model.ts";
import { declaredDims, declaredType, type ValueInfoProto } from "../onnx/proto.ts";
import { typeName } from "../onnx/types.ts";
import {
  dtypeOption,
  fraction,
  loadOptions,
  type ModelFlags,
  methodOption,
  modelOf,
  sayPrecision,
  whole,
  withList,
  withModelArgument,
} from "./options.ts";
import { bold, print, printJson } from "./terminal.ts";

interface CompileFlags
  extends ModelFlags,
    Pick<CompileFileOptions, "out" | "classInput" | "score" | "iou" | "maxDetections"> {
  readonly method?: MethodName[];
  readonly option?: GivenOptions;
  readonly words?: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  gradcam compile resnet50.onnx                       writes resnet50.gradcam.onnx, with a Grad-CAM map as an output
  gradcam compile resnet50.onnx --labels imagenet.txt --out explained.onnx
  gradcam compile resnet50.onnx --method guided-backprop
  gradcam compile resnet50.onnx --class-input required   for ONNX Runtime in JavaScript and Java
  gradcam compile yolo11n.onnx --score 0.5            a detector: boxes, scores, labels and a map for each box
  gradcam compile vit-gpt2/ --words 12                encoder, decoder, and a map for each of 12 words`;

export function defineCompile(program: Command): void {
  const compiled = methods.filter((method) => method.graph).map(({ name }) => name);
  const command = withModelArgument(program.command("compile"));
  withList(command, "method", "explanation method (default: grad-cam; for a detector hires-cam)", compiled, (name) =>
    methodName(name),
  )
    .description("write one .onnx file that predicts and explains in one run")
    .option(
      "--option <name=value>",
      "option of the method that is a constant of the graph, such as sign=absolute; repeatable",
      methodOption,
    )
    .option("--out <file>", "file to write (default: the model's name with .gradcam.onnx)")
    .addOption(
      new Option(
        "--class-input <kind>",
        "whether the caller must feed a class; without one the top-1 class is explained",
      )
        .choices([...classInputs])
        .default(classInputs[0]),
    )
    .option("--score <0..1>", "of a detector: boxes above this score (default: 0.25)", fraction)
    .option("--iou <0..1>", "of a detector: overlap above which the better of two boxes stays (default: 0.7)", fraction)
    .option("--max-detections <count>", "of a detector: boxes at most, each with a map (default: 16)", whole)
    .option("--words <count>", "length in tokens of the sentences that the file explains (captioners only)", whole)
    .addOption(dtypeOption())
    .option("--json", "print what was written as JSON")
    .addHelpText("after", examples)
    .action(compile);
}

async function compile(argument: string | undefined, flags: CompileFlags): Promise<void> {
  const model = modelOf(argument, flags);
  if ((flags.method?.length ?? 0) > 1)
    throw new UserError(
      "invalid-option",
      `invalid --method: ${flags.method?.join(", ")}; a compiled file holds one method`,
    );
  const compiled =
    flags.words === undefined ? await classifier(model, flags) : await captioner(model, flags, flags.words);
  if (flags.json) printJson(asJson(compiled));
  else table(compiled);
}

/** A file that was written, and what it was made of. */
interface Written {
  readonly file: string;
  readonly model: Model;
  readonly name: string;
  readonly sha256: string;
}

async function classifier(source: string | undefined, flags: CompileFlags): Promise<Written> {
  const { out, method: [method] = [], option, classInput, score, iou, maxDetections, dtype } = flags;
  if (dtype)
    throw new UserError(
      "invalid-option",
      `invalid dtype: ${dtype}; it applies to a captioner's directory, with --words`,
    );
  const asked = { out, method, options: option, classInput, score, iou, maxDetections };
  const { file, model, from } = await compileFile(source, { ...loadOptions(flags), ...asked });
  return { file, model, name: from.reading.name, sha256: from.sha256 };
}

async function captioner(source: string | undefined, flags: CompileFlags, words: number): Promise<Written> {
  const { out, method: [method] = ["grad-cam"] } = flags;
  if (method !== "grad-cam")
    throw new UserError("invalid-option", `invalid method: "${method}"; captioners are compiled with grad-cam`);
  if (flags.option)
    throw new UserError(
      "invalid-option",
      `invalid option: "${Object.keys(flags.option).join(", ")}"; captioners are compiled with grad-cam as it is`,
    );
  const { file, model, from } = await compileCaptioner(source, { ...loadOptions(flags), out, words });
  sayPrecision(from);
  return { file, model, name: from.captioner.name, sha256: from.sha256 };
}

function asJson({ file, model, name, sha256 }: Written) {
  const { method, layer, levels, grid, score, model_bytes, rewritten } = notesOf(model) ?? {};
  return {
    file,
    bytes: model.bytes.length,
    added: model.bytes.length - Number(model_bytes),
    model: { name, sha256 },
    ...{ method, layer, levels: levels && JSON.parse(levels), grid: grid && JSON.parse(grid), score },
    rewritten: rewritten?.split(", "),
    inputs: takes(model).map(tensor),
    outputs: model.graph.output.map(tensor),
  };
}

/** What a caller may feed. */
const takes = ({ inputs, graph }: Model): ValueInfoProto[] =>
  graph.input.filter((input) => inputs.includes(input) || input.name === names.target);

/** An output whose type the model does not say has none. */
const tensor = (info: ValueInfoProto) => ({
  name: info.name,
  type: declaredType(info) ? typeName(declaredType(info)) : undefined,
  shape: declaredDims(info),
});

const layersIn = (levels: string): string[] => JSON.parse(levels).map(({ layer }: { layer: string }) => layer);

function table({ file, model, name }: Written): void {
  const { method, layer, levels, model_bytes, rewritten } = notesOf(model) ?? {};
  const at = levels ? layersIn(levels).join(", ") : layer;
  const added = model.bytes.length - Number(model_bytes);
  print(`${bold(file)}: ${name} and ${added} bytes, ${method}${at ? ` at ${at}` : ""}`);
  if (rewritten) print(` the model itself was rewritten first: ${rewritten}`);
  const rows = [
    ...takes(model).map((info) => ["in ", tensor(info)] as const),
    ...model.graph.output.map((info) => ["out", tensor(info)] as const),
  ];
  const width = Math.max(...rows.map(([, { name }]) => name.length));
  for (const [way, { name, type, shape }] of rows) {
    const kind = type && `${type} [${shape?.map((d) => d || "?").join(", ") ?? ""}]`;
    const words = ["", way, name.padEnd(width), "", kind, model.initializers.has(name) && " optional"];
    print(` ${words.filter((word) => word !== undefined && word !== false).join(" ")}`.trimEnd());
  }
}
