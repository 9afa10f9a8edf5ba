/**
 * @file Operators of the domain com.microsoft, which ONNX Runtime's optimiser and some exporters write: each as what it was fused from.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { Attributes } from "../onnx/model.ts";
import { DataType, float, makeNode } from "../onnx/proto.ts";
import { type Attending, attend, causal, fromHeads, intoHeads, regroup, rotate } from "./attention.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, unsupported } from "./op.ts";

const named = (build: Builder, opType: string, x: Value, attributes = {}): Value =>
  build.op(opType, [x], attributes, x.type, x.dims);

export const Gelu: Op = composed(({ build, x: [x] }) => [named(build, "Gelu", x)]);
export const BiasGelu: Op = composed(({ build, x: [x, bias] }) => [named(build, "Gelu", build.add(x, bias))]);
export const FastGelu: Op = composed(({ build, x: [x, bias] }) => [
  named(build, "Gelu", bias ? build.add(x, bias) : x, { approximate: "tanh" }),
]);
// y = x sigmoid(alpha x)
export const QuickGelu: Op = composed(({ build, attributes, x: [x] }) => [
  build.mul(x, build.sigmoid(build.mul(x, attributes.float("alpha", 1.702)))),
]);

/** An operator, and an activation whose slope is read off its output: the gradient in front of the activation. */
function beforeActivation(c: Call, kind: string, parameters: readonly (number | undefined)[]): Value {
  const { node, y, dy } = c;
  const names = kind === "Clip" ? (["min", "max"] as const) : (["alpha", "beta"] as const);
  const made = names.flatMap((name, i) => {
    const value = parameters[i];
    return value === undefined ? [] : [[name, float(value)] as const];
  });
  const activation = makeNode(kind, [], [], Object.fromEntries(made));
  const rule = kind ? c.operator(activation)?.vjp : undefined;
  if (kind && (!rule || rule === "zero")) unsupported(node, `activation "${kind}"`);
  // Clip's bounds stand as attributes here, as in operator sets below 11.
  const attributes = new Attributes(activation);
  const within: Call = { ...c, node: activation, attributes, x: [y[0]], needs: [true], opset: 9 };
  return typeof rule === "function" ? (rule(within)[0] ?? dy[0]) : dy[0];
}

/** The gradients of what stands before the activation. */
function asPlain(c: Call, opType: string, dy: Value): readonly (Value | null)[] {
  const rule = c.operator(makeNode(opType, [], []))?.vjp;
  return typeof rule === "function" ? rule({ ...c, dy: [dy] }) : [];
}

/** Conv, a sum with z, an activation. */
export const FusedConv: Op = {
  vjp: (c) => {
    const { attributes, x } = c;
    const dy = beforeActivation(c, attributes.string("activation", ""), attributes.floats("activation_params") ?? []);
    return [...asPlain(c, "Conv", dy).slice(0, 3), ...(x[3] ? [dy] : [])];
  },
};

/** Gemm and an activation. */
export const FusedGemm: Op = {
  vjp: (c) => {
    const { attributes } = c;
    const parameter = (name: string) => (attributes.has(name) ? attributes.float(name, 0) : undefined);
    const parameters = [parameter("activation_alpha"), parameter("activation_beta")];
    return asPlain(c, "Gemm", beforeActivation(c, attributes.string("activation", ""), parameters));
  },
};

/** alpha op(a) op(b) */
export const FusedMatMul: Op = composed((c) => {
  const { build, attributes, node, x, y } = c;
  if (attributes.int("transBatchA", 0) || attributes.int("transBatchB", 0)) unsupported(node, "transposed batch axes");
  const turned = (v: Value, name: string) => (attributes.int(name, 0) && rankOf(v) > 1 ? build.transposeLast(v) : v);
  const product = build.matMul(turned(x[0], "transA"), turned(x[1], "transB"));
  return [{ ...build.mul(product, attributes.float("alpha", 1)), dims: y[0].dims }];
});

// ----- Normalisation -----

/** A normalisation of x + skip + bias, which is the fourth output. */
const skipping = (norm: (c: Call, x: Value) => Value, bias: number): Op =>
  composed((c) => {
    const { build } = c;
    const sum = build.add(c.x[0], c.x[1]);
    const total = { ...(c.x[bias] ? build.add(sum, c.x[bias]) : sum), dims: c.x[0].dims };
    return [norm(c, total), undefined, undefined, total];
  });

const layer = ({ build, attributes, x: [, , gamma, beta] }: Call, x: Value): Value =>
  build.op(
    "LayerNormalization",
    [x, gamma, beta],
    { axis: -1, epsilon: float(attributes.float("epsilon", 1e-12)) },
    x.type,
    x.dims,
  );
const rootMeanSquare = ({ build, attributes, x: [, , gamma] }: Call, x: Value): Value =>
  build.op(
    "RMSNormalization",
    [x, gamma],
    { axis: -1, epsilon: float(attributes.float("epsilon", 1e-12)) },
    x.type,
    x.dims,
  );
