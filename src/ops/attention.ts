/** @file Attention and rotary position embedding, as products, softmax and rotations. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, unsupported } from "./op.ts";

/** Reshape in which 0 keeps a dimension. */
export function regroup(build: Builder, x: Value, dims: readonly number[]): Value {
  const known = dims.map((d, i) => (d === 0 ? (x.dims?.[i] ?? -1) : d));
  return { ...build.op("Reshape", [x, build.ints(dims)], undefined, x.type), dims: known };
}

/** [N, steps, heads size] -> [N, heads, steps, size], and back. */
export function intoHeads(build: Builder, x: Value, heads: number): Value {
  const width = x.dims?.[2] ?? -1;
  return build.transpose(regroup(build, x, [0, 0, heads, width / heads]), [0, 2, 1, 3]);
}
export function fromHeads(build: Builder, x: Value): Value {
  const [, heads, , size] = x.dims ?? [-1, -1, -1, -1];
  return regroup(build, build.transpose(x, [0, 2, 1, 3]), [0, 0, heads * size]);
}

/** Number that stands for minus infinity in a mask, without its NaNs. */
const never = -1e30;

export interface Attending {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly scale: number;
  /** Added to the scores: [.., queries, keys]. */
  readonly biases?: readonly Value[];
  /** True where a key may be seen. */
  readonly visible?: readonly Value[];
  readonly softcap?: number;
}

/** softmax(scale q k' + masks) v, and the stages of the scores. A query that may see nothing has no weights. */
export function attend(build: Builder, { q, k, v, scale, biases = [], visible = [], softcap = 0 }: Attending) {
  const raw = build.mul(build.matMul(q, build.transposeLast(k)), scale);
  const capped = softcap ? build.mul(build.tanh(build.div(raw, softcap)), softcap) : raw;
  const added = biases.reduce((sum, bias) => ({ ...build.add(sum, bias), dims: raw.dims }), capped);
  const masked = visible.reduce((sum, seen) => ({ ...build.where(seen, sum, never), dims: raw.dims }), added);
  const axis = build.opset >= 13 ? -1 : rankOf(masked) - 1;
  const softmax = build.op("Softmax", [masked], { axis }, raw.type, raw.dims);
  const weights = visible.reduce((kept, seen) => ({ ...build.where(seen, kept, 0), dims: raw.dims }), softmax);
  return { raw, capped, masked, weights, v, y: build.matMul(weights, v) };
}

/** Whether key j may be seen by query i: j <= i + shift. [queries, keys] */
export function causal(build: Builder, q: Value, k: Value, shift?: Value): Value {
  const rows = build.unsqueeze(build.iota(build.dimOf(q, 2)), [1]);
  const columns = build.unsqueeze(build.iota(build.dimOf(k, 2)), [0]);
  return build.not(build.greater(columns, shift ? build.add(rows, shift) : rows));
}

/** Each head of k serves as many heads of q as there are to one. */
function repeated(build: Builder, x: Value, times: number): Value {
  if (times === 1) return x;
  const [n, heads, steps, size] = x.dims ?? [-1, -1, -1, -1];
  const apart = build.unsqueeze(x, [2]);
  const wide = build.op("Expand", [apart, build.ints([1, 1, times, 1, 1])], undefined, x.type, [
    n,
    heads,
    times,
    steps,
    size,
  ]);
  const moved = build.op("Reshape", [wide, build.ints([0, heads * times, -1, size])], undefined, x.type);
  return { ...moved, dims: [n, heads * times, steps, size] };
}

