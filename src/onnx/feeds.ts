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
}

/** The type of a seeded tensor; @throws UserError for an unknown one, or a cotangent of another type or shape than its gradient has. */
export function checkSeed(model: Model, tensors: Observed, name: string, seed: Tensor): TensorType {
  const tensor = typeOf(model, tensors, name);
  const { type, dims } = tensor;
  const wanted = typeName(gradientType(type));
  if (seed?.type !== wanted)
    throw new UserError("invalid-input", `invalid seed: "${name}" takes ${wanted}, not ${seed?.type}`);
  if (seed.dims.length !== dims.length || dims.some((d, i) => d >= 0 && d !== seed.dims[i]))
    throw new UserError("invalid-input", `invalid seed: "${name}" has shape [${dims}], the seed [${seed.dims}]`);
  return tensor;
}
