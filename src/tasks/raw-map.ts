/** @file A method's answer to one question before it is laid anywhere: the map, what was asked in words, and why it shows nothing. */
import type { Dense } from "../array/dense.ts";
import { InternalError } from "../errors.ts";
import type { Method } from "../methods/method.ts";
import type { Warning } from "../read/decision.ts";
import type { PicturePlace } from "./pictures.ts";

export interface RawMap {
  /** Raw: neither normalised nor resized, [...grid]. */
  readonly map: Dense;
  /** For methods in pixel space: the signed image, [channels, ...], on the network's input. */
  readonly pixels?: Dense;
  /** The target layer; undefined for methods in pixel space. */
  readonly layer?: string;
}

/** Whose map it is. */
export interface ByMethod {
  /** The method's name, and how people write it. */
  readonly method: string;
  readonly methodTitle: string;
}

export const byMethod = ({ name, title }: Method): ByMethod => ({ method: name, methodTitle: title });

/** What is said of a map. */
export interface Remarks {
  /** Why the map is blank, where it is. */
  readonly blank?: string;
  /** What a reader must know of it. */
  readonly warnings: readonly Warning[];
}

/** A map, and where it lies on the picture. */
export interface ReadMap extends RawMap, Remarks, PicturePlace {}

/** One of several answers, [m, ...]. */
export function row(tensor: { data: unknown; dims: readonly number[] }, index: number): Dense {
  if (!(tensor.data instanceof Float32Array)) throw new InternalError("maps are float32");
  const [m, ...dims] = tensor.dims;
  const size = tensor.data.length / m;
  return { data: tensor.data.slice(index * size, (index + 1) * size), dims };
}

/** A question in words: "espresso", "espresso rather than cup", "against espresso". */
export const inWords = (
  label: string,
  { against, counterfactual }: { readonly against?: string; readonly counterfactual?: boolean },
): string => (against !== undefined ? `${label} rather than ${against}` : counterfactual ? `against ${label}` : label);

/** @param question by what method, and what in words */
export function remarksOn({ map, layer }: RawMap, question: Parameters<typeof blankness>[1]): Remarks {
  const blank = blankness(map, question, layer);
  const text = `Nothing is left of the map after the ReLU: ${blank}.`;
  return { blank, warnings: blank !== undefined && layer !== undefined ? [{ code: "relu-emptied", text }] : [] };
}

/** Why a method's map shows nothing; undefined where it shows something. */
function blankness(
  { data }: Dense,
  { method, question }: { readonly method: Method; readonly question: string },
  layer: string | undefined,
): string | undefined {
  if (data.some((v) => !Number.isFinite(v))) return "the map is not finite: a gradient overflowed";
  if (data.some((v) => v > 0)) return undefined;
  const { nothing, title } = method;
  const negative = data.some((v) => v < 0);
  if (nothing) return nothing(question, negative);
  return layer
    ? `no positive evidence for "${question}" at ${layer}`
    : `${title} finds no pixel that speaks for "${question}"`;
}
