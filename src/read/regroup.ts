/** @file Axes that are merged and split: what a Reshape, and an Einsum, does to where they come from. */
import { product } from "../onnx/dims.ts";
import { feature, features, nothing, type Origin, type Part } from "./origin.ts";

/**
 * The origins behind a Reshape. Axes that stay are left out from both ends; what is between is read as one row of parts, slowest first,
 * and dealt out from its end. A window of a grid is thus the inner part of an axis, and finds back to the outer one.
 * @returns undefined where sizes that only the run knows leave it open
 */
export function regroup(
  from: readonly number[],
  origins: readonly Origin[],
  to: readonly number[],
): readonly Origin[] | undefined {
  let [right, left] = [0, 0];
  const most = Math.min(from.length, to.length);
  // Where all else is the same number of places, so is the one size that only the run knows.
  const known = (dims: readonly number[]) => product(dims.filter((d) => d >= 0));
  const free = (dims: readonly number[]) => dims.filter((d) => d < 0).length;
  const same = free(from) === 1 && free(to) === 1 && known(from) === known(to);
  const stays = (a: number, b: number) => from[a] === to[b] && (from[a] >= 0 || a === 0 || same);
  while (right < most && from[from.length - 1 - right] >= 0 && stays(from.length - 1 - right, to.length - 1 - right))
    right++;
  while (left + right < most && stays(left, left)) left++;
  // Images of which only the run knows the number stay the same only where what is behind them does.
  const between = (dims: readonly number[]) => product(dims.slice(left, dims.length - right));
  if (left > 0 && from[0] < 0 && between(from) !== between(to)) left = 0;
  const middle = deal(origins.slice(left, from.length - right), to.slice(left, to.length - right));
  return middle && [...origins.slice(0, left), ...middle, ...origins.slice(from.length - right)];
}

function deal(origins: readonly Origin[], sizes: readonly number[]): Origin[] | undefined {
  if (sizes.length === 0) return [];
  if (sizes.length === 1 && origins.length === 1) return [...origins];
  if (origins.some(({ before, mixed }) => before !== 0 || mixed)) return sizes.map(() => ({ ...nothing, mixed: true }));
  const row = origins.flatMap(({ parts }) => parts);
  const dealt: Origin[] = [];
  for (const [i, size] of [...sizes.entries()].reverse()) {
    // The slowest takes what is left.
    const taken = i === 0 ? row.splice(0) : take(row, size);
    if (!taken) return undefined;
    dealt.unshift({ parts: fused(taken), before: 0 });
  }
  return dealt;
}

/** Parts of so many places from the end of the row, the last one split where it is too large. */
function take(row: Part[], size: number): Part[] | undefined {
  const taken: Part[] = [];
  for (let left = size; left !== 1; ) {
    const part = row.pop();
    if (!part || part.size < 0 || left < 0) return undefined;
    if (left % part.size === 0) {
      taken.unshift(part);
      left /= part.size;
    } else if (part.size % left === 0) {
      taken.unshift({ ...part, size: left });
      row.push({ ...part, size: part.size / left, step: part.step * left });
      left = 1;
    } else return undefined;
  }
  return taken;
}

/** Neighbours that make one axis again. */
function fused(parts: readonly Part[]): Part[] {
  const whole: Part[] = [];
  for (const part of parts.filter(({ size }) => size !== 1 || parts.length === 1)) {
    const last = whole.at(-1);
    const joins = last?.axis === part.axis && (part.axis === features || last.step === part.size * part.step);
    if (last && joins) whole[whole.length - 1] = { ...part, size: last.size * part.size };
    else whole.push(part);
  }
  return whole;
}

/** Origins by the letters of an equation; undefined for one with an ellipsis. */
export function einsumOrigins(
  equation: string,
  operands: readonly (readonly Origin[] | undefined)[],
  made: readonly number[],
): readonly Origin[] | undefined {
  const [inputs, output] = equation.replaceAll(" ", "").split("->");
  if (output === undefined || equation.includes(".")) return undefined;
  const terms = inputs.split(",");
  return [...output].map((letter, i) => {
    const found = terms.flatMap((term, k) => operands[k]?.[term.indexOf(letter)] ?? []);
    return found.find(({ parts }) => parts.some(({ axis }) => axis !== features)) ?? found[0] ?? feature(made[i]);
  });
}
