/** @file The tokens of questions and sentences as inputs: the tokens themselves, what masks them, their types and their positions, as exporters name them. */
import { UserError } from "../../errors.ts";
import { range } from "../../onnx/dims.ts";
import { DataType, declaredDims, declaredType, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Runtime, Tensor } from "../../onnx/runtime.ts";
import { whole } from "./decoder.ts";

/** What an input beside the picture holds. */
type Content = "words" | "mask" | "types" | "positions" | "frame";

export function contentOf(name: string): Content {
  if (/pixel_mask/.test(name)) return "frame";
  if (/mask/.test(name)) return "mask";
  if (/type/.test(name)) return "types";
  return /position/.test(name) ? "positions" : "words";
}

/** The places of an input that takes sentences of one length only. */
export function fixedLength(info: ValueInfoProto | undefined): number | undefined {
  const fixed = info && declaredDims(info)?.[1];
  return typeof fixed === "number" && fixed > 0 ? fixed : undefined;
}

/** The places that a question takes; @throws UserError `invalid-input` for one that is too long. */
export function placesFor(count: number, fixed: number | undefined, most: number): number {
  if (count <= (fixed ?? most)) return fixed ?? count;
  throw new UserError("invalid-input", `invalid question: ${count} tokens; the model allows ${fixed ?? most}`);
}

/** Whole numbers of the input's type, [n, places], for texts that are filled up; of a frame, that all of it is the picture's. */
export function tokenInput(
  ort: Runtime,
  info: ValueInfoProto,
  texts: readonly (readonly number[])[],
  { places, padding }: { readonly places: number; readonly padding: number },
): Tensor {
  const at: Record<Content, (ids: readonly number[], place: number) => number> = {
    words: (ids, place) => ids[place] ?? padding,
    mask: (ids, place) => (place < ids.length ? 1 : 0),
    types: () => 0,
    positions: (_, place) => place,
    frame: () => 1,
  };
  const number = at[contentOf(info.name)];
  const rows = texts.map((ids) => range(places).map((place) => number(ids, place)));
  return whole(ort, rows, declaredType(info) === DataType.INT32 ? "int32" : "int64");
}