export const SkipLayerNormalization = skipping(layer, 4);
export const SkipSimplifiedLayerNormalization = skipping(rootMeanSquare, 3);

// ----- Attention -----

const scaleOf = ({ attributes }: Call, size: number): number =>
  attributes.has("scale") && attributes.float("scale", 0) !== 0 ? attributes.float("scale", 0) : 1 / Math.sqrt(size);

/** The masks that both attention operators know: by key, as a list for each sequence, and causal. */
function masks(c: Call, q: Value, k: Value, keys: number, bias: number): Pick<Attending, "biases" | "visible"> {
  const { build, attributes, node, x } = c;
  const visible: Value[] = [];
  if (attributes.int("unidirectional", 0) === 1) visible.push(causal(build, q, k));
  const mask = x[keys];
  if (mask && rankOf(mask) !== 2) unsupported(node, "a mask that is not [batch, keys]");
  if (mask)
    visible.push(build.reshape(build.greater(build.cast(mask, DataType.INT64), 0), [-1, 1, 1, k.dims?.[2] ?? -1]));
  return { visible, biases: x[bias] ? [x[bias]] : [] };
}

const noPast = ({ node, x }: Call, inputs: readonly number[]): void => {
  if (inputs.some((i) => x[i])) unsupported(node, "past keys and values");
};

/** x [N, steps, I] times one matrix for queries, keys and values. */
function packedStages(c: Call) {
  const { build, attributes, node } = c;
  const [x, weights, bias] = c.x;
  noPast(c, [4, 6]);
  if (attributes.int("do_rotary", 0) !== 0) unsupported(node, "do_rotary");
  const heads = attributes.int("num_heads", 1);
  const third = (weights.dims?.[1] ?? -1) / 3;
  const sizes = attributes.ints("qkv_hidden_sizes") ?? [third, third, third];
  const projected = build.matMul(x, weights);
  const all = bias ? { ...build.add(projected, bias), dims: projected.dims } : projected;
  const [q, k, v] = build.split(all, 2, sizes).map((part) => intoHeads(build, part, heads));
  return attend(build, { q, k, v, scale: scaleOf(c, sizes[0] / heads), ...masks(c, q, k, 3, 5) });
}

export const Attention: Op = composed((c) => [fromHeads(c.build, packedStages(c).y)], {
  attends: { values: 0, parts: packedStages },
});

/** Queries, keys and values [N, steps, heads size], each with its part of a bias; keys and values may be split into heads already. */
function manyHeaded(c: Call) {
  const { build, attributes, node } = c;
  const [query, key, value, bias] = c.x;
  noPast(c, [6, 7, 8, 9]);
  if (!key || !value || rankOf(query) !== 3) return unsupported(node, "queries, keys and values packed into one");
  const heads = attributes.int("num_heads", 1);
  const width = (x: Value) => (rankOf(x) === 3 ? (x.dims?.[2] ?? -1) : heads * (x.dims?.[3] ?? -1));
  const parts = bias ? build.split(bias, 0, [query, query, value].map(width)) : [];
  const [q, k, v] = [query, key, value].map((x, i) => {
    if (rankOf(x) === 4) return x;
    return intoHeads(build, parts[i] ? { ...build.add(x, parts[i]), dims: x.dims } : x, heads);
  });
  return attend(build, { q, k, v, scale: scaleOf(c, width(query) / heads), ...masks(c, q, k, 4, 5) });
}

export const MultiHeadAttention: Op = composed((c) => [fromHeads(c.build, manyHeaded(c).y)], {
  attends: { values: 2, parts: manyHeaded },
});

/** As the standard's, but with the positions before the tables, or the first position alone. */
export const RotaryEmbedding: Op = composed((c) => {
  const { build, attributes, node } = c;
  const [x, ids, cosCache, sinCache] = c.x;
  if (attributes.int("is_packed_batching", 0) || attributes.int("scale", 1) !== 1) unsupported(node, "packed batches");
  const flat = rankOf(x) === 3;
  const width = x.dims?.at(-1) ?? -1;
  const turned = attributes.int("rotary_embedding_dim", 0);
  const heads = attributes.int("num_heads", 0) || width / (turned || 2 * (cosCache.dims?.[1] ?? 1));
  const apart = flat ? regroup(build, x, [0, 0, heads, width / heads]) : build.transpose(x, [0, 2, 1, 3]);
  const steps = flat ? build.dimOf(x, 1) : build.dimOf(x, 2);
  const positions = rankOf(ids) === 2 ? ids : build.unsqueeze(build.add(ids, build.iota(steps)), [0]);
  const table = (cache: Value) => build.unsqueeze(build.gather(cache, positions, 0), [2]);
  const interleaved = attributes.int("interleaved", 0) === 1;
  const y = rotate(build, { x: apart, cos: table(cosCache), sin: table(sinCache), interleaved });
  return [flat ? regroup(build, y, [0, 0, width]) : build.transpose(y, [0, 2, 1, 3])];
});
