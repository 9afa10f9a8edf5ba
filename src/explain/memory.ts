/**
 * @file How much memory a run may take, as its caller says: so many rows in it at most, and what even one row is too much for refused before
 * anything runs. By the estimate of sizes.ts, with the weights; what the host and the runtime themselves take comes on top.
 */
import { expects, UserError } from "../errors.ts";
import { product } from "../onnx/dims.ts";
import type { Plan } from "./plan.ts";
import { pictureBytes, runBytes } from "./sizes.ts";

export type Sized = Pick<Plan, "model" | "tensors" | "rowBytes">;

/** What runs at once: pictures, and backward passes to a tensor, one for each picture unless told. */
export interface Load {
  readonly pictures: number;
  readonly to?: string;
  readonly rows?: number;
}

function bytesOf(plan: Sized, { pictures, to, rows = pictures }: Load): number {
  const picture = pictureBytes(plan);
  const weights = runBytes(plan.tensors) - picture;
  return weights + pictures * picture + (to === undefined ? 0 : rows * plan.rowBytes(to));
}

/** @throws UserError `invalid-option` where a run takes more, which nothing makes smaller. */
export function checkRun(plan: Sized, maxMemory: number | undefined, load: Load): void {
  if (maxMemory === undefined) return;
  const least = bytesOf(plan, load);
  if (least <= maxMemory) return;
  const pictures = load.pictures === 1 ? "one image" : `${load.pictures} images`;
  throw new UserError(
    "invalid-option",
    `invalid maxMemory: ${megabytes(maxMemory)}; allowed is at least ${megabytes(least)}, what a run over ${pictures} takes with this model and method`,
  );
}

/** Rows of a run, each with a picture of its own unless told: as many as fit, and one where none does. */
export function rowsWithin(
  plan: Sized,
  maxMemory: number | undefined,
  { to, pictures }: { readonly to?: string; readonly pictures?: number } = {},
): number {
  if (maxMemory === undefined) return Number.POSITIVE_INFINITY;
  const each = (pictures === undefined ? pictureBytes(plan) : 0) + (to === undefined ? 0 : plan.rowBytes(to));
  return Math.max(1, Math.floor((maxMemory - bytesOf(plan, { pictures: pictures ?? 0 })) / Math.max(1, each)));
}

/** Bytes of a map's value while it is made: a sum in double precision beside what is given back. */
const valueBytes = 12;

/** @throws UserError `invalid-option` where the maps of so many questions take more, each of this shape. */
export function checkMaps(maxMemory: number | undefined, questions: number, shape: readonly number[]): void {
  if (maxMemory === undefined) return;
  const bytes = questions * product(shape.map((size) => Math.max(1, size))) * valueBytes;
  if (bytes <= maxMemory) return;
  throw new UserError(
    "invalid-option",
    `invalid maxMemory: ${megabytes(maxMemory)}; allowed is at least ${megabytes(bytes)}, what ${questions} maps take; ask about fewer targets`,
  );
}

/** @throws UserError `invalid-option` for what is no number of bytes. */
export function checkMaxMemory(given: unknown): void {
  const fits = given === undefined || (typeof given === "number" && given > 0);
  expects(fits, "maxMemory", given, "a number of bytes above 0");
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
