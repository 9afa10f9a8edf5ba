/** @file A method's answer to one question before it is laid anywhere: the map, what was asked in words, and why it shows nothing. */
import type { Dense } from "../array/dense.ts";
import { InternalError } from "../errors.ts";
import type { Method, Sign } from "../methods/method.ts";
import type { Warning } from "../read/decision.ts";
import type { PicturePlace } from "./pictures.ts";

export interface RawMap {
  /** Raw: neither normalised nor resized, [...grid]. */
  readonly map: Dense;
  /** For methods in pixel space: the signed image, [channels, ...], on the network's input. */
  readonly pixels?: Dense;
  /** The target layer; undefined for methods in pixel space. */
  readonly layer?: string;
  /** All that it is joined of, where it is of several layers; `layer` is the one with the finest grid then. */
  readonly layers?: readonly string[];
  /** Whether it was cancelled, and this is the estimate until then. */
  readonly partial?: true;
}

/** Every layer that maps lie on, once. */
export const layersShown = (maps: readonly Pick<RawMap, "layer" | "layers">[]): string[] => [
  ...new Set(maps.flatMap(({ layer, layers }) => layers ?? layer ?? [])),
];

export interface ByMethod {
  /** The method's name, and how people write it. */
  readonly method: string;
  readonly methodTitle: string;
}

export interface Remarks {
  /** Why the map is blank, where it is. */
  readonly blank?: string;
  /** What a reader must know of it. */
  readonly warnings: readonly Warning[];
}

/** A map, and where it lies on the picture. */
export interface ReadMap extends RawMap, Remarks, PicturePlace {}

type Numbers = { readonly data: unknown; readonly dims: readonly number[] };

export function rawMap(
  {
    maps,
    pixels,
    layer,
    partial,
  }: { readonly maps: Numbers; readonly pixels?: Numbers } & Pick<RawMap, "layer" | "partial">,
  index: number,
): RawMap {
  return { map: row(maps, index), pixels: pixels && row(pixels, index), layer, ...(partial && { partial }) };
}

/** One of several, [m, ...]. */
function row({ data, dims: [m = 1, ...dims] }: Numbers, index: number): Dense {
  if (!(data instanceof Float32Array)) throw new InternalError("maps are float32");
  const size = data.length / m;
  return { data: data.slice(index * size, (index + 1) * size), dims };
}

/** A question in words: "espresso", "espresso rather than cup", "against espresso". */
export const inWords = (
  label: string,
  { against, counterfactual }: { readonly against?: string; readonly counterfactual?: boolean },
): string => (against !== undefined ? `${label} rather than ${against}` : counterfactual ? `against ${label}` : label);

/**
 * A method's map of what was asked, and what is said of it beside other warnings.
 * @param sign the part of the map that was asked for
 */
export function withRemarks<E extends { readonly question: string }>(
  asked: E,
  method: Method,
  raw: RawMap,
  others: readonly Warning[] = [],
  sign: Sign = "positive",
): E & ByMethod & RawMap & Remarks {
  const blank = blankness(raw, method, asked.question, sign);
  const rectified = sign === "positive" || sign === "negative";
  const text = rectified
    ? `Nothing is left of the map after the ReLU: ${blank}.`
    : `Nothing of the map is above 0: ${blank}.`;
  const emptied = blank !== undefined && raw.layer !== undefined;
  const warnings = [...others, ...(emptied ? [{ code: "relu-emptied", text } as const] : [])];
  return { ...asked, method: method.name, methodTitle: method.title, ...raw, blank, warnings };
}

/** What is missing where a map of this sign is blank. */
const evidence: Readonly<Record<Sign, string>> = {
  positive: "positive",
  negative: "negative",
  absolute: "positive or negative",
  signed: "positive",
};

/** Why a method's map shows nothing; undefined where it shows something. */
function blankness(
  { map: { data }, layer }: RawMap,
  { nothing, title }: Method,
  question: string,
  sign: Sign,
): string | undefined {
  if (data.some((v) => !Number.isFinite(v))) return "the map is not finite: a gradient overflowed";
  if (data.some((v) => v > 0)) return undefined;
  const negative = data.some((v) => v < 0);
  if (nothing) return nothing(question, negative);
  return layer
    ? `no ${evidence[sign]} evidence for "${question}" at ${layer}`
    : `${title} finds no pixel that speaks for "${question}"`;
}
