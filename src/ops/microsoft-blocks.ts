/** @file Products with weights of 2, 4 and 8 bits, quantised in blocks along the rows, as language models and their like store them. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, unsupported } from "./op.ts";

/**
 * y = a W^T + bias, with W[n, k] = (step - zero) scale: steps packed in bytes, the lowest bits first; scale and zero point one for each row
 * and block.
 */
export const MatMulNBits: Op = composed((c) => {
  const { build, attributes, y } = c;
  const [a, packed, scale, zero, groups, bias] = c.x;
  const [bits, rows, columns] = [attributes.int("bits", 4), attributes.int("N", 0), attributes.int("K", 0)];
  const size = attributes.int("block_size", 32);
  const blocks = Math.ceil(columns / size);
  if (groups && bits !== 4) unsupported(c.node, `g_idx with weights of ${bits} bits`);
  // In one block zero points look alike packed and unpacked, and groups of columns are the kernel's own affair.
  if (groups || (zero && blocks === 1))
    return [{ ...plus(build, build.matMul(a, byKernel(c)), bias), dims: y[0].dims }];
  const steps = unpacked(build, packed, bits, [rows, blocks * size]);
  const all = columns % size ? build.slice(steps, 1, 0, columns) : steps;
  const of = build.ints(range(columns).map((k) => Math.floor(k / size)));
  const spread = (v: Value) => build.gather(build.reshape(v, [rows, blocks]), of, 1);
  const from = zero ? spread(zeroPoints(c, zero, bits, rows, blocks)) : 2 ** (bits - 1);
  const weights = { ...build.mul(build.sub(all, from), spread(scale)), dims: [rows, columns] };
  return [{ ...plus(build, build.matMul(a, build.transpose(weights, [1, 0])), bias), dims: y[0].dims }];
});

const plus = (build: Builder, x: Value, bias: Value | undefined): Value => (bias ? build.add(x, bias) : x);

/** The weights [K, N], as what the operator makes of the unit matrix. */
function byKernel({ build, attributes, node, inputs }: Call): Value {
  const [columns, rows] = [attributes.int("K", 0), attributes.int("N", 0)];
  const dims = [columns, columns];
  const zeros = build.zeros(build.ints(dims), DataType.FLOAT, dims);
  const unit = build.op("EyeLike", [zeros], undefined, DataType.FLOAT, dims);
  const own = inputs.slice(1, 5).map((name) => (name ? { name, type: DataType.FLOAT } : undefined));
  return build.again(node, [unit, ...own], DataType.FLOAT, [columns, rows]);
}

/** Zero points of several blocks as numbers: they are packed as the weights are, each row on its own, unless there is one for each block. */
function zeroPoints({ build, node }: Call, zero: Value, bits: number, rows: number, blocks: number): Value {
  const bytes = Math.ceil((blocks * bits) / 8);
  const count = product(zero.dims ?? [-1]);
  if (count !== rows * bytes && count !== rows * blocks) unsupported(node, `zero points of shape [${zero.dims}]`);
  if (count === rows * blocks) return zero;
  const all = unpacked(build, zero, bits, [rows, (bytes * 8) / bits]);
  return build.slice(all, 1, 0, blocks);
}

/** The steps in bytes, as numbers in rows. */
function unpacked(build: Builder, bytes: Value, bits: number, [rows, columns]: readonly number[]): Value {
  const flat = build.reshape(bytes, [rows, (columns * bits) / 8, 1]);
  const above = range(8 / bits + 1).map((i) => (i === 0 ? flat : floor(build, build.mul(flat, 2 ** (-bits * i)))));
  const steps = range(8 / bits).map((i) => build.sub(above[i], build.mul(above[i + 1], 2 ** bits)));
  return build.reshape(build.concat(steps, 2), [rows, columns]);
}

const floor = (build: Builder, x: Value): Value => build.op("Floor", [x], undefined, x.type, x.dims);

/** Weights in one of 16 values of four bits. */
export const MatMulBnb4: Op = composed((c) => {
  if (rankOf(c.x[0]) < 2) unsupported(c.node, "a vector");
  return [{ ...c.build.matMul(c.x[0], byKernel(c)), dims: c.y[0].dims }];
});
