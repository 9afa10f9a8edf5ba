/** @file Whether feeds are those that a model takes. */
import { listing, UserError } from "../errors.ts";
import type { Model } from "./model.ts";
import { declaredDims } from "./proto.ts";
import type { Feeds } from "./runtime.ts";

/** @throws UserError for a missing or unknown input, or one of another shape than the model declares. */
export function checkFeeds(model: Model, feeds: Feeds): void {
  const names = model.inputs.map(({ name }) => name);
  for (const name of Object.keys(feeds))
    if (!names.includes(name))
      throw new UserError("unknown-name", `unknown input: "${name}"; the model takes ${listing(names)}`);
  for (const input of model.inputs) {
    const feed = feeds[input.name];
    if (!feed)
      throw new UserError("invalid-input", `missing input: "${input.name}"; the model takes ${listing(names)}`);
    const dims = declaredDims(input);
    if (
      dims &&
      (dims.length !== feed.dims.length || dims.some((d, i) => typeof d === "number" && d > 0 && d !== feed.dims[i]))
    )
      throw new UserError(
        "invalid-input",
        `invalid input: "${input.name}" has shape [${feed.dims}]; the model takes [${dims.join(",")}]`,
      );
  }
}
