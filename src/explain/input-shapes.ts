/** @file Sizes of a model's inputs that a caller gives, where the file leaves them open: many files say too little for a shape to be inferred. */
import { listing, UserError } from "../errors.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { declaredDims, declaredType, makeValueInfo, type ValueInfoProto } from "../onnx/proto.ts";
import { sizesAsked } from "../onnx/sizes-asked.ts";
import { isFloat } from "../onnx/types.ts";

/** Shapes by the inputs' names, the batch included; or one, of the only input. */
export type InputShapes = Readonly<Record<string, readonly number[]>> | readonly number[];

/**
 * The model with inputs of the given sizes; its bytes stay as they are. A batch that the file leaves free stays free.
 * @throws UserError for an unknown input, and a shape that is not the one that the file states.
 */
export function withInputShapes(model: Model, given: InputShapes): { model: Model; shapes: Record<string, number[]> } {
  const shapes = byName(model, given);
  const inputs = model.inputs.map((info) => sized(info, shapes[info.name]));
  return { model: { ...model, inputs }, shapes };
}

/** @throws UserError `invalid-model` where the file says too little of its inputs for anything to be known of the rest. */
export function askForSizes(model: Model, tensors: Observed): void {
  const { inputs, outputs } = model;
  const silent = inputs.find((info) => isFloat(declaredType(info)) && !declaredDims(info));
  const open = inputs.find((info) =>
    declaredDims(info)
      ?.slice(1)
      .some((d) => typeof d === "string"),
  );
  const asked = silent ?? (outputs.some((name) => tensors.has(name)) ? undefined : open);
  if (!asked) return;
  const dims = declaredDims(asked)?.map((d) => d || "?");
  throw new UserError(
    "invalid-model",
    `invalid model: the sizes of its input "${asked.name}"${dims ? ` [${dims}]` : ""} must be known; give them: ${sizesAsked(model)}`,
  );
}

/**
 * What is told where a model that opens as it is does not at the sizes that were tried for those that its file leaves free.
 * @param tried by the inputs' names
 */
export function refusedSizes(
  model: Model,
  tried: Readonly<Record<string, readonly number[]>>,
  error: unknown,
): unknown {
  const shown = model.inputs.flatMap(({ name }) => (tried[name] ? [tried[name].slice(1).join("x")] : []));
  if (!(error instanceof UserError) || error.code !== "invalid-model") return error;
  const what = `its file leaves sizes of its inputs free, but those that were tried (${listing(shown)}) do not fit`;
  return new UserError(
    "invalid-model",
    `invalid model: ${what}; give those that it takes: ${sizesAsked(model)} (${error.message.replace(/^invalid model: /, "")})`,
    { cause: error },
  );
}

function byName(model: Model, given: InputShapes): Record<string, number[]> {
  const names = model.inputs.map(({ name }) => name);
  const named = isList(given) && names.length === 1 ? { [String(names[0])]: given } : given;
  if (isList(named))
    throw new UserError(
      "invalid-option",
      `invalid input shape: ${named.join("x")} names no input; the model takes ${listing(names)}`,
    );
  for (const [name, shape] of Object.entries(named)) {
    if (!names.includes(name))
      throw new UserError("unknown-name", `unknown input: "${name}"; the model takes ${listing(names)}`);
    if (!shape.every((d) => Number.isInteger(d) && d > 0))
      throw new UserError(
        "invalid-option",
        `invalid input shape: "${name}" [${shape}]; sizes are integers of at least 1`,
      );
  }
  return Object.fromEntries(Object.entries(named).map(([name, shape]) => [name, [...shape]]));
}

const isList = (given: InputShapes): given is readonly number[] => Array.isArray(given);

function sized(info: ValueInfoProto, shape: readonly number[] | undefined): ValueInfoProto {
  if (!shape) return info;
  const declared = declaredDims(info) ?? shape.map(() => "");
  const fits = declared.length === shape.length && declared.every((d, i) => typeof d === "string" || d === shape[i]);
  if (!fits)
    throw new UserError(
      "invalid-option",
      `invalid input shape: "${info.name}" [${shape}]; the model takes [${declared.map((d) => d || "?").join(",")}]`,
    );
  const [batch] = declared;
  const dims = shape.map((d, i) => (i === 0 && typeof batch === "string" ? batch || "batch" : d));
  return makeValueInfo(info.name, declaredType(info), dims);
}
