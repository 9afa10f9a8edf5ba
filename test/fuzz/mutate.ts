/** @file Damage to a file: its bytes, or the fields of its messages. */
import { range } from "../../src/onnx/dims.ts";
import type { Draw } from "./draw.ts";
import { encode, type Field, parse } from "./wire.ts";

type Mutation = (bytes: Uint8Array, draw: Draw, other: Uint8Array) => Uint8Array;

const flip: Mutation = (bytes, draw) => {
  const flipped = bytes.slice();
  for (const _ of range(draw.int(1, 8))) flipped[draw.int(0, bytes.length - 1)] ^= 1 << draw.int(0, 7);
  return flipped;
};

const truncate: Mutation = (bytes, draw) => bytes.slice(0, draw.int(0, bytes.length - 1));

const splice: Mutation = (bytes, draw, other) => {
  const from = draw.int(0, other.length - 1);
  const piece = other.slice(from, from + draw.int(1, 200));
  const at = draw.int(0, bytes.length);
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + draw.int(0, piece.length))]));
};

const join: Mutation = (bytes, _, other) => Uint8Array.from(Buffer.concat([bytes, other]));

/** The lists of fields of all messages, each as often as it has fields. */
const messages = (fields: Field[]): Field[][] => [
  ...fields.map(() => fields),
  ...fields.flatMap(({ value }) => (Array.isArray(value) ? messages(value) : [])),
];

/** Changes one field of one message, in place; the lengths around it stay right. */
const inFields =
  (change: (fields: Field[], at: number, draw: Draw, all: Field[][]) => void): Mutation =>
  (bytes, draw) => {
    const root = parse(bytes);
    const all = messages(root);
    for (const _ of range(draw.int(1, 3))) {
      const fields = draw.pick(all);
      if (fields.length) change(fields, draw.int(0, fields.length - 1), draw, all);
    }
    return encode(root);
  };

const remarkable = [0n, 1n, 2n, 3n, 7n, 255n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 40n, 2n ** 63n - 1n, -1n, -2n];
const text = (draw: Draw) =>
  draw.pick(["", "x", "y", "Relu", "Conv", "input", "N", "\n", "\u0000", "ai.onnx", "com.microsoft"]);

const revalue = inFields((fields, at, draw) => {
  const field = fields[at];
  if (typeof field.value === "bigint") fields[at] = { ...field, value: draw.pick(remarkable) };
  else if (field.value instanceof Uint8Array && field.wire !== 2)
    fields[at] = { ...field, value: field.value.map(() => draw.int(0, 255)) };
  else if (field.value instanceof Uint8Array && field.value.length < 100)
    fields[at] = { ...field, value: new TextEncoder().encode(text(draw)) };
  else if (field.value instanceof Uint8Array) fields[at] = { ...field, value: field.value.slice(draw.int(0, 9)) };
  else fields[at] = { ...field, value: [] };
});

export const mutations: Readonly<Record<string, Mutation>> = {
  flip,
  truncate,
  splice,
  join,
  /** A byte that is likely a length: small, and followed by at least as much. */
  length: (bytes, draw) => {
    const changed = bytes.slice();
    const short = range(Math.min(bytes.length, 4000)).filter((i) => bytes[i] > 0 && bytes[i] < 100);
    if (short.length) changed[draw.pick(short)] += draw.pick([-1, 1, 20, 127]);
    return changed;
  },
  revalue,
  remove: inFields((fields, at) => fields.splice(at, 1)),
  repeat: inFields((fields, at) => fields.splice(at, 0, fields[at])),
  exchange: inFields((fields, at, draw) => {
    const other = draw.int(0, fields.length - 1);
    [fields[at], fields[other]] = [fields[other], fields[at]];
  }),
  renumber: inFields((fields, at, draw) => {
    fields[at] = { ...fields[at], number: draw.int(1, 25) };
  }),
  graft: inFields((fields, at, draw, all) => {
    const from = draw.pick(all);
    if (from.length) fields[at] = { ...structuredClone(draw.pick(from)), number: fields[at].number };
  }),
};