/** The stages of the standard's attention, with its keys and values. */
function stagesOf(c: Call) {
  const { build, attributes, node } = c;
  const [query, key, value, mask, pastKey, pastValue, lengths] = c.x;
  const headsOf = (name: string, x: Value) => attributes.int(name, undefined) ?? x.dims?.[1] ?? 1;
  const [qHeads, kvHeads] = [headsOf("q_num_heads", query), headsOf("kv_num_heads", key)];
  const split = (x: Value, heads: number) => (rankOf(x) === 3 ? intoHeads(build, x, heads) : x);
  const q = split(query, qHeads);
  const joined = (past: Value | undefined, x: Value) => (past ? build.concat([past, x], 2) : x);
  const [k, v] = [joined(pastKey, split(key, kvHeads)), joined(pastValue, split(value, kvHeads))];
  const past = pastKey && build.dimOf(pastKey, 2);
  const ends = (v: Value) => build.reshape(v, [-1, 1, 1, 1]);
  const visible: Value[] = [];
  const [seen, keys] = [mask?.dims?.at(-1) ?? -1, k.dims?.[2] ?? -1];
  if (seen > 1 && keys >= 0 && seen !== keys) unsupported(node, "a mask shorter than the keys");
  if (mask?.type === DataType.BOOL) visible.push(mask);
  if (attributes.int("is_causal", 0) === 1)
    visible.push(causal(build, q, k, lengths ? build.sub(ends(lengths), build.dimOf(q, 2)) : past));
  if (lengths) {
    const columns = build.reshape(build.iota(build.dimOf(k, 2)), [1, 1, 1, -1]);
    visible.push(build.less(columns, ends(lengths)));
  }
  const times = qHeads / kvHeads;
  const stages = attend(build, {
    q,
    k: repeated(build, k, times),
    v: repeated(build, v, times),
    scale: attributes.float("scale", 1 / Math.sqrt(q.dims?.[3] ?? 1)),
    biases: mask && mask.type !== DataType.BOOL ? [mask] : [],
    visible,
    softcap: attributes.float("softcap", 0),
  });
  return { ...stages, keys: k, values: v };
}

export const Attention: Op = composed(
  (c) => {
    const { build, attributes } = c;
    const { keys, values, ...stages } = stagesOf(c);
    const y = rankOf(c.x[0]) === 3 ? fromHeads(build, stages.y) : stages.y;
    const mode = attributes.int("qk_matmul_output_mode", 0);
    return [y, keys, values, [stages.raw, stages.capped, stages.masked, stages.weights][mode]];
  },
  { attends: { values: 2, parts: stagesOf } },
);

export interface Rotation {
  /** [N, steps, heads, size]. */
  readonly x: Value;
  /** [N or 1, steps, 1, half]. */
  readonly cos: Value;
  readonly sin: Value;
  readonly interleaved: boolean;
}

/** Pairs of elements (halves, or neighbours) turned by an angle: (a cos - b sin, a sin + b cos); what is left over stays. */
export function rotate(build: Builder, { x, cos, sin, interleaved }: Rotation): Value {
  const size = x.dims?.[3] ?? -1;
  const half = cos.dims?.[3] ?? -1;
  const [turned, rest] = size === 2 * half ? [x] : build.split(x, 3, [2 * half, size - 2 * half]);
  const pairs = interleaved ? regroup(build, turned, [0, 0, 0, half, 2]) : undefined;
  const parts = pairs
    ? build.split(pairs, 4, [1, 1]).map((v) => build.squeeze(v, [4]))
    : build.split(turned, 3, [half, half]);
  const [a, b] = parts;
  const like = (v: Value): Value => ({ ...v, dims: a.dims });
  const first = like(build.sub(build.mul(a, cos), build.mul(b, sin)));
  const second = like(build.add(build.mul(a, sin), build.mul(b, cos)));
  const back = pairs
    ? regroup(build, build.concat([build.unsqueeze(first, [4]), build.unsqueeze(second, [4])], 4), [0, 0, 0, 2 * half])
    : build.concat([first, second], 3);
  return rest ? build.concat([back, rest], 3) : back;
}

export const RotaryEmbedding: Op = composed((c: Call) => {
  const { build, attributes, node } = c;
  const [x, cosCache, sinCache, ids] = c.x;
  const heads = attributes.int("num_heads", 0);
  const flat = rankOf(x) === 3;
  if (flat && heads === 0) unsupported(node, "three axes without num_heads");
  const width = x.dims?.at(-1) ?? -1;
  const apart = flat ? regroup(build, x, [0, 0, heads, width / heads]) : build.transpose(x, [0, 2, 1, 3]);
  const table = (cache: Value) => build.unsqueeze(ids ? build.gather(cache, ids, 0) : cache, [2]);
  const y = rotate(build, {
    x: apart,
    cos: table(cosCache),
    sin: table(sinCache),
    interleaved: attributes.int("interleaved", 0) === 1,
  });
  return [flat ? regroup(build, y, [0, 0, width]) : build.transpose(y, [0, 2, 1, 3])];
});
