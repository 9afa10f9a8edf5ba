import { DataType } from "../../src/onnx/proto.ts";
import type { Numbers } from "../models.ts";
import { int32s } from "../models.ts";
import { checkRule, type Row } from "./rules.ts";

const at = (name: string) => `com.microsoft.${name}`;

/** Bytes of no order. */
const bytes = (dims: readonly number[]): Numbers => {
  const count = dims.reduce((a, b) => a * b, 1);
  return {
    type: DataType.UINT8,
    dims,
    values: Array.from({ length: count }, (_, i) => (i * 167 + 13 * (i >> 3)) % 256),
  };
};
const numbers = (dims: readonly number[], from: number, to: number): Numbers => {
  const count = dims.reduce((a, b) => a * b, 1);
  const value = (i: number) => from + (to - from) * ((i * 0.618) % 1);
  return { type: DataType.FLOAT, dims, values: Array.from({ length: count }, (_, i) => value(i)) };
};

const rows = 5;
/** Weights in blocks of 16 over `columns`. */
const product = (bits: number, columns: number, more: Readonly<Record<string, Numbers | undefined>> = {}): Row => {
  const blocks = Math.ceil(columns / 16);
  const weights = { w: bytes([rows, blocks, 2 * bits]), s: numbers([rows * blocks], 0.1, 1.1) };
  return [
    { x: [3, columns], ...weights, ...more },
    { bits, K: columns, N: rows, block_size: 16 },
  ];
};
const packed = (bits: number, columns: number) => bytes([rows * Math.ceil((Math.ceil(columns / 16) * bits) / 8)]);

for (const bits of [2, 4, 8])
  checkRule(
    at("MatMulNBits"),
    { opsets: [13, 17, 21], linear: true, wrt: ["x"], free: ["x"] },
    {
      [`${bits} bits`]: product(bits, 32),
      [`${bits} bits, a last block that is not full`]: product(bits, 40),
      [`${bits} bits, zero points`]: product(bits, 40, { z: packed(bits, 40) }),
      [`${bits} bits, one block`]: product(bits, 16, { z: packed(bits, 16) }),
      [`${bits} bits, a bias`]: product(bits, 32, { z: undefined, g: undefined, b: numbers([rows], -1, 1) }),
    },
  );

checkRule(
  at("MatMulNBits"),
  { opsets: [17], linear: true, wrt: ["x"] },
  {
    "a zero point of floats for each block": product(4, 48, { z: numbers([rows * 3], 0, 15) }),
    "one of floats for one block": product(4, 16, { z: numbers([rows], 0, 15) }),
    "groups of columns": product(4, 32, {
      z: undefined,
      g: int32s(Array.from({ length: 32 }, (_, i) => 1 - (i >> 4))),
    }),
    "three axes": [{ ...product(4, 32)[0], x: [2, 3, 32] }, product(4, 32)[1]],
  },
);

checkRule(
  at("MatMulBnb4"),
  { opsets: [17], linear: true, wrt: ["x"], free: ["x"] },
  {
    "4-bit floats": [
      { x: [3, 32], w: bytes([80]), s: numbers([10], 0.1, 1.1) },
      { K: 32, N: 5, block_size: 16, quant_type: 0 },
    ],
    "normal floats": [
      { x: [3, 32], w: bytes([80]), s: numbers([10], 0.1, 1.1) },
      { K: 32, N: 5, block_size: 16, quant_type: 1 },
    ],
  },
);
