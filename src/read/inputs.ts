/**
 * @file The inputs of a model: which of them are pictures, and which of their axes are height, width and channels.
 *
 * Decided once: by what the caller says, else by what the graph does to the input first, last by sizes.
 */
import { listing, UserError } from "../errors.ts";
import { range } from "../onnx/dims.ts";
import { Attributes, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { DataType, declaredDims, type NodeProto } from "../onnx/proto.ts";
import { isFloat, isQuantized, typeName } from "../onnx/types.ts";
import { nameOf } from "../ops/index.ts";
import { type Axes, axesFromText, axesText, someAxes } from "./axes.ts";
import type { Decision } from "./decision.ts";
import { features, type Origin, type Origins } from "./origin.ts";
import { isConvolution, originsOf } from "./origins.ts";

/** An input, and what it is for. */
export interface InputReading {
  readonly name: string;
  /** As ONNX Runtime calls it: "float32", "uint8" ... */
  readonly type: string;
  /** -1 where free. */
  readonly shape: readonly number[];
  /** Letters for its axes, as "NCHW"; of what can be explained only. */
  readonly layout?: string;
  readonly role: "picture" | "tokens" | "other";
}

/** The input that is explained. */
export interface ExplainedInput {
  readonly name: string;
  readonly axes: Axes;
  /** Where the axes of other tensors come from, at the sizes that were observed. */
  readonly origins: Origins;
  readonly observed: Observed;
}

/** The same input at other sizes. */
export const observedAt = (explained: ExplainedInput, model: Model, tensors: Observed): ExplainedInput =>
  explained.observed === tensors
    ? explained
    : { ...explained, observed: tensors, origins: originsOf(model, tensors, explained.name) };

const picturesOfIntegers = new Set([DataType.UINT8, DataType.INT8, DataType.UINT16, DataType.INT32]);

/** Inputs that a map could lie on, the likeliest first: floats with a grid of two axes, of one, then pixels in whole numbers. */
export function candidatesIn(model: Model, tensors: Observed): string[] {
  const names = model.inputs.map(({ name }) => name);
  const those = (ofType: (type: DataType) => boolean, fits: (rank: number, name: string) => boolean) =>
    names.filter((name) => {
      const tensor = tensors.get(name);
      return tensor && ofType(tensor.type) && fits(tensor.dims.length, name);
    });
  const isWhole = (type: DataType) => picturesOfIntegers.has(type);
  return [
    ...those(isFloat, (rank) => rank > 3),
    ...those(isWhole, (rank) => rank > 3),
    ...those(isFloat, (rank) => rank === 3),
    ...those(isWhole, (rank) => rank === 3),
    ...those(isFloat, (rank, name) => rank === 2 && isConvolved(model, name)),
  ];
}

/** A matrix [h, w] is a picture where a convolution reads it. */
function isConvolved(model: Model, name: string): boolean {
  const seen = new Set([name]);
  for (const node of model.graph.node) {
    if (!node.input.some((input) => seen.has(input))) continue;
    if (isConvolution(node)) return true;
    if (["Unsqueeze", "Reshape", "Cast", "Identity", "Transpose", "Sub", "Div", "Mul"].includes(node.opType))
      for (const output of node.output) seen.add(output);
  }
  return false;
}

/**
 * The input that is explained, and why it is read so.
 * @param wanted what the score depends on
 * @param said the input and the order of its axes, where the caller says them
 * @throws UserError `unknown-name` for an input that the model does not have, `invalid-option` for a layout that does not fit.
 */
export function explainedInput(
  model: Model,
  tensors: Observed,
  wanted: ReadonlySet<string>,
  said: { readonly explainInput?: string; readonly layout?: string },
): { readonly input: ExplainedInput | undefined; readonly decisions: readonly Decision[] } {
  const names = model.inputs.map(({ name }) => name);
  const candidates = candidatesIn(model, tensors);
  const { explainInput, layout } = said;
  if (explainInput !== undefined && !names.includes(explainInput))
    throw new UserError("unknown-name", `unknown input: "${explainInput}"; the model takes ${listing(names)}`);
  if (explainInput !== undefined && !candidates.includes(explainInput))
    throw new UserError(
      "invalid-option",
      `invalid input: "${explainInput}" has no grid that a map could lie on; allowed are ${listing(candidates)}`,
    );
  const name = explainInput ?? candidates.find((candidate) => wanted.has(candidate)) ?? candidates[0];
  if (name === undefined) return { input: undefined, decisions: [] };
  const first = `it is the first that the scores depend on, of ${listing(candidates)}`;
  const given = { what: "explained input", value: name, because: "it was given" };
  const decisions: Decision[] = explainInput !== undefined ? [given] : [];
  if (explainInput === undefined && candidates.length > 1)
    decisions.push({ ...given, because: first, option: "--explain-input" });
  const origins = originsOf(model, tensors, name);
  const dims = tensors.get(name)?.dims ?? [];
  const { axes, ...why } = axesOf(model, dims, origins, name, layout);
  decisions.push({ what: "layout", value: axesText(axes), ...why });
  return { input: { name, axes, origins, observed: tensors }, decisions };
}

/** Axes, and why they are taken to be those. */
type AxesReading = { readonly axes: Axes } & Pick<Decision, "because" | "option" | "guess">;

function axesOf(
  model: Model,
  dims: readonly number[],
  origins: Origins,
  name: string,
  said: string | undefined,
): AxesReading {
  if (said === undefined) return { ...(fromGraph(model, dims, origins) ?? fromSizes(dims)), option: "--layout" };
  // The letters of a batch are left out of an input that has none.
  const others = dims.length < 4 ? [said.replace(/^N/i, "")] : [];
  const [axes] = [said, ...others].flatMap((letters) => axesFromText(letters, dims.length) ?? []);
  if (axes) return { axes, because: "it was given" };
  throw new UserError(
    "invalid-option",
    `invalid layout: "${said}" for the input "${name}" of ${dims.length} axes; give a letter for each of them: N, C, and the grid, as NCHW or NHWC`,
  );
}

/** What the first operator that tells axes apart has where. */
function fromGraph(model: Model, dims: readonly number[], origins: Origins): AxesReading | undefined {
  for (const node of model.graph.node) {
    const x = origins.get(node.input[0]);
    if (!x) continue;
    const slides = isConvolution(node) || poolings.has(node.opType);
    const axes = slides ? axesBeside(node, x, dims) : patches(model, node, x, dims);
    if (axes) return { axes, because: `${node.opType} "${node.name || node.output[0]}" reads it so` };
  }
  return undefined;
}

const poolings = new Set(
  "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool BatchNormalization InstanceNormalization".split(" "),
);

const axisOf = (origin: Origin | undefined): number[] => [
  ...new Set(origin?.parts.map(({ axis }) => axis).filter((axis) => axis !== features)),
];

/** A convolution's input is [n, channels, ...grid], or has its channels last. */
function axesBeside(node: NodeProto, x: readonly Origin[], dims: readonly number[]): Axes | undefined {
  const last = nameOf(node).startsWith("com.microsoft.Nhwc") || new Attributes(node).int("channels_last", 0) === 1;
  const channels = last ? x.length - 1 : 1;
  const grid = x.flatMap((origin, i) => (i === 0 || i === channels ? [] : axisOf(origin)));
  if (grid.length === 0 || new Set(grid).size < grid.length) return undefined;
  const [batch, ...frames] = axisOf(x[0]).filter((axis) => !grid.includes(axis));
  const [colours] = axisOf(x[channels]).filter((axis) => !grid.includes(axis));
  return settled({ batch, channels: colours, grid: [...frames, ...grid] }, dims);
}

/** Patches that a product makes tokens of: what is in the rows is the grid. */
function patches(
  model: Model,
  { opType, input }: NodeProto,
  x: readonly Origin[],
  dims: readonly number[],
): Axes | undefined {
  if (opType !== "MatMul" || !model.constants.has(input[1]) || x.length !== 3) return undefined;
  const grid = axisOf(x[1]);
  const inner = axisOf(x[2]);
  if (grid.length < 2 || !grid.every((axis) => inner.includes(axis))) return undefined;
  const [batch] = axisOf(x[0]);
  return settled({ batch, channels: inner.find((axis) => !grid.includes(axis)), grid }, dims);
}

/** Axes that the operator did not see: one of them the batch where the first is one, else the channels, else frames. */
function settled(
  { batch, channels, grid }: { batch: number | undefined; channels: number | undefined; grid: number[] },
  dims: readonly number[],
): Axes | undefined {
  const left = range(dims.length).filter((axis) => axis !== batch && axis !== channels && !grid.includes(axis));
  // A batch of one leaves no trace where axes are merged.
  let n = batch ?? (left[0] === 0 && Math.abs(dims[0]) === 1 ? 0 : undefined);
  const rest = left.filter((axis) => axis !== n);
  const colours = channels === undefined && rest.length === 1 && dims.length - grid.length < 3;
  const c = colours ? rest[0] : channels;
  const frames = colours ? [] : rest;
  // What was taken for the batch may be frames, with a batch of one in front of them.
  if (frames.includes(0) && n !== undefined && n > 0) {
    frames[frames.indexOf(0)] = n;
    n = 0;
  }
  const all = [...frames, ...grid].sort((a, b) => a - b);
  return all.length > 3 ? undefined : someAxes(n, c, all);
}

const colours = new Set([1, 3, 4]);

/** Sizes: channels are few. */
function fromSizes(dims: readonly number[]): AxesReading {
  const guess = true;
  if (dims.length === 2) return { axes: { grid: [0, 1] }, because: "it has two axes", guess };
  const last = dims.length - 1;
  const places = dims[last];
  const isLast = dims.length >= 4 && colours.has(places) && !colours.has(dims[1]);
  const channels = isLast ? last : 1;
  const axes = someAxes(
    0,
    channels,
    range(dims.length).filter((axis) => axis > 0 && axis !== channels),
  );
  const because = isLast
    ? `its last axis has ${places} places, like colours; no operator says more`
    : "no operator says otherwise";
  return { axes, because, guess };
}

/** All inputs, the explained one read as decided. */
export function inputReadings(model: Model, tensors: Observed, explained: ExplainedInput | undefined): InputReading[] {
  const candidates = candidatesIn(model, tensors);
  return model.inputs.map((input) => {
    const { name } = input;
    const { type = DataType.UNDEFINED, dims = [] } = tensors.get(name) ?? {};
    const axes =
      name === explained?.name
        ? explained.axes
        : candidates.includes(name)
          ? axesOf(model, dims, originsOf(model, tensors, name), name, undefined).axes
          : undefined;
    const role = axes && axes.grid.length > 1 ? "picture" : axes ? "other" : isTokens(type, dims) ? "tokens" : "other";
    // Sizes that the file leaves free are free, whatever they were taken for.
    const shape = dims.map((size, i) => (typeof declaredDims(input)?.[i] === "string" ? -1 : size));
    return { name, type: typeName(type), shape, ...(axes && { layout: axesText(axes) }), role };
  });
}

const isTokens = (type: DataType, dims: readonly number[]): boolean =>
  (type === DataType.INT64 || type === DataType.INT32) && !isQuantized(type) && dims.length === 2;

export const noImage = (): UserError =>
  new UserError("invalid-model", "invalid model: none of its inputs is an image (with spatial dimensions)");
