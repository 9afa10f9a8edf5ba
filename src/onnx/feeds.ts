/** @file Whether feeds are those that a model takes, and seeds those that a tensor takes. */
import { expects, isRecord, listing, UserError } from "../errors.ts";
import type { Model } from "./model.ts";
import { type Observed, type TensorType, typeOf } from "./observe.ts";
import { declaredDims, declaredType } from "./proto.ts";
import type { Feeds, Tensor } from "./runtime.ts";
import { gradientType, typeName } from "./types.ts";

/** @throws UserError for a missing or unknown input, or one of another type or shape than the model declares. */
export function checkFeeds(model: Model, feeds: Feeds): void {
  const names = model.inputs.map(({ name }) => name);
  expects(isRecord(feeds), "feeds", feeds, `an object with a tensor for each of ${listing(names)}`);
  for (const name of Object.keys(feeds))
    if (!names.includes(name))
      throw new UserError("unknown-name", `unknown input: "${name}"; the model takes ${listing(names)}`);
  for (const input of model.inputs) {
    if (!Object.hasOwn(feeds, input.name) || !feeds[input.name])
      throw new UserError("invalid-input", `missing input: "${input.name}"; the model takes ${listing(names)}`);
    const feed = feeds[input.name];
    const type = typeName(declaredType(input));
    if (feed.type !== type)
      throw new UserError("invalid-input", `invalid input: "${input.name}" is ${feed.type}; the model takes ${type}`);
    const dims = declaredDims(input);
    if (
      dims &&
      (dims.length !== feed.dims.length || dims.some((d, i) => typeof d === "number" && d > 0 && d !== feed.dims[i]))
    )
      throw new UserError(
        "invalid-input",
        `invalid input: "${input.name}" has shape [${feed.dims}]; the model takes [${dims.map((d) => (d === "" ? "?" : d)).join(",")}]`,
      );
  }
  checkSizeNames(model, feeds);
}

/** A name that a model gives two axes stands for one size. Batches apart may differ: what is asked of each input is asked row by row. */
function checkSizeNames(model: Model, feeds: Feeds): void {
  const seen = new Map<string, { size: number; axis: number; input: string }>();
  for (const input of model.inputs)
    declaredDims(input)?.forEach((name, axis) => {
      if (typeof name !== "string" || name === "") return;
      const size = feeds[input.name].dims[axis];
      const other = seen.get(name);
      if (!other) seen.set(name, { size, axis, input: input.name });
      else if (other.size !== size && other.axis + axis > 0)
        throw new UserError(
          "invalid-input",
          `invalid input: axis ${other.axis} of "${other.input}" and axis ${axis} of "${input.name}" are both named "${name}", but have sizes ${other.size} and ${size}; feed one size`,
        );
    });
}

/** The type of a seeded tensor; @throws UserError for an unknown one, or a cotangent of another type or shape than its gradient has. */
export function checkSeed(model: Model, tensors: Observed, name: string, seed: Tensor, what = "seed"): TensorType {
  const tensor = typeOf(model, tensors, name);
  const { type, dims } = tensor;
  const wanted = typeName(gradientType(type));
  if (seed?.type !== wanted)
    throw new UserError("invalid-input", `invalid ${what}: "${name}" takes ${wanted}, not ${seed?.type}`);
  if (seed.dims.length !== dims.length || dims.some((d, i) => d >= 0 && d !== seed.dims[i]))
    throw new UserError("invalid-input", `invalid ${what}: "${name}" has shape [${dims}], the ${what} [${seed.dims}]`);
  return tensor;
}
