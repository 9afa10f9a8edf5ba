/** @file The inputs of a model that a text is fed to: its tokens, what masks them, their types and positions, as exporters name them. */
import { listing, UserError } from "../../errors.ts";
import { range } from "../../onnx/dims.ts";
import type { Model } from "../../onnx/model.ts";
import { DataType, declaredDims, declaredType, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Runtime, Tensor } from "../../onnx/runtime.ts";

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

type Texts = readonly (readonly number[])[];

/** Whole numbers of the input's type, [n, places], for texts that are filled up; of a frame, that all of it is the picture's. */
export function tokenInput(ort: Runtime, info: ValueInfoProto, texts: Texts, places: number, padding = 0): Tensor {
  const at: Record<Content, (ids: readonly number[], place: number) => number> = {
    words: (ids, place) => ids[place] ?? padding,
    mask: (ids, place) => (place < ids.length ? 1 : 0),
    types: () => 0,
    positions: (_, place) => place,
    frame: () => 1,
  };
  const number = at[contentOf(info.name)];
  const rows = texts.map((ids) => range(places).map((place) => number(ids, place)));
  return whole(ort, rows, declaredType(info));
}

/** Whole numbers, [n, t]. */
export function whole(ort: Runtime, rows: Texts, type = DataType.INT64): Tensor {
  const dims = [rows.length, rows[0]?.length ?? 0];
  if (type === DataType.INT32) return new ort.Tensor("int32", Int32Array.from(rows.flat()), dims);
  return new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), dims);
}

/** What a text model reads of the picture, and which places of it. */
export const picture = { states: "encoder_hidden_states", mask: "encoder_attention_mask" } as const;

/** The inputs of a text model that the text is fed to, and its places where it takes sentences of one length only. */
export interface TextInputs {
  readonly fed: readonly ValueInfoProto[];
  readonly length: number | undefined;
}

/** @throws UserError `invalid-model` for inputs that nobody feeds: they are known by their names, or are `others`. */
export function textInputs({ inputs }: Model, what: string, others: readonly string[]): TextInputs {
  const names = inputs.map(({ name }) => name);
  const ids = ["input_ids", "decoder_input_ids"];
  const reading = inputs.find(({ name }) => ids.includes(name));
  const masks = ["attention_mask", "decoder_attention_mask", "position_ids", picture.mask];
  const known = [...ids, ...masks, picture.states, ...others];
  const unknown = names.filter((name) => !known.includes(name));
  if (!reading || unknown.length) {
    const wrong = reading
      ? `${listing(unknown)} too; export it without a cache`
      : `${listing(names)}; expected input_ids among them`;
    throw new UserError("invalid-model", `invalid ${what}: it takes ${wrong}`);
  }
  const ofText = ({ name }: ValueInfoProto) => contentOf(name) !== "words" && name !== picture.mask;
  return { fed: inputs.filter((info) => info === reading || ofText(info)), length: fixedLength(reading) };
}
